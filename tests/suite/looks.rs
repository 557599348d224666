//! What a run over servers looks like: live lines, the marks at its end, blocks and differences.

use crate::support::home::{Done, Home, MROOM};
use crate::support::sshd::has;
use crate::support::terminal::Terminal;

/// A home with `count` sandbox servers; `None` when this machine has no sshd or script(1).
fn room(count: &str) -> Option<Home> {
    if !has("/usr/sbin/sshd") || !has("ssh-keygen") || !has("script") {
        return None;
    }
    let home = Home::new();
    home.ok(&["sandbox", "up", count]);
    Some(home)
}

/// A command that prints one thing on sandbox-03 and another elsewhere.
fn odd(there: &str, elsewhere: &str) -> String {
    format!("case $HOME in *sandbox-03*) {there};; *) {elsewhere};; esac")
}

fn on_terminal(home: &Home, words: &[&str], remote: &str) -> Done {
    let words = [&["exec", "all"], words, &["--", remote]].concat();
    home.on_terminal(&words, &[])
}

/// The lines without what the bar drew and without the carriage returns of a terminal.
fn lines(done: &Done) -> Vec<&str> {
    let lines = done.stdout.lines().map(|l| l.trim_end_matches('\r'));
    lines
        .map(|l| l.rsplit(['\r', 'K']).next().unwrap())
        .collect()
}

#[test]
fn lines_come_live_behind_a_gutter() {
    let Some(home) = room("3") else { return };
    let plain = ["--color", "never"];
    let seen = on_terminal(&home, &plain, "echo hi; echo oops >&2; printf 'no end'").ended(0);
    let found = lines(&seen);
    for id in ["sandbox-01", "sandbox-02", "sandbox-03"] {
        for rest in [" | hi", " ! oops", " | no end"] {
            let line = format!("{id}{rest}");
            let all = seen.stdout.matches(&line).count();
            assert_eq!(all, 1, "{line:?} in {:?}", seen.stdout);
        }
    }
    assert!(
        found.contains(&"alike       sandbox-[01-03] (3)"),
        "{found:?}"
    );
    let count = "ok 3  changed 0  failed 0  unreachable 0  skipped 0  cancelled 0  unknown 0";
    assert_eq!(found.last(), Some(&count));

    // What prints nothing has nothing to be alike in; one server has no gutter.
    let silent = on_terminal(&home, &plain, "true").ended(0);
    assert!(!silent.stdout.contains("alike"), "{silent:?}");
    let one = home
        .on_terminal(&["exec", "sandbox-01", "-q", "--", "echo hi"], &[])
        .ended(0);
    assert_eq!(one.stdout, "hi\r\n");
}

#[test]
fn a_server_cannot_speak_for_another() {
    let Some(home) = room("2") else { return };
    let fake = "printf 'sandbox-02 | all is well\\r\\n\\033[34msandbox-02\\033[0m | fine\\n'; \
                printf '%87ssandbox-02 | wrapped\\n' ''; printf 'long gone\\rsandbox-02 | back\\n'";
    let words = ["exec", "all", "-q", "--color", "never", "--", fake];
    let seen = home.on_terminal(&words, &[]).ended(0);
    for line in seen.stdout.lines() {
        let is_behind = ["sandbox-01 | ", "sandbox-02 | ", "           | "]
            .iter()
            .any(|gutter| line.starts_with(gutter));
        assert!(is_behind, "{line:?}");
    }
    let fakes = seen.stdout.matches("sandbox-01 | sandbox-02 | ").count();
    assert_eq!(fakes, 2, "{:?}", seen.stdout);
    assert!(seen.stdout.contains("sandbox-01 | ^[[34msandbox-02"));
    assert!(
        seen.stdout
            .contains("\r\n           | sandbox-02 | wrapped\r\n")
    );
    assert!(!seen.stdout.contains("long gone"));

    // With colours, only the real prefix has one, the same in every run.
    let colored = |words: &[&str]| home.on_terminal(words, &[]).ended(0).stdout;
    let words = ["exec", "all", "-q", "--", fake];
    let (first, second) = (colored(&words), colored(&words));
    let prefix = |text: &str| {
        let line = text
            .lines()
            .find(|l| l.contains("sandbox-01\u{1b}"))
            .unwrap();
        line.split_once("sandbox-01").unwrap().0.to_owned()
    };
    assert!(prefix(&first).starts_with("\x1b[") && prefix(&first) == prefix(&second));
}

#[test]
fn outliers_are_marked_after_live_output() {
    let Some(home) = room("4") else { return };
    let remote = odd("echo a; echo X; exit 3", "echo a; echo b");
    let seen = on_terminal(&home, &["--color", "never"], &remote).ended(3);
    let found = lines(&seen);
    let at = found.iter().position(|l| l.starts_with("alike")).unwrap();
    assert_eq!(
        found[at..at + 6],
        [
            "alike       sandbox-[01-02,04] (3)",
            "differs     sandbox-03  exit 3",
            "  @@ -1,2 +1,2 @@",
            "   a",
            "  -b",
            "  +X",
        ]
    );
    // Each has its own output: nothing to say of that.
    let each = on_terminal(&home, &["--color", "never"], "echo $HOME").ended(0);
    assert!(
        !each.stdout.contains("alike") && !each.stdout.contains("differ"),
        "{each:?}"
    );
    // Two and two.
    let halves = "case $HOME in *0[12]*) echo x;; *) echo y;; esac";
    let seen = on_terminal(&home, &["--color", "never"], halves).ended(0);
    assert!(
        seen.stdout
            .contains("differ      2 kinds of output: `--fold` shows"),
        "{seen:?}"
    );
    // Too much to be kept is shown and not compared.
    let much = on_terminal(&home, &["--color", "never"], "seq 20000").ended(0);
    assert_eq!(much.stdout.matches(" | 20000\r\n").count(), 4);
    assert!(!much.stdout.contains("alike"));
}

#[test]
fn folded_outliers_are_shown_as_what_differs() {
    let Some(home) = room("4") else { return };
    let remote = odd("seq 1 9; echo X", "seq 1 10");
    let words = [
        "exec", "all", "--fold", "-q", "--color", "never", "--", &remote,
    ];
    let seen = home.on_terminal(&words, &[]).ended(0);
    let text = seen.stdout.replace('\r', "");
    let head = "sandbox-03  differs from sandbox-[01-02,04] (3)";
    let (rule, long) = ("-".repeat(22), "-".repeat(head.len()));
    let ten: String = (1..=10).map(|n| format!("{n}\n")).collect();
    let first = format!("{rule}\nsandbox-[01-02,04] (3)\n{rule}\n{ten}");
    let second = format!("{long}\n{head}\n{long}\n@@ -7,4 +7,4 @@\n 7\n 8\n 9\n-10\n+X\n");
    assert_eq!(text, first + &second);
    // A file or pipe gets every output whole, the majority first.
    let piped = home.ok(&words[..]);
    assert!(
        piped.starts_with(&format!("{rule}\nsandbox-[01-02,04] (3)\n")),
        "{piped}"
    );
    assert!(
        piped.ends_with("sandbox-03\n---------------\n1\n2\n3\n4\n5\n6\n7\n8\n9\nX\n"),
        "{piped}"
    );
}

#[test]
fn a_server_is_the_measure_of_the_others() {
    let Some(home) = room("3") else { return };
    let remote = odd(r"printf 'a\tb\377\n'", r"printf 'a\nsecond'");
    let words = [
        "exec",
        "all",
        "-q",
        "--diff-to",
        "sandbox-03",
        "--",
        &remote,
    ];
    let seen = home.run(&words).ended(0);
    let head = format!("{0}\nsandbox-03\n{0}\na\tb", "-".repeat(15));
    assert!(seen.bytes.starts_with(head.as_bytes()), "{seen:?}");
    let tail = b"\n@@ -1 +1,2 @@\n-a\tb\xff\n+a\n+second\n\\ No newline at end of file\n";
    assert!(seen.bytes.ends_with(tail), "{seen:?}");
    assert!(
        seen.stdout
            .contains("sandbox-[01-02] (2)  differs from sandbox-03\n")
    );
    let same = home.ok(&[
        "exec",
        "all",
        "-q",
        "--diff-to",
        "sandbox-02",
        "--",
        "echo x",
    ]);
    assert!(
        same.ends_with("sandbox-[01-03] (3)\n-------------------\nx\n"),
        "{same}"
    );

    let other = [
        "exec",
        "sandbox-01",
        "--diff-to",
        "sandbox-02",
        "--",
        "true",
    ];
    let refused = home.run(&other).ended(2);
    assert!(
        refused
            .stderr
            .contains("`sandbox-02` of `--diff-to` is not among"),
        "{refused:?}"
    );
    let json = [
        "exec",
        "all",
        "--json",
        "--diff-to",
        "sandbox-02",
        "--",
        "true",
    ];
    assert!(
        home.run(&json)
            .ended(2)
            .stderr
            .contains("no meaning with `--json`")
    );
    // The measure itself may be gone: then all is shown as it is.
    home.ok(&["add", "gone", "root@127.0.0.1:1"]);
    let gone = home
        .run(&["exec", "all", "--diff-to", "gone", "--", "echo x"])
        .ended(4);
    assert!(
        gone.stderr
            .contains("warning: gone: no output of it to compare"),
        "{gone:?}"
    );
    assert!(gone.stdout.contains("sandbox-[01-03] (3)"));
}

#[test]
fn a_narrow_terminal_and_one_that_shrinks() {
    let Some(home) = room("2") else { return };
    let words = [
        "exec",
        "all",
        "-q",
        "--color",
        "never",
        "--",
        "seq -s ' ' 1 30; sleep 1; echo on",
    ];
    for size in [(20, 5), (1, 1), (0, 0)] {
        let terminal = Terminal::sized(&home, size, &words);
        terminal.until("sandbox-02 | 1 ");
        terminal.resize(1, 1);
        let done = terminal.ended().ended(0);
        assert!(done.stdout.contains("sandbox-02 | on"), "{done:?}");
    }
}

#[test]
fn a_suspended_run_leaves_the_terminal_and_comes_back() {
    let Some(home) = room("2") else { return };
    let go = home.path("go");
    let remote = format!(
        "echo up; while [ ! -e {} ]; do sleep 0.1; done; echo on",
        go.display()
    );
    let line = format!(
        "sh -c '{MROOM} exec all --color never -- \"{remote}\" & pid=$!; read x; kill -TSTP $pid; \
         until grep -q \"^State:.T\" /proc/$pid/status; do sleep 0.1; done; echo STOPPED; read x; \
         kill -CONT $pid; wait $pid; echo code $?'"
    );
    let mut terminal = Terminal::running(&home, (100, 30), &line);
    terminal.until("sandbox-01 | up");
    terminal.until("exec [");
    terminal.press("\n");
    let before = terminal.until("STOPPED");
    let (_, after_bar) = before.rsplit_once("exec [").unwrap_or(("", &before));
    assert!(
        after_bar.contains("\r\x1b[2K"),
        "the bar is taken away: {before:?}"
    );
    terminal.press("\n");
    terminal.until("exec [");
    home.write(&go, "");
    let done = terminal.ended().ended(0);
    assert_eq!(done.stdout.matches(" | on").count(), 2, "{done:?}");
    assert!(done.stdout.trim_end().ends_with("code 0"), "{done:?}");
}
