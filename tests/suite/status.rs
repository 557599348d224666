//! `mroom status` against real servers, on a terminal and off it.

use serde_json::Value;

use crate::support::home::Home;
use crate::support::sshd::{Sshd, has};
use crate::support::terminal::Terminal;

const COUNT: &str = "ok 2  changed 0  failed 0  unreachable 1  skipped 0  cancelled 0  unknown 0";

/// Two sandbox servers and one that is not there; `None` when this machine has no sshd.
fn room() -> Option<Home> {
    if !has("/usr/sbin/sshd") || !has("ssh-keygen") {
        return None;
    }
    let home = Home::new();
    home.ok(&["sandbox", "up", "2"]);
    home.ok(&[
        "-q",
        "add",
        "gone",
        "root@127.0.0.1:1",
        "docker_installed=true",
    ]);
    Some(home)
}

#[test]
fn a_table_the_reasons_and_the_count() {
    let Some(home) = room() else { return };
    let done = home.run(&["status"]).ended(4);
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert!(lines[0].starts_with("ID          STATUS"), "{done:?}");
    assert_eq!(lines.len(), 4, "{done:?}");
    for (line, id) in [(lines[1], "sandbox-01  ok"), (lines[2], "sandbox-02  ok")] {
        assert!(
            line.starts_with(id) && line.contains("ms") && line.contains("% of "),
            "{line}"
        );
    }
    assert!(lines[3].starts_with("gone        unreachable") && lines[3].ends_with("docker"));
    assert!(done.stderr.contains("connection refused"), "{done:?}");
    assert_eq!(done.stderr.lines().last(), Some(COUNT));
    let one = home
        .run(&["status", "sandbox-01", "--limit", "@sandbox", "-q"])
        .ended(0);
    assert_eq!((one.stdout.lines().count(), one.stderr.as_str()), (2, ""));
    home.run(&["status", "nobody"]).ended(2);
}

#[test]
fn an_object_a_line_as_they_answer() {
    let Some(home) = room() else { return };
    let done = home.run(&["status", "all", "--json"]).ended(4);
    let rows: Vec<Value> = done
        .stdout
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(rows.len(), 3, "{done:?}");
    let of = |id: &str| rows.iter().find(|row| row["server"] == id).unwrap();
    let keys: Vec<&String> = of("gone").as_object().unwrap().keys().collect();
    let expected = "server status login answer system uptime load cpus memory disk marks error";
    assert_eq!(keys, expected.split(' ').collect::<Vec<_>>());
    assert_eq!(
        (&of("gone")["error"]["kind"], &of("gone")["login"]),
        (&"connect".into(), &Value::Null)
    );
    assert_eq!(of("gone")["marks"], serde_json::json!(["docker"]));
    let well = of("sandbox-02");
    assert_eq!(
        (&well["status"], &well["error"]),
        (&"ok".into(), &Value::Null)
    );
    assert_eq!(well["load"].as_array().unwrap().len(), 3);
    for (key, part) in [("memory", "total"), ("disk", "free")] {
        assert!(well[key][part].as_u64().unwrap() > 1 << 20, "{well}");
    }
    assert!(well["login"].as_f64().unwrap() > 0.0 && well["answer"].as_f64().unwrap() > 0.0);
    assert!(well["uptime"].as_u64().is_some() && well["cpus"].as_u64().unwrap() > 0);
}

/// A server that gives the text in `answer` to whatever it is asked.
fn parrot(home: &Home, answer: &str) -> Option<Sshd> {
    let file = home.path("answer");
    say(home, answer);
    let sshd = Sshd::start(&format!("ForceCommand cat {}", file.display()))?;
    home.add("parrot", &sshd);
    home.trust(&sshd);
    Some(sshd)
}

fn say(home: &Home, answer: &str) {
    let text = format!("Welcome!\n--mroom-status--\n{answer}\n--mroom-status-end--\n");
    home.write("next", text);
    std::fs::rename(home.path("next"), home.path("answer")).unwrap();
}

#[test]
fn an_answer_that_is_none_is_shown_and_not_believed() {
    let home = Home::new();
    let Some(_sshd) = parrot(&home, "load 9 9 \u{1b}[2J") else {
        return;
    };
    let done = home.run(&["status"]).ended(3);
    assert!(
        done.stderr
            .contains("is not understood: `load 9 9 \\u{1b}[2J`"),
        "{done:?}"
    );
    assert!(
        done.stdout.contains("failed") && !done.stdout.contains('9'),
        "{done:?}"
    );
    say(&home, "load 9 9 9");
    assert!(home.ok(&["status"]).contains("9.00"));
}

#[test]
fn on_a_terminal_it_is_drawn_in_place_and_left_once() {
    if !has("script") {
        return;
    }
    let Some(home) = room() else { return };
    let seen = home
        .on_terminal(&["status", "--color", "never"], &[])
        .ended(4);
    let (_, last) = seen.stdout.rsplit_once("\x1b[J").unwrap();
    assert!(seen.stdout.contains("sandbox-01  …"), "{seen:?}");
    assert!(
        seen.stdout.contains("\x1b[4A"),
        "drawn over itself: {seen:?}"
    );
    assert_eq!(last.matches("sandbox-01  ok").count(), 1, "{seen:?}");
    assert!(last.trim_end().ends_with(COUNT), "{seen:?}");
}

#[test]
fn a_watched_status_is_asked_again_and_stays() {
    if !has("script") {
        return;
    }
    let home = Home::new();
    let Some(_sshd) = parrot(&home, "load 1.25 1 1") else {
        return;
    };
    home.ok(&["-q", "add", "gone", "root@127.0.0.1:1"]);
    let words = ["status", "--watch=0.2", "--color", "never"];
    let mut terminal = Terminal::new(&home, &words);
    terminal.until("\x1b[?1049h");
    terminal.until("1.25");
    terminal.until("connection refused");
    say(&home, "load 2.75 1 1");
    terminal.until("2.75");
    terminal.resize(30, 10);
    say(&home, "load 3.50 1 1");
    terminal.until("3.50");
    terminal.press("\x03");
    let done = terminal.ended().ended(4);
    let (_, left) = done.stdout.split_once("\x1b[?1049l").unwrap();
    assert!(
        left.contains("parrot  ok") && left.contains("3.50"),
        "{done:?}"
    );
    assert!(
        !done.stdout.contains("status ["),
        "no bar beside the table: {done:?}"
    );
    home.run(&["status", "gone", "--watch"]).ended(2);
}
