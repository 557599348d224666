//! The commands of the inventory, as a person types them.

use crate::support::home::{Home, MROOM, run};

const LIST: &str = "web-01--10.0.0.1--root--hunter2hunter2--22--/nowhere/key\n\
                    web-02--10.0.0.2--root----2222\n\
                    db--db.example--postgres--\n";

fn room() -> Home {
    let home = Home::new();
    home.write("servers.txt", LIST);
    home.run(&["import", "servers.txt"]).ended(0);
    home
}

/// Without the times at which metadata was set.
fn timeless(text: &str) -> String {
    let mut pieces = text.split("(set ");
    let mut kept = pieces.next().unwrap().to_owned();
    for piece in pieces {
        kept.push_str("(set [TIME]");
        kept.push_str(&piece[piece.find(')').unwrap()..]);
    }
    kept
}

#[test]
fn the_inventory_from_a_list_to_nothing() {
    let home = Home::new();
    home.write("servers.txt", LIST);
    let seen = home.session(&[
        "ls",
        "import -C servers.txt",
        "update_file servers.txt",
        "import --json servers.txt",
        "ls",
        "list web*",
        "set web-* role=edge n=3 --tag front --tag @eu",
        "set db description=main retired=true",
        "tell",
        "ls all",
        "ls @front,!web-01",
        "ls --limit n=3 all",
        "ls --json",
        "set web-01 port=2200 role= key= --untag eu",
        "add web-03 admin@10.0.0.3:2022 --tag front tunnel=office",
        "ls --long",
        "show web-01",
        "export web-*,!web-03",
        "rm web-*",
        "rm web-* --yes",
        "-q rm db -y",
        "show",
    ]);
    insta::assert_snapshot!("inventory", timeless(&seen));
}

#[test]
fn bad_words_are_named_and_nothing_happens() {
    let home = room();
    home.write(
        "bad.txt",
        "ok--h--root--\nno-host----root--\nweb-02--h--u--p--70000\n",
    );
    home.write("empty.txt", "");
    let before = home.run(&["export", "--json"]).ended(0).stdout;
    insta::assert_snapshot!(
        "bad_words",
        home.session(&[
            "lss",
            "ls --nonsense",
            "ls nothing*",
            "ls web-3",
            "show web-09",
            "show web-*",
            "ls --forks 3",
            "exec all -- ",
            "exec all",
            "exec nobody -- true",
            "exec all -f 0 -- true",
            "exec all -T never -- true",
            "exec all --serial 0% -- true",
            "exec all -l db -l web-01 -- true",
            "exec web-01 --limit db -- true",
            "import bad.txt",
            "import empty.txt",
            "import .",
            "import nowhere.txt",
            "add web-01 root@h",
            "add new",
            "add new root@",
            "add new root@h:0",
            "add a--b root@h",
            "add new root@h password=x",
            "set web-01 password=x",
            "set web-01 port=22x",
            "set web-01 =x",
            "set web-01",
            "set web-* --tag bad,tag",
            "rm",
            "--project none ls",
            "--color maybe ls",
            "secrets",
        ])
    );
    assert_eq!(home.run(&["export", "--json"]).ended(0).stdout, before);
}

#[test]
fn the_good_lines_on_request() {
    let home = Home::new();
    home.write("bad.txt", "ok--h--root--\nno-host----root--\n");
    let done = home.run(&["import", "--skip-bad", "bad.txt"]).ended(2);
    assert_eq!(done.stdout, "added 1  changed 0  unchanged 0  errors 1\n");
    assert!(
        done.stderr.starts_with("error: bad.txt:2: "),
        "{}",
        done.stderr
    );
    home.run(&["show", "ok"]).ended(0);
}

#[test]
fn settings_and_where_they_came_from() {
    let home = Home::new();
    home.write(
        home.config("config.toml"),
        "forks = 8\n[projects.edge]\nram_gb = 1\n",
    );
    let mut command = home.mroom(&["config", "--project", "edge"]);
    command
        .env("MROOM_TIMEOUT", "3")
        .env("MROOM_DATA_DIR", home.path("data"));
    let seen = run(&mut command, "").ended(0);
    let folder = home.path("").display().to_string();
    let shown = seen.stdout.replace(folder.trim_end_matches('/'), "[HOME]");
    // The columns are as wide as the folder's name is long.
    let rows = shown
        .lines()
        .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "));
    insta::assert_snapshot!("config", rows.collect::<Vec<_>>().join("\n"));
    let mut command = home.mroom(&["config", "timeout"]);
    assert_eq!(
        run(command.env("MROOM_TIMEOUT", "3"), "").ended(0).stdout,
        "3\n"
    );
    assert_eq!(home.ok(&["config", "key_dir"]), "~/.ssh\n");
    assert_eq!(home.ok(&["config", "default_stages"]), "cert,docker,env\n");
    let path = home.config("config.toml").display().to_string();
    assert_eq!(home.ok(&["config", "--path"]), path + "\n");
    assert!(
        home.ok(&["config", "--json", "forks"])
            .starts_with(r#"{"key":"forks","value":"#)
    );
    let wrong = home.run(&["config", "fork"]).ended(2);
    assert!(wrong.stderr.contains("did you mean `forks`?"), "{wrong:?}");
    home.write(home.config("config.toml"), "forks = 8\nfork = 1\n");
    let seen = home.session(&["ls"]);
    assert_eq!(
        seen,
        "$ mroom ls\nerror: [HOME]/.config/machineroom/config.toml: unknown setting `fork`\n  \
         hint: did you mean `forks`?\n[exit 2]\n"
    );
}

#[test]
fn the_settings_file_is_edited_and_checked() {
    let home = Home::new();
    let edit = |script: &str| {
        let mut command = home.mroom(&["config", "--edit"]);
        run(command.env("EDITOR", format!("sh -c '{script}' sh")), "")
    };
    let file = home.config("config.toml");
    edit("grep -q \"^# forks = 32\" \"$1\"").ended(0);
    assert!(!file.exists(), "untouched, it is not made");
    let done = edit("sed -i \"s/^# forks = 32/fork = 9/\" \"$1\"").ended(2);
    assert!(
        done.stderr
            .contains("did you mean `forks`? `mroom config --edit`"),
        "{done:?}"
    );
    // It cannot be read now, and is edited all the same.
    let done = edit("sed -i \"s/^fork = /forks = /\" \"$1\"").ended(0);
    assert_eq!(done.stderr, "the settings are in order\n");
    assert_eq!(home.ok(&["config", "forks"]), "9\n");
    edit("exit 3").ended(1);
    // Every line of the template is one that can be used.
    let text = std::fs::read_to_string(&file).unwrap();
    let uncommented = text.lines().map(|line| match line.strip_prefix("# ") {
        Some(setting) if setting.contains(" = ") => format!("{setting}\n"),
        _ => format!("{line}\n"),
    });
    std::fs::write(&file, uncommented.collect::<String>()).unwrap();
    assert_eq!(home.ok(&["config", "forks"]), "9\n");
}

#[test]
fn every_flag_is_a_variable_too() {
    let home = room();
    let ls = |name: &str, value: &str| {
        let mut command = home.mroom(&["ls", "all"]);
        run(command.env(name, value), "").ended(0).stdout
    };
    assert!(ls("MROOM_JSON", "1").starts_with(r#"{"id":"web-01","#));
    assert!(ls("MROOM_JSON", "false").starts_with("ID "));
    assert!(ls("MROOM_COLOR", "always").starts_with("\x1b[1mID "));
    assert!(!ls("MROOM_LIMIT", "db").contains("web-01"));
    let mut command = home.mroom(&["ls", "all", "--limit", "web-01"]);
    let typed = run(command.env("MROOM_LIMIT", "db"), "").ended(0);
    assert!(
        typed.stdout.contains("web-01") && !typed.stdout.contains("db"),
        "what is typed wins"
    );
    let mut command = home.mroom(&["rm", "db"]);
    run(command.env("MROOM_YES", "1"), "").ended(0);
}

#[test]
fn export_restores_everything() {
    let home = room();
    home.run(&["set", "web-01", "role=edge", "--tag", "front"])
        .ended(0);
    let json = home.run(&["export", "--json"]).ended(0).stdout;
    let list = home.run(&["export", "-o", "out.txt"]).ended(0);
    assert_eq!(list.stdout, "");
    let text = std::fs::read_to_string(home.path("out.txt")).unwrap();
    assert_eq!(
        text,
        "web-01--10.0.0.1--root--hunter2hunter2--22--/nowhere/key\n\
         web-02--10.0.0.2--root----2222\ndb--db.example--postgres----22\n"
    );
    let mode = std::os::unix::fs::MetadataExt::mode(&home.path("out.txt").metadata().unwrap());
    assert_eq!(mode & 0o777, 0o600);

    let other = Home::new();
    other.write("all.json", &json);
    other.run(&["import", "all.json"]).ended(0);
    assert_eq!(other.run(&["export", "--json"]).ended(0).stdout, json);
    other.write("out.txt", &text);
    let again = other.run(&["import", "out.txt"]).ended(0);
    assert_eq!(again.stdout, "added 0  changed 0  unchanged 3  errors 0\n");
}

#[test]
fn a_list_comes_over_a_pipe() {
    let home = Home::new();
    let seen = home.feed(&["import", "-"], LIST).ended(0);
    assert_eq!(seen.stdout, "added 3  changed 0  unchanged 0  errors 0\n");
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let home = Home::new();
    let many: String = (0..20_000)
        .map(|n| format!("web-{n}--10.0.0.1--root--\n"))
        .collect();
    home.write("many.txt", many);
    home.run(&["import", "many.txt"]).ended(0);
    let line = format!("'{MROOM}' ls | head -n 1");
    let seen = run(home.command("/bin/sh").args(["-c", &line]), "").ended(0);
    assert!(seen.stdout.starts_with("ID"), "{}", seen.stdout);
    assert_eq!(seen.stderr, "");
}
