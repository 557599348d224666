//! Help for a person at a terminal of 80 columns and 24 lines. Holds every command to it.

use std::process::Command;

use crate::support::home::{Home, MROOM, run};
use crate::support::sshd::has;
use crate::support::terminal::Terminal;

/// The screen.
const COLUMNS: usize = 80;
const LINES: usize = 24;

fn page(home: &Home, words: &[&str]) -> String {
    let mut command = home.mroom(words);
    run(command.env("COLUMNS", COLUMNS.to_string()), "")
        .ended(0)
        .stdout
}

/// The first word of each line below `Commands:`, or of every line.
fn names(text: &str) -> Vec<String> {
    let first = |line: &str| line.split([',', ' ']).next().unwrap().to_owned();
    text.lines().map(first).collect()
}

fn commands(home: &Home) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for name in names(&page(home, &["help", "commands"])) {
        let text = page(home, &[&name, "--help"]);
        let below = text.split("Commands:\n").nth(1).unwrap_or_default();
        let below = below.lines().take_while(|line| line.starts_with(' '));
        for inner in below.filter(|line| !line.starts_with("   ")) {
            let inner = names(inner.trim()).remove(0);
            all.push(vec![name.clone(), inner]);
        }
        all.push(vec![name]);
    }
    assert!(all.len() > 20, "{all:?}");
    all
}

#[test]
fn each_command_has_a_screen_with_an_example() {
    let home = Home::new();
    for words in commands(&home) {
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        let name = words.join(" ");
        words.push("--help");
        let text = page(&home, &words);
        let lines = text.lines().count();
        assert!(lines <= LINES, "`{name} --help` has {lines} lines:\n{text}");
        let widest = text.lines().map(|l| l.chars().count()).max();
        assert!(
            widest <= Some(COLUMNS),
            "`{name} --help` is too wide:\n{text}"
        );
        assert!(text.contains(&format!("Usage: mroom {name}")), "{text}");
        if !name.contains(' ') {
            let example = format!("\n  mroom {name}");
            let has = text.contains("\nExamples:\n") && text.contains(&example);
            assert!(
                has || name == "completions",
                "`{name} --help` shows no example:\n{text}"
            );
        }
        assert!(text.contains("`mroom help flags`"), "{text}");
        assert_eq!(
            page(&home, &[&words[..words.len() - 1], &["-h"]].concat()),
            text
        );
    }
}

#[test]
fn the_first_page_names_every_command_once() {
    let home = Home::new();
    let text = page(&home, &["--help"]);
    assert!(text.lines().count() <= LINES, "{text}");
    assert!(text.lines().all(|l| l.chars().count() <= COLUMNS), "{text}");
    let list = text.split("\n\n").nth(2).unwrap();
    let known = names(&page(&home, &["help", "commands"]));
    // The column of names; those that are not there yet, or named twice, are told.
    let column = |line: &str| line.chars().skip(14).take(25).collect::<String>();
    let mut told: Vec<String> = list
        .lines()
        .flat_map(|line| {
            column(line)
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    told.sort();
    let mut wanted = known;
    wanted.sort();
    assert_eq!(told, wanted, "SUBJECTS in src/cli/help.rs and the commands");
    assert_eq!(page(&home, &["help"]), text);
}

#[test]
fn help_explains_in_full() {
    let home = Home::new();
    let short = page(&home, &["exec", "--help"]);
    let long = page(&home, &["help", "exec"]);
    assert!(
        !short.contains("--max-fail <N|N%>") && long.contains("--max-fail <N|N%>"),
        "{long}"
    );
    assert!(long.contains("joined by single spaces"), "{long}");
    assert!(page(&home, &["help", "flags"]).contains("MROOM_ACCEPT_NEW"));
    assert!(page(&home, &["help", "patterns"]).contains("web-[01-20]"));
    assert!(page(&home, &["help", "exit"]).contains("130  interrupted"));
    for topic in ["patterns", "exit"] {
        assert!(page(&home, &["help", topic]).lines().count() <= LINES);
    }
    let done = home.run(&["help", "exce"]).ended(2);
    assert!(done.stderr.contains("did you mean `exec`?"), "{done:?}");
}

#[test]
fn the_manual_has_a_page_for_each_command_without_a_mistake() {
    if !has("groff") {
        return;
    }
    let home = Home::new();
    home.ok(&["man", "--dir", "man1"]);
    for mut words in commands(&home) {
        words.insert(0, "mroom".to_owned());
        let file = home.path("man1").join(format!("{}.1", words.join("-")));
        let mut groff = Command::new("groff");
        let done = run(groff.args(["-man", "-ww", "-Tutf8", "-Z"]).arg(&file), "").ended(0);
        assert_eq!(done.stderr, "", "{}", file.display());
    }
    let page = home.ok(&["man", "exec"]);
    let file = std::fs::read_to_string(home.path("man1/mroom-exec.1")).unwrap();
    assert_eq!(page, file);
    for text in [
        "web*",
        "Only servers that match",
        "joined by single spaces",
        ".SH EXAMPLES",
    ] {
        assert!(page.contains(text), "no {text:?}: {page}");
    }
}

#[test]
fn what_helps_works_with_settings_that_cannot_be_read() {
    let home = Home::new();
    let file = home.write(home.config("config.toml"), "no = = toml");
    home.run(&["ls"]).ended(2);
    for words in [
        &["help", "exec"][..],
        &["completions", "bash"],
        &["man"],
        &["ls", "--help"],
    ] {
        assert_eq!(home.run(words).ended(0).stderr, "", "{words:?}");
    }
    assert_eq!(
        home.ok(&["config", "--path"]),
        format!("{}\n", file.display())
    );
}

#[test]
fn on_a_terminal_the_manual_is_shown_by_man() {
    if !has("script") {
        return;
    }
    let home = Home::new();
    // The person's own man(1): says how it was called and what it was given.
    let man = home.write("bin/man", "#!/bin/sh\necho \"[$*]\"; grep -c '^\\.SH'\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(man, mode).unwrap();
    let path = format!("PATH={}:$PATH", home.path("bin").display());
    let line = format!("env \"{path}\" '{MROOM}' man exec");
    let seen = Terminal::running(&home, (80, 24), &line).ended().ended(0);
    assert!(
        seen.stdout.contains("[-l -]\r\n") && !seen.stdout.contains(".TH"),
        "{seen:?}"
    );
    // Without one it is printed.
    let line = format!("env PATH=/nowhere '{MROOM}' man exec");
    let seen = Terminal::running(&home, (80, 24), &line).ended().ended(0);
    assert!(seen.stdout.contains(".TH"), "{seen:?}");
}
