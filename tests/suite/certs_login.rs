//! `add-cert` and `off-cert` where passwords, passphrases and agents are the other ways in.

use std::fs;
use std::path::PathBuf;

use crate::support::account::{Account, PASSWORD};
use crate::support::home::{Home, run};
use crate::support::sshd::{Sshd, has, keygen};

/// A person with a password server `web`, which is a real account, and a key pair `k`.
struct Case {
    me: Home,
    account: Account,
    _sshd: Sshd,
}

impl Case {
    fn new() -> Option<Case> {
        let account = Account::create()?;
        let sshd = Sshd::start(
            "PasswordAuthentication yes\nAuthorizedKeysFile .ssh/authorized_keys\nStrictModes yes",
        )?;
        let me = Home::new();
        me.trust(&sshd);
        let place = format!("{}@127.0.0.1:{}", account.name, sshd.port);
        me.feed(&["add", "web", &place, "--password-stdin"], PASSWORD)
            .ended(0);
        keygen(&me.path("k"), &["-t", "ed25519", "-N", "", "-C", "me@here"]);
        Some(Case {
            me,
            account,
            _sshd: sshd,
        })
    }

    fn file(&self) -> PathBuf {
        self.account.home().join(".ssh/authorized_keys")
    }
}

#[test]
fn the_password_is_the_other_login() {
    let Some(case) = Case::new() else { return };
    let key = case.me.path("k.pub").display().to_string();
    case.me.run(&["add-cert", "web", &key]).ended(0);
    assert!(
        fs::read_to_string(case.file())
            .unwrap()
            .ends_with("me@here\n")
    );
    case.me.ok(&["set", "web", "identity_cert_installed=true"]);
    case.me.run(&["off-cert", "web"]).ended(0);
    assert_eq!(fs::read_to_string(case.file()).unwrap(), "");
    let shown = case.me.ok(&["show", "web"]);
    for gone in ["identity_cert_installed", "custom_cert", "local_cert_path"] {
        assert!(!shown.contains(gone), "{shown}");
    }
    case.me.run(&["exec", "web", "--", "true"]).ended(0);
    // With a wrong password nothing else gets in.
    case.me.run(&["add-cert", "web", &key]).ended(0);
    case.me
        .feed(&["set", "web", "--password-stdin"], "wrong")
        .ended(0);
    let done = case.me.run(&["off-cert", "web"]).ended(3);
    assert!(done.stdout.contains("nothing was removed"), "{done:?}");
    assert!(!format!("{done:?}").contains("wrong\""), "{done:?}");
    assert!(
        fs::read_to_string(case.file())
            .unwrap()
            .ends_with("me@here\n")
    );
}

#[test]
fn a_passphrase_is_asked_for_once() {
    if !has("script") {
        return;
    }
    let Some(case) = Case::new() else { return };
    keygen(
        &case.me.path("locked"),
        &["-t", "ed25519", "-N", "opensesame", "-C", "locked@here"],
    );
    let key = case.me.path("locked.pub").display().to_string();
    let talk = [("passphrase of", "opensesame\n")];
    let done = case
        .me
        .on_terminal(&["add-cert", "web", &key], &talk)
        .ended(0);
    assert_eq!(done.stdout.matches("passphrase of").count(), 1, "{done:?}");
    assert!(
        fs::read_to_string(case.file())
            .unwrap()
            .ends_with("locked@here\n")
    );
}

#[test]
fn the_agent_proves_a_key_whose_file_is_not_here() {
    if !has("ssh-agent") || !has("ssh-add") {
        return;
    }
    let Some(case) = Case::new() else { return };
    let me = &case.me;
    // The agent ends with its command.
    let script = format!(
        "ssh-add -q k && mv k gone && '{mroom}' add-cert web k.pub && '{mroom}' exec web -- true && '{mroom}' off-cert web && rm k.pub",
        mroom = crate::support::home::MROOM
    );
    let mut agent = me.command("ssh-agent");
    let done = run(
        agent.args(["sh", "-c", &script]).env("PWD", me.path("")),
        "",
    )
    .ended(0);
    assert_eq!(done.stdout.matches("_cert changed").count(), 2, "{done:?}");
    assert_eq!(fs::read_to_string(case.file()).unwrap(), "");
}
