//! Commands in the session's kept shell, on a real sshd: one shell for all, and nothing of one
//! command gets into the next.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use machineroom::error::Kind;
use machineroom::output::{Output, Stream};
use machineroom::ssh::{Exec, Transport};

use crate::support::sshd::Sshd;

pub(super) fn reader(command: &str) -> Exec {
    Exec {
        kept: true,
        ..Exec::reader(command)
    }
}

pub(super) fn writer(command: &str) -> Exec {
    Exec {
        kept: true,
        ..Exec::new(command)
    }
}

/// As a reader and as a writer, which must be the same.
pub(super) fn both(web: &Arc<dyn Transport>, command: &str) -> Output {
    let [mut read, mut wrote] =
        [reader(command), writer(command)].map(|r| block_on(web.exec(r)).unwrap());
    read.duration = Duration::ZERO;
    wrote.duration = Duration::ZERO;
    assert_eq!(read, wrote, "{command}");
    read
}

/// The process id of the kept shell.
pub(super) fn shell(web: &Arc<dyn Transport>) -> String {
    block_on(web.exec(reader("echo $$")))
        .unwrap()
        .stdout_trimmed()
}

#[track_caller]
pub(super) fn text(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.code, text(&output.stdout), text(&output.stderr))
}

#[track_caller]
pub(super) fn is(output: &Output, code: i32, stdout: &str, stderr: &str) {
    assert_eq!(text(output), (Some(code), stdout.into(), stderr.into()));
}

#[test]
fn streams_codes_and_bytes_are_the_commands_own() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let first = shell(&web);
    is(
        &both(&web, "echo out; echo err >&2; exit 7"),
        7,
        "out\n",
        "err\n",
    );
    is(&both(&web, "printf out; printf err >&2"), 0, "out", "err");
    is(&both(&web, "false"), 1, "", "");
    is(&both(&web, ""), 0, "", "");
    is(&both(&web, "-n 2>/dev/null"), 127, "", "");
    is(
        &both(&web, "cat <<'X'\nit's \"$HOME\" `x` \\n\nX"),
        0,
        "it's \"$HOME\" `x` \\n\n",
        "",
    );
    is(
        &both(&web, "echo 'Grüße \u{1}\u{7f} 日本'; # the end"),
        0,
        "Grüße \u{1}\u{7f} 日本\n",
        "",
    );
    assert_eq!(
        both(&web, "printf 'a\\0b\\377\\201\\202'").stdout,
        b"a\0b\xff\x81\x82"
    );
    // A child reads nothing, least of all what is meant for the shell.
    is(
        &both(&web, "cat; read x; echo \"<$x>\"; head -c 10"),
        0,
        "<>\n",
        "",
    );
    assert_eq!(
        both(&web, "kill -KILL $(exec sh -c 'echo $PPID')").code,
        Some(137)
    );
    let syntax = both(&web, "if true; then");
    assert!(
        syntax.code != Some(0) && !syntax.stderr.is_empty(),
        "{syntax:?}"
    );
    assert!(both(&web, "echo ) ; }; exit").code != Some(0));
    assert_eq!(shell(&web), first, "all in one shell");
    let error = block_on(web.exec(reader("a\0b"))).unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
}

#[test]
fn nothing_gets_into_the_next() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let before = both(&web, "pwd; umask; ulimit -n; set; trap; alias; export").stdout;
    let first = shell(&web);
    for mess in [
        "cd /; umask 0; ulimit -n 50; X=1; export X; alias echo=false",
        "set -eu; f() { echo f; }; trap 'echo trapped' EXIT; false",
        "set -x -f -v; exec true",
        "exec >/dev/null 2>&1 </dev/null; IFS=x; PATH=/nowhere; readonly PATH",
        "trap '' TERM; eval 'exit 3'; exit 4",
        "return 3; break; shift 3; echo() { false; }",
        "unset PATH; set -- a b c",
    ] {
        both(&web, mess);
    }
    let after = both(&web, "pwd; umask; ulimit -n; set; trap; alias; export").stdout;
    assert_eq!(
        String::from_utf8_lossy(&after),
        String::from_utf8_lossy(&before)
    );
    assert_eq!(shell(&web), first);
    is(
        &both(&web, "echo $#; f"),
        127,
        "0\n",
        &text(&both(&web, "echo $#; f")).2,
    );
    // What is missing on a login's path is behind it.
    let path = both(&web, "echo $PATH").stdout_trimmed();
    assert!(path.split(':').any(|p| p == "/usr/sbin"), "{path}");
}

#[test]
fn marks_cannot_be_forged() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    // Everything that a command can find out about its shell is printed as its own.
    let nosy = "set; for p in $$ $PPID self; do for f in environ cmdline; do \
                tr '\\0' '\\n' < /proc/$p/$f; done; done; ps -ef; echo '~e 0'; printf '~'; \
                i=0; while [ $i -lt 50 ]; do echo \"~${i}0123456789abcdef0123456789abcdefe 0\"; \
                i=$((i+1)); done; echo last; exit 9";
    let output = block_on(web.exec(writer(nosy))).unwrap();
    assert_eq!(output.code, Some(9));
    assert!(output.stdout.ends_with(b"abcdefe 0\nlast\n"));
    // Nothing looks like a mark but what it has printed itself.
    let seen = String::from_utf8_lossy(&output.stdout);
    let digits = |w: &str| w.len() > 32 && w.bytes().take(32).all(|b| b.is_ascii_hexdigit());
    let marks = seen.split('~').filter(|w| digits(w)).count();
    assert_eq!(marks, 50, "{seen}");
    assert_eq!(block_on(web.exec(reader("exit 4"))).unwrap().code, Some(4));
}

#[test]
fn floods_stay_bounded_and_flow_live() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    for flood in [reader, writer] {
        let seen = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let counter = seen.clone();
        let request = Exec {
            max_output: 1000,
            sink: Some(Arc::new(move |stream, bytes: &[u8]| {
                let i = usize::from(stream == Stream::Stderr);
                counter[i].fetch_add(bytes.len(), Ordering::SeqCst);
            })),
            ..flood("head -c 10000000 /dev/zero >&2 & head -c 10000000 /dev/zero; wait; exit 3")
        };
        let output = block_on(web.exec(request)).unwrap();
        assert_eq!(
            (
                output.code,
                output.stdout.len(),
                output.stderr.len(),
                output.truncated
            ),
            (Some(3), 1000, 1000, true)
        );
        assert_eq!(seen[0].load(Ordering::SeqCst), 10_000_000);
        assert_eq!(seen[1].load(Ordering::SeqCst), 10_000_000);
        let times = Arc::new(Mutex::new(Vec::new()));
        let sink = times.clone();
        let request = Exec {
            sink: Some(Arc::new(move |_, _: &[u8]| {
                sink.lock().unwrap().push(Instant::now())
            })),
            ..flood("echo a; sleep 0.5; echo b")
        };
        block_on(web.exec(request)).unwrap();
        let times = times.lock().unwrap();
        assert!(times[times.len() - 1] - times[0] > Duration::from_millis(300));
    }
    let output = block_on(web.exec(reader(
        "head -c 3000000 /dev/urandom | tee copy; cksum copy >&2",
    )));
    let output = output.unwrap();
    std::fs::write(sshd.path("copy"), &output.stdout).unwrap();
    let sum = std::process::Command::new("cksum")
        .arg(sshd.path("copy"))
        .output()
        .unwrap();
    let first = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes)
            .split(' ')
            .next()
            .map(str::to_owned)
    };
    assert_eq!(first(&output.stderr), first(&sum.stdout));
    block_on(web.exec(writer("rm -f copy"))).unwrap();
}

#[test]
fn a_long_text_and_its_input() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    // Longer than any argument may be.
    let long = format!("x='{}'; echo ${{#x}}", "it is ".repeat(100_000));
    is(&both(&web, &long), 0, "600000\n", "");
    let all: Vec<u8> = (1..=255).cycle().take(150_000).chain([b'\n']).collect();
    let tricky = b"$HOME `id` \\ 'x' \"y\"\n~e\n\nEOF\n".to_vec();
    for (input, alone) in [(all, false), (tricky, false), (b"in\0put".to_vec(), true)] {
        for like in [reader, writer] {
            let command = "cat; echo \"$0\" >&2; echo $PATH | grep -c /usr/sbin >&2; exit 5";
            let request = Exec {
                stdin: input.clone().into(),
                ..like(command)
            };
            let output = block_on(web.exec(request)).unwrap();
            assert!(output.stdout == input && output.code == Some(5));
            assert_eq!(output.stderr, b"sh\n1\n");
            // What is not read is nobody's, least of all the shell's.
            let request = Exec {
                stdin: [input.clone(), b"touch forged\n".repeat(5000)]
                    .concat()
                    .into(),
                ..like("echo $$")
            };
            let pid = block_on(web.exec(request)).unwrap().stdout_trimmed();
            assert_eq!(pid != shell(&web), alone);
        }
    }
    is(&both(&web, "test -e forged"), 1, "", "");
}

#[test]
fn what_is_left_running_does_not_get_into_the_next() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let start = Instant::now();
    let output =
        block_on(web.exec(writer("(sleep 1; echo late; echo late >&2) & echo now"))).unwrap();
    // As on a channel of its own: what writes to the outputs belongs to the command.
    is(&output, 0, "now\nlate\n", "late\n");
    assert!(start.elapsed() >= Duration::from_secs(1));
    let output = block_on(web.exec(writer("sleep 60 >/dev/null 2>&1 & echo $!"))).unwrap();
    let pid = output.stdout_trimmed();
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "it waits for nobody"
    );
    // A reader that breaks its promise is not waited for; between commands it is not heard.
    block_on(web.exec(reader("(sleep 0.3; echo stray; echo stray >&2) & :"))).unwrap();
    std::thread::sleep(Duration::from_millis(600));
    is(&both(&web, "echo next"), 0, "next\n", "");
    is(&both(&web, &format!("kill {pid}")), 0, "", "");
}
