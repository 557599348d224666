//! `mroom doc`: what Lua code can use, on a terminal, as objects and as Markdown.

use std::fs;

use serde_json::Value;

use crate::support::home::Home;

fn said(home: &Home, words: &[&str]) -> String {
    home.run(words).ended(0).stdout
}

#[test]
fn a_call_is_explained() {
    let home = Home::new();
    let text = said(&home, &["doc", "Server:capture"]);
    assert!(
        text.starts_with("Server:capture(command, opts?) -> string  (method of Server, Ssh)\n"),
        "{text}"
    );
    for part in [
        "Takes\n",
        "\nOptions\n",
        "  timeout?  ",
        "a string is the shell's",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    // The same by its last word, whatever its case.
    assert_eq!(said(&home, &["doc", "server:CAPTURE"]), text);
    assert!(
        said(&home, &["doc", "Ssh:run"]).starts_with("Ssh:run("),
        "as it was asked for"
    );
    // As playbooks call it.
    let mount = said(&home, &["doc", "on:mount"]);
    assert!(mount.contains(":mount(path, opts?) -> "), "{mount}");
    let list = said(&home, &["doc", "run"]);
    for name in ["Server:run(", "Fleet:run(", "mr.stage.run("] {
        assert!(list.contains(name), "{list}");
    }
}

#[test]
fn everything_is_listed() {
    let home = Home::new();
    let text = said(&home, &["doc"]);
    for word in [
        "fleet ",
        "meta_set",
        "describe",
        "stages ",
        "reboot_rolling",
        "mr.Outcome",
    ] {
        assert!(text.contains(word), "{word}:\n{text}");
    }
    for line in said(&home, &["doc", "--json"]).lines() {
        let object: Value = serde_json::from_str(line).unwrap();
        let name = object["name"].as_str().unwrap();
        // What is listed is found, and by its whole name nothing else is.
        let found = said(&home, &["doc", "--json", name]);
        assert!(found.lines().any(|l| l == line), "{name}: {found}");
    }
}

#[test]
fn a_stage_of_the_persons_own_is_explained() {
    let home = Home::new();
    let folder = home.config("stages");
    fs::create_dir_all(&folder).unwrap();
    let text = "return { name = 'motd', summary = 'A greeting \\27[2J.', needs = { 'cert' },
      options = { text = { type = 'string', default = 'hello', help = 'what it says' } },
      apply = function() end }";
    fs::write(folder.join("motd.lua"), text).unwrap();
    let page = said(&home, &["doc", "motd"]);
    assert_eq!(page, said(&home, &["doc", "stages.motd"]));
    assert_eq!(
        page,
        "stages.motd  (stage)\n\nA greeting ^[[2J.\n\nOptions\n  text  string  what it says [hello]\n\n\
         Needs\n  cert\n\nSee also: `mroom which stages.motd`\n"
    );
    assert!(said(&home, &["doc", "stages"]).contains("stages.motd"));
    let object = said(&home, &["doc", "motd", "--json"]);
    let object: Value = serde_json::from_str(&object).unwrap();
    assert_eq!(object["options"]["text"]["default"], "hello");
    // One that cannot be loaded hides nothing but itself.
    fs::write(folder.join("broken.lua"), "return 7").unwrap();
    assert!(said(&home, &["doc", "env"]).starts_with("mr.env("));
    let done = home.run(&["doc", "motd"]).ended(2);
    assert!(done.stderr.contains("broken.lua"), "{done:?}");
}

#[test]
fn operations_are_a_table() {
    let home = Home::new();
    let text = said(&home, &["doc", "ops"]);
    let words = |name: &str| -> Vec<String> {
        let line = text.lines().find(|l| l.split(' ').next() == Some(name));
        let line = line.unwrap_or_else(|| panic!("{name}:\n{text}"));
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(
        words("OPERATION")[..4],
        ["OPERATION", "IDEMPOTENT", "CHECK", "DIFF"]
    );
    assert_eq!(words("file")[..4], ["file", "yes", "yes", "yes"]);
    assert_eq!(words("dir")[3], "-");
    assert_eq!(words("command")[1..4], ["with", "a", "guard"]);
    assert_eq!(words("reboot")[1], "no");
    let objects = said(&home, &["doc", "ops", "--json"]);
    assert_eq!(objects.lines().count() + 1, text.lines().count());
    assert!(said(&home, &["doc", "--markdown"]).contains("\n| file | yes | yes | yes |"));
    assert!(said(&home, &["doc", "Ops:file"]).starts_with("Ops:file(path, opts?)"));
}

#[test]
fn a_name_that_nothing_has() {
    let home = Home::new();
    let done = home.run(&["doc", "Server:rum"]).ended(2);
    assert!(
        done.stderr.contains("nothing is called `Server:rum`"),
        "{done:?}"
    );
    assert!(
        done.stderr.contains("did you mean `Server:run`?"),
        "{done:?}"
    );
    for odd in ["", ":", ".", "..", "a\x1b[2Jb", "(", "\u{202e}"] {
        let done = home.run(&["doc", odd]).ended(2);
        assert!(
            !done.stderr.contains(['\x1b', '\u{202e}']),
            "{odd:?}: {done:?}"
        );
    }
}

#[test]
fn the_reference_as_markdown() {
    let home = Home::new();
    let text = said(&home, &["doc", "--markdown"]);
    for part in [
        "\n## `fleet`\n",
        "\n### `Server:run(command, opts?) -> mr.Result`\n",
        "\n### `stages.cert`\n",
    ] {
        assert!(text.contains(part), "{part}");
    }
    // Each name has one heading, and every table's rows are as long as its head.
    let headings: Vec<&str> = text.lines().filter(|l| l.starts_with("##")).collect();
    let mut once = headings.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), headings.len());
    let mut width = None;
    for line in text.lines() {
        let cells = line.replace("\\|", "").matches('|').count();
        width = match (line.starts_with('|'), width) {
            (false, _) => None,
            (true, None) => Some(cells),
            (true, Some(wanted)) => {
                assert_eq!(cells, wanted, "{line}");
                Some(wanted)
            }
        };
    }
}
