//! Passwords: in by a pipe or a question, sealed at rest, opened by whoever may.

use crate::support::home::{Home, run};

const PASSWORD: &str = "correct horse battery";

/// A home with one server that has a password.
fn room() -> Home {
    let home = Home::new();
    let words = ["add", "web", "root@10.0.0.1", "--password-stdin"];
    home.feed(&words, format!("{PASSWORD}\r\n")).ended(0);
    home
}

#[test]
fn a_password_is_not_on_the_disk_nor_shown() {
    let home = room();
    let exported = home.run(&["export"]).ended(0);
    assert_eq!(
        exported.stdout,
        format!("web--10.0.0.1--root--{PASSWORD}--22\n")
    );
    for words in [
        ["show", "web"],
        ["ls", "--long"],
        ["ls", "--json"],
        ["show", "-vvv"],
    ] {
        let seen = home.run(&words).ended(0);
        assert!(
            !seen.stdout.contains("horse") && !seen.stderr.contains("horse"),
            "{words:?}"
        );
    }
    for entry in std::fs::read_dir(home.data("")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes
            .windows(PASSWORD.len())
            .any(|w| w == PASSWORD.as_bytes());
        assert!(!found, "{}", path.display());
    }
    let forgotten = home.session(&["set web --no-password", "export"]);
    assert!(
        forgotten.ends_with("web--10.0.0.1--root----22\n"),
        "{forgotten}"
    );
}

#[test]
fn an_empty_password_is_an_error() {
    let home = room();
    for input in ["", "\n"] {
        let seen = home
            .feed(&["set", "web", "--password-stdin"], input)
            .ended(2);
        assert_eq!(
            seen.stderr,
            "error: there is no password on standard input\n"
        );
    }
    let seen = home.run(&["set", "web", "--ask-password"]).ended(5);
    assert_eq!(
        seen.stderr,
        "error: there is no terminal to ask for the password\n"
    );
}

#[test]
fn locked_secrets_need_their_passphrase() {
    let home = room();
    home.write("phrase", "open sesame\n");
    let with =
        |name: &str, value: &str, words: &[&str]| run(home.mroom(words).env(name, value), "");
    let status = home.run(&["secrets", "status"]).ended(0);
    assert!(
        status
            .stdout
            .starts_with("open: they open with the identity file\nsealed values: 1\n")
    );

    home.run(&["secrets", "lock"]).ended(5);
    with("MROOM_PASSPHRASE", "open sesame", &["secrets", "lock"]).ended(0);
    let status = home.run(&["secrets", "status", "--json"]).ended(0);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(
        (&status["locked"], &status["has_identity_file"]),
        (&true.into(), &false.into())
    );

    home.run(&["ls"]).ended(0);
    let refused = home.run(&["export"]).ended(5);
    assert_eq!(
        refused.stderr,
        "error: web: the stored secrets are locked with a passphrase\n  \
         hint: set MROOM_PASSPHRASE or MROOM_PASSPHRASE_FILE, or run on a terminal\n"
    );
    with("MROOM_PASSPHRASE", "open salami", &["export"]).ended(5);
    with("MROOM_PASSPHRASE_FILE", "~/nowhere", &["export"]).ended(2);
    let opened = with("MROOM_PASSPHRASE_FILE", "~/phrase", &["export"]).ended(0);
    assert!(opened.stdout.contains(PASSWORD));

    // Refused before anything is tried; the exit code says by whom.
    let exec = home.run(&["exec", "web", "--json", "--", "true"]).ended(5);
    let object: serde_json::Value = serde_json::from_str(&exec.stdout).unwrap();
    assert_eq!(
        (&object["status"], &object["error"]["kind"]),
        (&"unreachable".into(), &"auth".into())
    );

    with("MROOM_PASSPHRASE", "open sesame", &["secrets", "unlock"]).ended(0);
    home.run(&["export"]).ended(0);
    let again = home.run(&["secrets", "unlock"]).ended(2);
    assert!(again.stderr.contains("are not locked"), "{again:?}");
}
