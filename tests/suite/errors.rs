//! What a person sees who types something wrong: each error says what to type next, and what it
//! says exists.

use std::collections::BTreeSet;
use std::fs;

use super::files::{files, root, shown};
use crate::support::home::Home;

/// The commands that can be typed, aliases too.
fn commands(home: &Home) -> BTreeSet<String> {
    let text = home.ok(&["help", "commands"]);
    let names = text.lines().flat_map(|line| {
        let names = line.split("  ").next().unwrap_or_default();
        names.split(", ").map(|name| name.trim().to_owned())
    });
    // The first word of a line that is too long for its column is its only one.
    names
        .map(|n| n.split(' ').next().unwrap_or_default().to_owned())
        .collect()
}

/// The words that follow `` `mroom `` in a text.
fn named(text: &str) -> Vec<&str> {
    let rest = text
        .match_indices("`mroom ")
        .map(|(at, lead)| &text[at + lead.len()..]);
    let word = |c: char| !(c.is_ascii_lowercase() || c == '-' || c == '_');
    rest.map(|rest| rest.split(word).next().unwrap_or_default())
        .filter(|name| !name.is_empty() && !name.starts_with(['-', '_']))
        .collect()
}

#[test]
fn every_command_that_a_text_names_is_there() {
    let known = commands(&Home::new());
    assert!(
        known.contains("exec") && known.contains("tell"),
        "{known:?}"
    );
    let mut wrong = Vec::new();
    for path in ["src", "scripts", "stdlib"]
        .iter()
        .flat_map(|f| files(f, &["rs", "lua"]))
    {
        let text = fs::read_to_string(&path).unwrap();
        for (i, line) in text.lines().enumerate() {
            // Tests make words up; comments of modules may speak of patterns of commands.
            if line.contains("#[cfg(test)]") {
                break;
            }
            for name in named(line)
                .into_iter()
                .filter(|name| !known.contains(*name))
            {
                wrong.push(format!("{}:{}: `mroom {name}`", shown(&path), i + 1));
            }
        }
    }
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    wrong.extend(
        named(&readme)
            .into_iter()
            .filter(|n| !known.contains(*n))
            .map(str::to_owned),
    );
    assert!(wrong.is_empty(), "no such command:\n{}", wrong.join("\n"));
}

#[test]
fn each_error_says_what_to_type_next() {
    let home = Home::new();
    home.ok(&["add", "web-01", "root@127.0.0.1:1"]);
    home.ok(&["add", "web-02", "root@127.0.0.1:1", "key=/nowhere/key"]);
    let known = commands(&home);
    for (line, code, hint) in [
        ("nosuch", 2, ""),
        ("exce all", 2, "`exec`"),
        ("sudo web", 2, "`mroom exec -b ID -- COMMAND`"),
        ("scp a web:b", 2, "`mroom cp FILE ID:PATH`"),
        ("exec all", 2, "-- <COMMAND>"),
        ("exec web-01 --", 2, "-- <COMMAND>"),
        ("exec web-01 --nonsense -- x", 2, "`mroom exec --help`"),
        ("ls --lnog", 2, "`--long`"),
        ("show web-1", 2, "`web-01`"),
        ("show nobody", 2, "`mroom ls`"),
        ("exec @none -- x", 2, "`mroom ls`"),
        ("exec web-01 -l web-02 -- x", 2, "`mroom ls web-02`"),
        ("ls @", 2, "`mroom help patterns`"),
        ("ls web-[", 2, "`mroom help patterns`"),
        ("ls !web-01", 2, "`all !web-01`"),
        ("exec web-01 -- true", 4, "`mroom doctor web-01`"),
        ("exec web-02 -- true", 4, "`mroom doctor web-02`"),
        ("add web-01 root@h", 2, "`mroom set web-01"),
        ("add x root@", 2, "`admin@"),
        ("set web-01 password=x", 2, "--ask-password"),
        ("stage nope web-01", 2, "cert"),
        ("run nope", 2, "bringup"),
        ("which stages.evn", 2, "`stages.env`"),
        ("eject nope", 2, "`mroom stage --list`"),
        ("trust", 2, "`mroom init`"),
        ("config fork", 2, "`forks`"),
        ("--project none ls", 2, "[projects.none]"),
        ("secrets unlock", 2, "`mroom secrets status`"),
        ("secrets lock", 5, "MROOM_PASSPHRASE"),
        ("rm web-01", 1, "`-y`"),
        ("help nope", 2, "`mroom help commands`"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let done = home.run(&words).ended(code);
        assert!(done.stderr.contains("hint: "), "{line}: {done:?}");
        assert!(done.stderr.contains(hint), "{line}: {done:?}");
        assert!(!done.stderr.contains("os error"), "{line}: {done:?}");
        for name in named(&done.stderr) {
            assert!(known.contains(name), "{line}: `mroom {name}`: {done:?}");
        }
    }
    let empty = Home::new();
    for line in ["exec all -- x", "ls web"] {
        let words: Vec<&str> = line.split(' ').collect();
        let done = empty.run(&words).ended(2);
        assert!(
            done.stderr.contains("`mroom import FILE`"),
            "{line}: {done:?}"
        );
    }
}
