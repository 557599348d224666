//! `mroom edit` with editors that are small scripts, and on a terminal with one that errs first.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::home::{Done, Home, run};
use crate::support::sshd::has;

fn room() -> Home {
    let me = Home::new();
    me.write(
        "list",
        "web-01--10.0.0.1--root--hunter2--22\nweb-02--10.0.0.2--root----22\n",
    );
    me.ok(&["import", "list"]);
    me
}

fn edit(me: &Home, editor: &str, pattern: &str) -> Done {
    run(me.mroom(&["edit", pattern]).env("EDITOR", editor), "")
}

/// The drafts that are kept.
fn drafts(me: &Home) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(me.data("")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("edit-")
        })
        .collect()
}

#[test]
fn an_editor_changes_servers() {
    let me = room();
    let done = edit(&me, "sed -i 's/^port = 22/port = 2222/; s/^tags = .*/tags = [\"edge\"]/; /[.]meta\\]/arole = \"front\"'", "web-*").ended(0);
    assert_eq!(done.stderr, "changed web-[01-02]\n");
    let lines = me.ok(&["ls", "--json"]);
    for line in lines.lines() {
        let server: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            (&server["port"], &server["tags"][0]),
            (&2222.into(), &"edge".into())
        );
        assert_eq!(server["meta"]["role"], "front");
    }
    assert!(me.ok(&["show", "web-01"]).contains("password      sealed"));
    for editor in ["true", "touch", "sed -i s/a/a/"] {
        assert_eq!(
            edit(&me, editor, "web-01").ended(0).stderr,
            "nothing changed\n"
        );
    }
    assert!(drafts(&me).is_empty());
    // $VISUAL comes first, and either may hold arguments and quotes.
    let mut command = me.mroom(&["edit", "web-01"]);
    command
        .env("EDITOR", "false")
        .env("VISUAL", "sh -c 'sed -i s/^user.*/user=\\\"me\\\"/ \"$0\"'");
    assert_eq!(run(&mut command, "").ended(0).stderr, "changed web-01\n");
    assert_eq!(me.run(&["edit", "nowhere"]).code, 2);
    assert_eq!(me.run(&["edit", "web-01", "--json"]).code, 2);
}

#[test]
fn the_draft_is_private_and_holds_no_password() {
    let me = room();
    let probe = me.write(
        "probe",
        "#!/bin/sh\nstat -c %a \"$1\" \"$(dirname \"$1\")\" > seen\ncat \"$1\" >> seen\n",
    );
    std::fs::set_permissions(&probe, std::fs::Permissions::from_mode(0o755)).unwrap();
    edit(&me, &probe.display().to_string(), "web-01").ended(0);
    let seen = std::fs::read_to_string(me.path("seen")).unwrap();
    assert!(seen.starts_with("600\n700\n"), "{seen}");
    assert!(seen.contains("[web-01]\nhost = \"10.0.0.1\"\n") && !seen.contains("web-02"));
    assert!(seen.contains("--ask-password") && !seen.contains("hunter2"));
    assert!(drafts(&me).is_empty());
}

#[test]
fn what_cannot_be_saved_is_kept_and_nothing_is_written() {
    for (editor, pattern, code, message) in [
        (
            "sed -i 's/^port = 22/port = 0/'",
            "web-01",
            2,
            "error: `web-01`: the port must be from 1 to 65535",
        ),
        (
            "sed -i 's/^port = 22/port = x/'",
            "web-01",
            2,
            "error: line ",
        ),
        (
            "sed -i 's/web-01/web-1/'",
            "web-01",
            2,
            "error: `web-1` is not one of the servers here",
        ),
        (
            "sed -i 's/^user = .*/user = \"-x\"/'",
            "web-*",
            2,
            "error: `web-01`: user `-x` may not begin with `-`",
        ),
        (
            "sed -i '/^.web-02/,$d'",
            "web-*",
            2,
            "error: the table of `web-02` is gone",
        ),
        ("printf '\\377' > ", "web-01", 1, "is not valid UTF-8"),
        (
            "sh -c 'sed -i s/22/23/ \"$0\"; exit 3'",
            "web-01",
            1,
            "ended with 3, so nothing was changed",
        ),
        (
            "sh -c 'sed -i s/22/23/ \"$0\"; kill -9 $$'",
            "web-01",
            1,
            "nothing was changed",
        ),
        (
            "sh -c 'sed -i s/22/23/ \"$0\"; $MROOM set web-01 role=other'",
            "web-01",
            1,
            "error: `web-01` was changed by somebody else meanwhile",
        ),
        (
            "sh -c 'sed -i s/22/23/ \"$0\"; $MROOM -y rm web-01'",
            "web-01",
            1,
            "error: `web-01` was removed by somebody else meanwhile",
        ),
    ] {
        let me = room();
        let before = me.ok(&["export", "--json", "web-02"]);
        let editor = editor.replace("$MROOM", crate::support::home::MROOM);
        let done = edit(&me, &editor, pattern).ended(code);
        assert!(done.stderr.contains(message), "{editor}: {done:?}");
        let kept = drafts(&me);
        assert_eq!(kept.len(), 1, "{editor}");
        let file = kept[0].join("servers.toml");
        let told = format!("your text is kept in `{}`", file.display());
        assert!(done.stderr.contains(&told), "{editor}: {done:?}");
        assert!(file.exists());
        assert!(
            !me.run(&["show", "web-01"])
                .stdout
                .contains("port          23")
        );
        assert_eq!(me.ok(&["export", "--json", "web-02"]), before, "{editor}");
    }
    // What was not touched is not kept.
    let me = room();
    let done = edit(&me, "/no/such/editor", "web-01").ended(1);
    assert!(
        done.stderr
            .contains("the editor `/no/such/editor` was not found"),
        "{done:?}"
    );
    assert!(drafts(&me).is_empty());
    let done = edit(&me, "rm", "web-01").ended(1);
    assert!(done.stderr.contains("cannot be read"), "{done:?}");
}

#[test]
fn a_mistake_opens_the_editor_again() {
    if !has("script") {
        return;
    }
    let me = room();
    // The first time it errs, the second time it sees the error on top and mends it.
    let editor = "#!/bin/sh\ngrep '^#!' \"$1\" >> told\n\
        if grep -q '^port = 0' \"$1\"; then sed -i 's/^port = 0/port = 24/' \"$1\"; else sed -i 's/^port = 22/port = 0/' \"$1\"; fi\n";
    let path = me.write("editor", editor);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    me.write(".config/machineroom/config.toml", "");
    let line = format!(
        "EDITOR='{}' exec '{}' edit web-01",
        path.display(),
        crate::support::home::MROOM
    );
    let mut script = me.command("script");
    let done = run(
        script
            .args(["-qec", &line, "/dev/null"])
            .env("SHELL", "/bin/sh"),
        "",
    )
    .ended(0);
    assert!(done.stdout.contains("changed web-01"), "{done:?}");
    assert!(me.ok(&["show", "web-01"]).contains("24"));
    let told = std::fs::read_to_string(me.path("told")).unwrap();
    assert_eq!(
        told,
        "#! `web-01`: the port must be from 1 to 65535\n#! mend it; leave the editor without a change to give up\n"
    );
    assert!(drafts(&me).is_empty());
    // One that errs and does no better is asked twice, not for ever.
    me.write(
        "editor",
        "#!/bin/sh\necho x >> count\nsed -i 's/^port = .*/port = 0/' \"$1\"\n",
    );
    let mut script = me.command("script");
    let done = run(
        script
            .args(["-qec", &line, "/dev/null"])
            .env("SHELL", "/bin/sh"),
        "",
    )
    .ended(2);
    assert!(done.stdout.contains("your text is kept in"), "{done:?}");
    assert_eq!(
        std::fs::read_to_string(me.path("count"))
            .unwrap()
            .lines()
            .count(),
        2
    );
}
