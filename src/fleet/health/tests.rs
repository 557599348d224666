//! What the probe of `mroom status` prints, read as what it is.

use proptest::prelude::*;

use super::*;

const GOOD: &str = "Welcome!\r\n--mroom-status--\nsystem Linux\nuptime 13790\nload 0.77 1.28 12\n\
                    cpus 2\nmemory 1000 250\ndisk 300 100\n--mroom-status-end--\nbye\n";

#[test]
fn a_whole_answer() {
    let health = parse(GOOD).unwrap();
    assert_eq!(health.system.as_deref(), Some("Linux"));
    assert_eq!(health.uptime, Some(Duration::from_secs(13790)));
    assert_eq!(
        (health.load, health.cpus),
        (Some([0.77, 1.28, 12.0]), Some(2))
    );
    assert_eq!(health.memory.unwrap().used_percent(), 75.0);
    assert_eq!(health.disk.unwrap().total, 400 * 1024);
    assert_eq!(parse(&format!("{FIRST}\n{LAST}\n")), Ok(Health::default()));
}

#[test]
fn bad_answers() {
    for (line, why) in [
        ("", "``"),
        ("uptime", "`uptime`"),
        ("uptime -1", "`uptime -1`"),
        ("uptime 1.5", "`uptime 1.5`"),
        ("uptime 9999999999999999", "`uptime 9999999999999999`"),
        ("uptime 1\nuptime 2", "`uptime 2`"),
        ("load 1 2", "`load 1 2`"),
        ("load 1 2 3 4", "`load 1 2 3 4`"),
        ("load 1 2 nan", "`load 1 2 nan`"),
        ("load 1 2 1e9", "`load 1 2 1e9`"),
        ("cpus 5000000000", "`cpus 5000000000`"),
        ("memory 1", "`memory 1`"),
        ("memory 1 2", "`memory 1 2`"),
        ("memory 0 0", "`memory 0 0`"),
        ("disk 1 2 3", "`disk 1 2 3`"),
        ("system Linux; rm", "`system Linux; rm`"),
        ("system \u{1b}[2J", "`system \\u{1b}[2J`"),
        ("unheard of", "`unheard of`"),
    ] {
        assert_eq!(
            parse(&format!("{FIRST}\n{line}\n{LAST}\n")),
            Err(why.into()),
            "{line}"
        );
    }
    assert_eq!(parse("uptime 1\n"), Err("it has no beginning".into()));
    assert_eq!(
        parse(&format!("{FIRST}\nuptime 1\n")),
        Err("it has no end".into())
    );
}

#[test]
fn the_script_answers_in_every_shell_of_this_machine() {
    let mut tried = 0;
    for shell in [
        &["sh"][..],
        &["dash"],
        &["bash"],
        &["busybox", "sh"],
        &["mksh"],
    ] {
        let mut command = std::process::Command::new(shell[0]);
        command.args(&shell[1..]).args(["-s", "status"]).env_clear();
        let piped = std::process::Stdio::piped;
        let Ok(mut child) = command.stdin(piped()).stdout(piped()).spawn() else {
            continue;
        };
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, Health::SCRIPT.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let health = parse(&String::from_utf8_lossy(&output.stdout)).unwrap();
        assert!(
            health.system.is_some() && health.disk.is_some(),
            "{shell:?}: {health:?}"
        );
        assert!(
            health.uptime.is_some() && health.load.is_some(),
            "{shell:?}: {health:?}"
        );
        assert!(
            health.memory.is_some() && health.cpus.is_some(),
            "{shell:?}: {health:?}"
        );
        tried += 1;
    }
    assert!(tried > 0, "a machine without any shell");
}

proptest! {
    #[test]
    fn never_panics(text: String, line in "(uptime|load|cpus|memory|disk|system)( [0-9.]{0,20}){0,4}") {
        let _ = parse(&text);
        if let Ok(health) = parse(&format!("{FIRST}\n{line}\n{LAST}\n")) {
            for share in health.memory.iter().chain(&health.disk) {
                prop_assert!((0.0..=100.0).contains(&share.used_percent()));
            }
        }
    }
}
