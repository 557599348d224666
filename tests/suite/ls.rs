//! `mroom ls` in columns, in order, on terminals of any size, and again and again.

use serde_json::Value;

use crate::support::home::{Done, Home};
use crate::support::sshd::has;
use crate::support::terminal::Terminal;

const ALTERNATE: (&str, &str) = ("\x1b[?1049h", "\x1b[?1049l");

fn room() -> Home {
    let home = Home::new();
    home.write(
        "servers.txt",
        "web-10--10.0.0.10--root--p--22\nweb-2--10.0.0.2--admin----2222\ndb--db.example--root----22\n",
    );
    home.ok(&["-q", "import", "servers.txt"]);
    home.ok(&["-q", "set", "web-*", "role=edge", "--tag", "front"]);
    home.ok(&["-q", "set", "db", "role=服务器", "retired=true"]);
    home
}

fn ids(done: &str) -> Vec<&str> {
    let words = |line: &'_ str| line.split(' ').next().map(str::len);
    let rows = done.lines().skip(1);
    rows.map(|l| &l[..words(l).unwrap()]).collect()
}

/// `ls` on a terminal of that size.
fn sized(home: &Home, columns: u16, words: &[&str]) -> Done {
    let words = [&["ls", "--color", "never"], words].concat();
    Terminal::sized(home, (columns, 30), &words).ended()
}

#[test]
fn columns_and_order_are_chosen() {
    let home = room();
    let seen = home.ok(&[
        "ls",
        "--columns",
        "id,role,port,password",
        "--sort",
        "role,-id",
    ]);
    assert_eq!(
        seen,
        "ID      ROLE    PORT  PASSWORD\n\
         web-10  edge      22  sealed\n\
         web-2   edge    2222\n\
         db      服务器    22\n"
    );
    assert_eq!(ids(&home.ok(&["ls"])), ["web-10", "web-2", "db"]);
    assert_eq!(
        ids(&home.ok(&["ls", "--sort", "id"])),
        ["db", "web-2", "web-10"]
    );
    assert_eq!(
        ids(&home.ok(&["ls", "--sort=-host"])),
        ["db", "web-10", "web-2"]
    );
    let rows = home.ok(&[
        "ls",
        "--json",
        "--columns",
        "id,role,tags,cert",
        "--sort",
        "id",
    ]);
    let first: Value = serde_json::from_str(rows.lines().nth(1).unwrap()).unwrap();
    let expected =
        serde_json::json!({"id": "web-2", "role": "edge", "tags": ["front"], "cert": null});
    assert_eq!(first, expected);

    for (words, hint) in [
        (["ls", "--columns", "id,rol"], "did you mean `role`?"),
        (["ls", "--sort", "-prot"], "did you mean `port`?"),
        (["ls", "--columns", "nothing-like-it"], "known: id host"),
    ] {
        let done = home.run(&words).ended(2);
        assert!(done.stderr.contains("unknown column"), "{done:?}");
        assert!(done.stderr.contains(hint), "{done:?}");
    }
    // A key that only another server has is known.
    home.ok(&["-q", "set", "db", "rack=7"]);
    assert_eq!(home.ok(&["ls", "--columns", "rack", "web-*"]), "RACK\n\n\n");
}

#[test]
fn a_terminal_of_any_width_gets_a_table() {
    if !has("script") {
        return;
    }
    let home = room();
    let wide = sized(&home, 300, &[]).ended(0);
    assert!(wide.stdout.starts_with("ID") && wide.stdout.contains("YACHT"));
    let narrow = sized(&home, 20, &[]).ended(0);
    let lines: Vec<&str> = narrow.stdout.lines().collect();
    assert_eq!(
        lines[..4],
        [
            "ID      HOST",
            "web-10  10.0.0.10",
            "web-2   10.0.0.2",
            "db      db.example"
        ]
    );
    assert!(
        lines[4].starts_with("no room for RETIRED TAGS"),
        "{narrow:?}"
    );
    for columns in [1, 5] {
        let least = sized(&home, columns, &["-q"]).ended(0);
        assert_eq!(least.stdout, "ID\r\nweb-10\r\nweb-2\r\ndb\r\n");
    }
    // Resized to nothing: as wide as it is.
    assert_eq!(sized(&home, 0, &[]).ended(0).stdout, wide.stdout);
    let asked = sized(&home, 20, &["--columns", "id,host,port"]).ended(0);
    assert!(asked.stdout.contains("web-10  10.0.0.10"), "{asked:?}");
}

#[test]
fn a_watched_table_follows_the_inventory_and_the_terminal() {
    if !has("script") {
        return;
    }
    let home = room();
    let words = ["ls", "--watch=0.1", "--color", "never"];
    let mut terminal = Terminal::new(&home, &words);
    terminal.until(ALTERNATE.0);
    terminal.until("web-10  10.0.0.10");
    home.ok(&["-q", "add", "new", "root@10.9.9.9"]);
    terminal.until("10.9.9.9");
    terminal.resize(20, 3);
    terminal.until("… and 3 more");
    // To nothing, and back.
    terminal.resize(0, 0);
    terminal.until("10.9.9.9");
    terminal.resize(90, 20);
    home.ok(&["-q", "rm", "-y", "all", "--retired"]);
    terminal.until("ID");
    terminal.press("\x03");
    let done = terminal.ended().ended(0);
    assert!(done.stdout.ends_with(ALTERNATE.1), "{done:?}");
    assert!(done.stdout.contains("\x1b[?25h"), "the cursor is back");

    let refused = home.run(&["ls", "--watch"]).ended(2);
    assert!(
        refused.stderr.contains("`--watch` draws on a terminal"),
        "{refused:?}"
    );
}

#[test]
fn a_watch_that_is_ended_leaves_the_terminal_as_it_was() {
    if !has("script") {
        return;
    }
    let home = room();
    let line = format!(
        "exec {} ls --watch=60 & pid=$!; sleep 1; kill -TERM $pid; wait $pid; echo code $?",
        crate::support::home::MROOM
    );
    let output = home
        .command("script")
        .args(["-qec", &line, "/dev/null"])
        .output()
        .unwrap();
    let seen = String::from_utf8_lossy(&output.stdout);
    let (drawn, after) = seen.split_once(ALTERNATE.1).expect(&seen);
    assert!(
        drawn.contains("web-10") && after.contains("code 0"),
        "{seen}"
    );
}
