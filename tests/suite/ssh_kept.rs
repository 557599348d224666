//! Commands in the session's kept shell, on a real sshd: one shell for all, and nothing of one
//! command gets into the next.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use futures::future::join_all;
use machineroom::error::{Error, Kind};
use machineroom::output::{Output, Stream};
use machineroom::secret::Secret;
use machineroom::ssh::{Exec, Sudo, Transport};

use super::sudo::{ASKS, FREE, Yard};
use crate::support::account::PASSWORD;
use crate::support::sshd::Sshd;

fn reader(command: &str) -> Exec {
    Exec {
        kept: true,
        ..Exec::reader(command)
    }
}

fn writer(command: &str) -> Exec {
    Exec {
        kept: true,
        ..Exec::new(command)
    }
}

/// As a reader and as a writer, which must be the same.
fn both(web: &Arc<dyn Transport>, command: &str) -> Output {
    let [mut read, mut wrote] =
        [reader(command), writer(command)].map(|r| block_on(web.exec(r)).unwrap());
    read.duration = Duration::ZERO;
    wrote.duration = Duration::ZERO;
    assert_eq!(read, wrote, "{command}");
    read
}

/// The process id of the kept shell.
fn shell(web: &Arc<dyn Transport>) -> String {
    block_on(web.exec(reader("echo $$")))
        .unwrap()
        .stdout_trimmed()
}

#[track_caller]
fn text(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.code, text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn is(output: &Output, code: i32, stdout: &str, stderr: &str) {
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
                stdin: input.clone(),
                ..like(command)
            };
            let output = block_on(web.exec(request)).unwrap();
            assert!(output.stdout == input && output.code == Some(5));
            assert_eq!(output.stderr, b"sh\n1\n");
            // What is not read is nobody's, least of all the shell's.
            let request = Exec {
                stdin: [input.clone(), b"touch forged\n".repeat(5000)].concat(),
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

#[test]
fn a_killed_shell_is_unknown_and_the_next_is_new() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    for kill in [
        reader("echo begun; kill -9 $$; sleep 1; echo on"),
        writer("echo begun; kill -9 $$; sleep 1; echo on"),
    ] {
        let first = shell(&web);
        let error = block_on(web.exec(kill)).unwrap_err();
        assert_eq!(error.kind(), Kind::Lost, "{error}");
        assert_eq!(
            error.message(),
            "the shell was ended; nobody knows how the command ended"
        );
        let seen = error.remote_output().unwrap();
        assert!(seen.stdout.starts_with(b"begun\n"), "{seen:?}");
        assert!(error.remote_command().unwrap().starts_with("echo begun"));
        assert_ne!(shell(&web), first);
    }
    // One that was killed while nobody looked is no reason to fail.
    let first = shell(&web);
    block_on(web.exec(Exec::new(format!("kill -9 {first}")))).unwrap();
    assert_ne!(shell(&web), first);
    // What serves the connection goes with everything.
    let error =
        block_on(web.exec(writer("echo begun; sleep 0.5; kill -9 $PPID; sleep 1"))).unwrap_err();
    assert_eq!(error.kind(), Kind::Lost, "{error}");
    assert_eq!(error.remote_output().unwrap().stdout, b"begun\n");
    let error = block_on(web.exec(reader("true"))).unwrap_err();
    assert_eq!(error.kind(), Kind::Connect, "{error}");
}

#[test]
fn time_is_up_and_who_waits_may_go() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let start = Instant::now();
    for slow in [reader, writer] {
        let first = shell(&web);
        let request = Exec {
            timeout: Some(Duration::from_millis(700)),
            ..slow("echo a; echo b >&2; sleep 60")
        };
        let error = block_on(web.exec(request)).unwrap_err();
        assert_eq!(error.kind(), Kind::Timeout);
        is(
            &Output {
                code: Some(0),
                ..error.remote_output().unwrap().clone()
            },
            0,
            "a\n",
            "b\n",
        );
        assert_ne!(shell(&web), first);
        let mut call = web.exec(slow("sleep 60"));
        let waker = futures::task::noop_waker();
        let mut context = std::task::Context::from_waker(&waker);
        assert!(call.as_mut().poll(&mut context).is_pending());
        std::thread::sleep(Duration::from_millis(300));
        drop(call);
        assert_eq!(
            block_on(web.exec(reader("echo on"))).unwrap().stdout,
            b"on\n"
        );
    }
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn two_at_once_have_two_and_the_servers_limit_holds() {
    let Some(sshd) = Sshd::start("MaxSessions 2") else {
        return;
    };
    let web = sshd.connect();
    let calls = (0..6).map(|i| web.exec(reader(&format!("sleep 0.2; echo {i}"))));
    for (i, output) in block_on(join_all(calls)).into_iter().enumerate() {
        assert_eq!(output.unwrap().stdout_trimmed(), i.to_string());
    }
    let first = shell(&web);
    assert_eq!(shell(&web), first);
    // It gives its channel to who needs one, and files do so for it.
    let calls = (0..2).map(|_| web.exec(Exec::new("sleep 0.2")));
    assert!(block_on(join_all(calls)).iter().all(Result::is_ok));
    block_on(web.write("kept-file", b"x".to_vec(), None)).unwrap();
    assert_ne!(shell(&web), first);
    block_on(web.exec(writer("rm kept-file"))).unwrap();
}

#[test]
fn a_thousand_in_a_row() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let size = || {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    };
    let memory = |pid: &str| block_on(web.exec(reader(&format!("grep VmRSS /proc/{pid}/status"))));
    let pid = shell(&web);
    let rss = || memory(&pid).unwrap().stdout_trimmed();
    let mut sizes = Vec::new();
    for i in 0..1000 {
        let output = block_on(web.exec(reader(&format!("echo {i}; exit {}", i % 3)))).unwrap();
        is(&output, i % 3, &format!("{i}\n"), "");
        if i % 300 == 100 {
            sizes.push((size(), rss()));
        }
    }
    let (first, last) = (&sizes[0], &sizes[sizes.len() - 1]);
    // Other tests of the same process come and go; a leak of a buffer a time were 20 MB.
    assert!(last.0 < first.0 + (64 << 20), "{sizes:?}");
    assert_eq!(first.1, last.1, "the server's shell grows");
    assert_eq!(shell(&web), pid);
}

fn as_root(request: Exec, password: Option<&str>) -> Exec {
    let sudo = Sudo {
        user: "root".to_owned(),
        password: password.map(Secret::new),
    };
    Exec {
        sudo: Some(sudo),
        ..request
    }
}

fn run(web: &Arc<dyn Transport>, command: &str, password: Option<&str>) -> Result<Output, Error> {
    block_on(web.exec(as_root(reader(command), password)))
}

#[test]
fn as_another_user() {
    let Some(yard) = Yard::new(ASKS) else { return };
    let web = yard.open();
    let output = run(&web, "id -un; echo $$; echo $HOME; cat", Some(PASSWORD)).unwrap();
    let first = text(&output).1;
    assert!(
        first.starts_with("root\n") && first.ends_with("/root\n"),
        "{first}"
    );
    // The rules want the password each time: it was asked for once.
    let again = run(&web, "id -un; echo $$; echo $HOME; cat", Some(PASSWORD)).unwrap();
    assert_eq!(text(&again), (Some(0), first, String::new()));
    let request = as_root(writer("echo out; echo err >&2; exit 6"), Some(PASSWORD));
    is(&block_on(web.exec(request)).unwrap(), 6, "out\n", "err\n");
    // The login's own is another one.
    let own = block_on(web.exec(reader("id -un"))).unwrap();
    assert_eq!(own.stdout_trimmed(), yard.account.name);
    let path = block_on(web.exec(reader("echo $PATH")))
        .unwrap()
        .stdout_trimmed();
    assert!(path.ends_with("/usr/sbin:/sbin"), "{path}");
    let nosy =
        "tr '\\0' '\\n' < /proc/$PPID/cmdline; tr '\\0' '\\n' < /proc/$PPID/environ; set; ps -ef";
    let seen = text(&run(&web, nosy, Some(PASSWORD)).unwrap()).1;
    assert!(seen.contains("sudo") && !seen.contains(PASSWORD), "{seen}");
    let request = Exec {
        stdin: b"given\n".to_vec(),
        ..as_root(writer("cat; id -un"), Some(PASSWORD))
    };
    is(
        &block_on(web.exec(request)).unwrap(),
        0,
        "given\nroot\n",
        "",
    );
    let request = Exec {
        stdin: b"given".to_vec(),
        ..as_root(writer("cat; id -un"), Some(PASSWORD))
    };
    is(&block_on(web.exec(request)).unwrap(), 0, "givenroot\n", "");
    let error = run(&web, "kill -9 $$; sleep 1", Some(PASSWORD)).unwrap_err();
    assert_eq!(error.kind(), Kind::Lost, "{error}");
    assert_eq!(run(&web, "id -u", Some(PASSWORD)).unwrap().stdout, b"0\n");

    let web = yard.open();
    for (password, message) in [
        (Some("not this one"), "sudo refused the password"),
        (None, "sudo asks for a password, and none is known"),
    ] {
        let error = run(&web, "id", password).unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::Exit, message));
        assert_eq!(error.remote_command(), Some("id"));
    }
    assert_eq!(run(&web, "id -u", Some(PASSWORD)).unwrap().stdout, b"0\n");
}

#[test]
fn where_sudo_wants_a_terminal() {
    let rules = "ACCOUNT ALL=(ALL) NOPASSWD: ALL\nDefaults:ACCOUNT requiretty";
    let Some(yard) = Yard::new(rules) else { return };
    let web = yard.open();
    let output = run(&web, "id -un; printf '%s\\n' 'a\\b'; exit 4", None).unwrap();
    assert_eq!(
        (output.code, &output.stdout[..]),
        (Some(4), &b"root\na\\b\n"[..])
    );
}

#[test]
fn a_shell_that_is_not_fit_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let sh = dir.path().join("sh");
    let script = "#!/bin/sh\nexport KSH_VERSION='Version AJM 93u+'\nexec /bin/sh \"$@\"\n";
    std::fs::write(&sh, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&sh, mode).unwrap();
    let path = format!("SetEnv PATH={}:/usr/bin:/bin", dir.path().display());
    let Some(sshd) = Sshd::start(&path) else {
        return;
    };
    let web = sshd.connect();
    is(
        &both(&web, "echo out; echo err >&2; exit 4"),
        4,
        "out\n",
        "err\n",
    );
    assert_ne!(shell(&web), shell(&web));
}

#[test]
fn under_any_login_shell() {
    for login in [
        "/usr/bin/fish",
        "/bin/bash",
        "/usr/bin/zsh",
        "/usr/sbin/nologin",
    ] {
        if !std::path::Path::new(login).exists() {
            eprintln!("skipped: no `{login}`");
            continue;
        }
        let Some(yard) = Yard::new(FREE) else { return };
        let set = std::process::Command::new("usermod")
            .args(["-s", login, &yard.account.name])
            .status();
        assert!(set.unwrap().success());
        let noise = "echo hello; echo hello >&2\n";
        for file in [".bashrc", ".zshenv", ".config/fish/config.fish"] {
            let file = yard.account.home().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, noise).unwrap();
        }
        let owner = format!("{0}:{0}", yard.account.name);
        let mut chown = std::process::Command::new("chown");
        let done = chown.arg("-R").arg(owner).arg(yard.account.home()).status();
        assert!(done.unwrap().success());
        let web = yard.open();
        if login.ends_with("nologin") {
            let error = block_on(web.exec(reader("echo on"))).unwrap_err();
            assert_eq!(error.message(), "the login's shell does not run commands");
            let output = error.remote_output().unwrap();
            assert!(text(output).1.contains("not available"), "{output:?}");
            continue;
        }
        let command = "printf '%s\\n' 'it'\\''s \\\\ \\n' | sed 's/\\\\/x/'; exit 3";
        let request = as_root(reader(command), None);
        for request in [reader(command), request] {
            let output = block_on(web.exec(request)).unwrap();
            assert_eq!(
                text(&output),
                (Some(3), "it's x\\ \\n\n".into(), "".into()),
                "{login}"
            );
        }
    }
}
