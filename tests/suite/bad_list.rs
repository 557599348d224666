//! Bad lines and files to `mroom import`: each is named, nothing is written, no password is shown.

use crate::support::home::{Done, Home};

/// Two good servers, the second of which the bad lists try to change.
const GOOD: &[u8] = b"kept--10.0.0.1--root--pw--22\nweb--10.0.0.2--root--pw--22\n";

fn room() -> Home {
    let me = Home::new();
    me.write("good.txt", GOOD);
    me.ok(&["import", "good.txt"]);
    me
}

/// A list whose last line is `bad`, behind one that changes `web` and one that adds a server.
fn list(bad: &[u8]) -> Vec<u8> {
    let before = &b"new--10.0.0.3--root--pw--22\nweb--10.9.9.9--root--pw--22\n"[..];
    [before, bad, b"\n"].concat()
}

fn refused(done: &Done, message: &str, what: &str) {
    assert_eq!(done.code, 2, "{what}: {done:#?}");
    assert!(done.stderr.contains(message), "{what}: {}", done.stderr);
    assert!(!done.stderr.contains("hunter2"), "{what}: {}", done.stderr);
}

#[test]
fn every_field_wrong_in_turn() {
    let me = room();
    let before = me.ok(&["export", "--json"]);
    let long = [&b"a--h--u--hunter2"[..], &[b'x'; 1 << 20], b"--22"].concat();
    let wide = [&[b'i'; 101][..], b"--h--u--hunter2--22"].concat();
    let cases: &[(&[u8], &str)] = &[
        (b"--h--u--hunter2--22", "bad.txt:3: no id\n"),
        (
            b"new--h--u--hunter2--22",
            "bad.txt:3: id `new` is on line 1 already\n",
        ),
        (
            b"all--h--u--hunter2--22",
            "bad.txt:3: id `all` means every server\n",
        ),
        (
            b"-x--h--u--hunter2--22",
            "bad.txt:3: id `-x` may not begin with `-`\n",
        ),
        (
            b"a*--h--u--hunter2--22",
            "bad.txt:3: id `a*` may not hold `*`",
        ),
        (
            b"a b--h--u--hunter2--22",
            "bad.txt:3: id `a b` holds a space\n",
        ),
        (&wide, "…` is longer than 100 characters\n"),
        (
            b"a----u--hunter2--22",
            "bad.txt:3: too few fields between the separators `----`\n",
        ),
        (b"a-- --u--hunter2--22", "bad.txt:3: no host\n"),
        (b"a---oProxyCommand=x--u--hunter2", "bad.txt:3: "),
        (
            b"a--h;reboot--u--hunter2--22",
            "bad.txt:3: the host holds `;`\n",
        ),
        (b"a--h-- --hunter2--22", "bad.txt:3: no user\n"),
        (b"a--h--u", "bad.txt:3: `a` has no password field\n"),
        (
            b"a--h",
            "bad.txt:3: too few fields between the separators `--`\n",
        ),
        (b"hunter2", "bad.txt:3: no separator: two or more dashes\n"),
        (
            b"a--h--u--hunter2--0",
            "bad.txt:3: the port must be from 1 to 65535\n",
        ),
        (
            b"a--h--u--hunter2--65536",
            "bad.txt:3: the port must be from 1 to 65535\n",
        ),
        (
            b"a--h--u--hunter2--22x",
            "bad.txt:3: the port is not a number\n",
        ),
        (
            b"a--h--u--x--hunter2",
            "bad.txt:3: the port is not a number\n",
        ),
        (
            b"a--h--u--hunter2\0--22",
            "bad.txt:3: the line holds the character U+0000\n",
        ),
        (
            b"a\x1b[2J--h--u--hunter2",
            "bad.txt:3: the line holds the character U+001B\n",
        ),
        (
            b"a--h--u--hunter2\xff--22",
            "bad.txt:3: byte 17 of the line is not valid UTF-8\n",
        ),
        (
            &long,
            "bad.txt:3: the line is 1048596 bytes long; 65536 are allowed\n",
        ),
    ];
    for (bad, message) in cases {
        me.write("bad.txt", list(bad));
        let what = String::from_utf8_lossy(&bad[..bad.len().min(40)]).into_owned();
        let done = me.run(&["import", "bad.txt"]);
        refused(&done, message, &what);
        assert!(
            done.stderr.contains("--skip-bad"),
            "{what}: {}",
            done.stderr
        );
        assert!(
            done.stdout.contains("errors 1  (nothing written)"),
            "{what}: {done:#?}"
        );
    }
    assert_eq!(me.ok(&["export", "--json"]), before);
}

#[test]
fn the_good_lines_are_imported_on_request_and_the_bad_ones_told() {
    let me = room();
    me.write("bad.txt", list(b"a--h--u--hunter2--22x"));
    let done = me.run(&["import", "bad.txt", "--skip-bad"]);
    refused(&done, "bad.txt:3: the port is not a number", "--skip-bad");
    assert_eq!(done.stdout, "added 1  changed 1  unchanged 0  errors 1\n");
    assert!(me.ok(&["show", "web"]).contains("10.9.9.9"));
    assert!(me.ok(&["show", "kept"]).contains("10.0.0.1"));
    assert_eq!(me.run(&["show", "a"]).code, 2);
}

#[test]
fn a_key_that_does_not_exist_is_a_warning() {
    let me = room();
    let done = me.feed(&["import", "-"], b"a--h--u--hunter2--22--/nowhere/key\n");
    assert_eq!(
        (done.code, done.stdout.as_str()),
        (0, "added 1  changed 0  unchanged 0  errors 0\n")
    );
    let warning = "warning: standard input:1: key file `/nowhere/key` does not exist\n";
    assert_eq!(done.stderr, warning);
}

#[test]
fn files_that_are_no_lists() {
    let me = room();
    let before = me.ok(&["export", "--json"]);
    me.write("empty.txt", "");
    me.write("comments.txt", "# one\n\n# two\n");
    me.write("binary", [0, 159, 146, 150, 10, 0xfe, 0xff]);
    for (file, message) in [
        ("nowhere.txt", "error: `nowhere.txt`: No such file"),
        (".", "error: `.` is a folder, not a list file\n"),
        ("empty.txt", "error: `empty.txt`: no server in it\n"),
        ("comments.txt", "error: `comments.txt`: no server in it\n"),
        ("-", "error: `standard input`: no server in it\n"),
        ("binary", "error: `binary`: cannot tell what it is\n"),
        ("/dev/zero", "error: `/dev/zero` is larger than 256 MiB\n"),
    ] {
        refused(&me.run(&["import", file]), message, file);
    }
    assert_eq!(me.ok(&["export", "--json"]), before);
}
