//! Becoming another user on a real server, with a real sudo: who gets the password, and who not.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use futures::executor::block_on;
use machineroom::error::{Error, Kind};
use machineroom::output::Output;
use machineroom::secret::Secret;
use machineroom::ssh::{Exec, Sudo, Target, Transport};

use crate::support::account::{Account, PASSWORD};
use crate::support::home::Home;
use crate::support::sshd::{Sshd, has};

/// An account with rules of its own for sudo, on a server of its own. All gone when dropped.
pub(super) struct Yard {
    pub(super) account: Account,
    pub(super) sshd: Sshd,
    rules: PathBuf,
}

impl Yard {
    /// `ACCOUNT` and `LOG` in the rules stand for what they say.
    pub(super) fn new(rules: &str) -> Option<Yard> {
        if !has("sudo") || !has("visudo") {
            return None;
        }
        let account = Account::create()?;
        let sshd = Sshd::start("PasswordAuthentication yes")?;
        let log = sshd.path("sudo.log").display().to_string();
        let rules = rules.replace("ACCOUNT", &account.name).replace("LOG", &log);
        let draft = sshd.path("rules");
        fs::write(&draft, rules + "\n").unwrap();
        let checked = Command::new("visudo").arg("-cqf").arg(&draft).status();
        assert!(checked.unwrap().success(), "bad rules");
        let place = PathBuf::from("/etc/sudoers.d").join(&account.name);
        let mut install = Command::new("install");
        let done = install
            .args(["-m", "0440"])
            .arg(&draft)
            .arg(&place)
            .status();
        assert!(done.unwrap().success());
        Some(Yard {
            account,
            sshd,
            rules: place,
        })
    }

    pub(super) fn open(&self) -> Arc<dyn Transport> {
        let target = Target {
            user: self.account.name.clone(),
            key: None,
            password: Some(Secret::new(PASSWORD)),
            ..self.sshd.target()
        };
        self.sshd.open(target).unwrap()
    }

    /// What sudo itself has written down.
    fn log(&self) -> String {
        fs::read_to_string(self.sshd.path("sudo.log")).unwrap_or_default()
    }

    /// A home in which the account is the server `web`.
    pub(super) fn home(&self) -> Home {
        let home = Home::new();
        home.trust(&self.sshd);
        let place = format!("{}@127.0.0.1:{}", self.account.name, self.sshd.port);
        home.feed(&["add", "web", &place, "--password-stdin"], PASSWORD)
            .ended(0);
        home
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.rules);
    }
}

fn run(web: &Arc<dyn Transport>, command: &str, sudo: Sudo, stdin: &[u8]) -> Result<Output, Error> {
    block_on(web.exec(Exec {
        sudo: Some(sudo),
        stdin: stdin.to_vec().into(),
        ..Exec::new(command)
    }))
}

fn with(password: &str) -> Sudo {
    Sudo {
        user: "root".to_owned(),
        password: Some(Secret::new(password)),
    }
}

fn without() -> Sudo {
    Sudo {
        user: "root".to_owned(),
        password: None,
    }
}

pub(super) const ASKS: &str =
    "ACCOUNT ALL=(ALL:ALL) ALL\nDefaults:ACCOUNT lecture=always, logfile=LOG, timestamp_timeout=0";
pub(super) const FREE: &str = "ACCOUNT ALL=(ALL:ALL) NOPASSWD: ALL";

#[test]
fn with_a_password() {
    let Some(yard) = Yard::new(ASKS) else { return };
    let web = yard.open();
    let all: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let output = run(&web, "cat; id -un >&2; exit 7", with(PASSWORD), &all).unwrap();
    assert!(output.stdout == all, "input and output are byte-true");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "root\n",
        "nothing of sudo's"
    );
    assert_eq!(output.code, Some(7));
    let output = run(&web, "kill -KILL $$", with(PASSWORD), b"").unwrap();
    assert!(
        output.signal.is_some() || output.code == Some(137),
        "{output:?}"
    );
    // The login's shell runs it, in the other's home; locale and quotes are as they were.
    let command = r#"echo "$HOME" '$x' "it's" "${LC_ALL-unset}" $0"#;
    let output = run(&web, command, with(PASSWORD), b"").unwrap();
    assert_eq!(output.stdout_trimmed(), "/root $x it's unset /bin/sh");
    // As oneself nothing is needed.
    let own = Sudo {
        user: yard.account.name.clone(),
        password: None,
    };
    let output = run(&web, "id -un; cat", own, b"in").unwrap();
    assert_eq!(
        output.stdout_trimmed(),
        format!("{}\nin", yard.account.name)
    );

    // What the command shows of itself and of sudo gets nothing, and holds no password.
    let nosy = "for p in $PPID $$; do tr '\\0' '\\n' < /proc/$p/cmdline; done; \
                tr '\\0' '\\n' < /proc/$PPID/cmdline >&2; ps -ef; cat /proc/$PPID/environ; cat";
    let output = run(&web, nosy, with(PASSWORD), b"only this").unwrap();
    let seen = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(seen.contains("sudo") && !seen.contains(PASSWORD), "{seen}");
    assert!(seen.contains("only this"));
}

#[test]
fn a_wrong_password_is_tried_once() {
    let Some(yard) = Yard::new(ASKS) else { return };
    let web = yard.open();
    let error = run(&web, "touch /nowhere", with("not this one"), b"input").unwrap_err();
    assert_eq!(error.message(), "sudo refused the password");
    assert_eq!(error.kind(), Kind::Exit);
    assert!(error.hint_text().unwrap().contains("-K"));
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while yard.log().is_empty() && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let log = yard.log().replace('\n', " ");
    assert_eq!(
        log.matches("incorrect password attempt").count(),
        1,
        "{log}"
    );
    assert!(log.contains(" 1 incorrect"), "{log}");
    // Without one nothing is tried at all.
    let error = run(&web, "true", without(), b"").unwrap_err();
    assert_eq!(
        error.message(),
        "sudo asks for a password, and none is known"
    );
    assert_eq!(yard.log().matches("incorrect").count(), 1);
    let other = Sudo {
        user: "nobody-of-that-name".to_owned(),
        password: Some(Secret::new(PASSWORD)),
    };
    let error = run(&web, "true", other, b"").unwrap_err();
    assert_eq!(
        error.message(),
        "the server has no user `nobody-of-that-name`"
    );
    // The session goes on.
    let output = run(&web, "id -u", with(PASSWORD), b"").unwrap();
    assert_eq!(output.stdout_trimmed(), "0");
}

#[test]
fn a_command_that_needs_no_password_gets_none() {
    let Some(yard) = Yard::new(FREE) else { return };
    let web = yard.open();
    for sudo in [with("never to be seen"), without()] {
        let output = run(&web, "cat; id -un", sudo, b"input\n").unwrap();
        assert_eq!(output.stdout_trimmed(), "input\nroot");
        assert_eq!(output.stderr, b"");
    }
    let fake = "printf '[sudo] password for me: ' >&2; read line; echo \"got <$line>\"";
    let output = run(&web, fake, with("never to be seen"), b"").unwrap();
    assert_eq!(output.stdout_trimmed(), "got <>");
    assert_eq!(output.stderr, b"[sudo] password for me: ");
}

#[test]
fn who_may_not_is_told_so() {
    let Some(yard) = Yard::new("# nothing for ACCOUNT") else {
        return;
    };
    let web = yard.open();
    for sudo in [with(PASSWORD), without()] {
        let error = run(&web, "true", sudo.clone(), b"").unwrap_err();
        let message = match sudo.password {
            Some(_) => "this login may not become `root`",
            // sudo would ask first.
            None => "sudo asks for a password, and none is known",
        };
        assert_eq!(error.message(), message);
    }
    let Some(yard) = Yard::new("ACCOUNT ALL=(ALL) NOPASSWD: ALL\nDefaults:ACCOUNT requiretty")
    else {
        return;
    };
    let web = yard.open();
    let error = run(&web, "cat", with(PASSWORD), b"input").unwrap_err();
    assert_eq!(
        error.message(),
        "sudo wants a terminal",
        "it has no end of input"
    );
    // What needs no input gets a terminal that changes nothing.
    let command = "printf 'a\\nb\\r\\n\\001\\377'; id -un; cat; exit 6";
    let output = run(&web, command, with(PASSWORD), b"").unwrap();
    assert_eq!(output.stdout, b"a\nb\r\n\x01\xffroot\n");
    assert_eq!(output.code, Some(6));
    drop(web);
    drop(yard);
    let rules = "ACCOUNT ALL=(ALL) ALL\nDefaults:ACCOUNT requiretty, timestamp_timeout=0";
    let Some(yard) = Yard::new(rules) else { return };
    let web = yard.open();
    let output = run(&web, "id -un", with(PASSWORD), b"").unwrap();
    assert_eq!(output.stdout_trimmed(), "root");
    let error = run(&web, "id -un", with("not this one"), b"").unwrap_err();
    assert_eq!(error.message(), "sudo refused the password");
    let error = run(&web, "id -un", without(), b"").unwrap_err();
    assert_eq!(
        error.message(),
        "sudo asks for a password, and none is known"
    );
}

#[test]
fn on_the_command_line() {
    let Some(yard) = Yard::new(ASKS) else { return };
    let home = yard.home();
    let done = home
        .run(&["exec", "-b", "web", "-vv", "--", "id", "-un"])
        .ended(0);
    assert_eq!(done.stdout, "root\n", "with the login's password");
    assert!(!done.stderr.contains(PASSWORD), "{done:?}");
    let done = home.run(&["exec", "--become-user", "nobody", "web", "--", "id -un"]);
    assert_eq!(done.ended(0).stdout, "nobody\n");
    let plain = home.ok(&["exec", "web", "--", "id -un"]);
    assert_eq!(plain.trim(), yard.account.name);

    // One for sudo alone goes before it.
    home.feed(
        &["set", "web", "--sudo-password-stdin"],
        "not this one at all",
    )
    .ended(0);
    let done = home
        .run(&["exec", "-b", "web", "--json", "--", "id"])
        .ended(3);
    assert!(
        done.stdout.contains("sudo refused the password"),
        "{done:?}"
    );
    assert!(!format!("{done:?}").contains("not this one"), "{done:?}");
    home.ok(&["set", "web", "--no-sudo-password"]);
    assert_eq!(home.ok(&["exec", "-b", "web", "--", "id -un"]), "root\n");
    home.feed(&["set", "web", "--sudo-password-stdin"], PASSWORD)
        .ended(0);
    home.ok(&["set", "web", "--no-password"]);
    assert!(home.ok(&["show", "web"]).contains("sudo password sealed\n"));
    let database = fs::read(home.data("cache.db")).unwrap();
    let clear = |bytes: &[u8]| {
        bytes
            .windows(PASSWORD.len())
            .any(|w| w == PASSWORD.as_bytes())
    };
    assert!(!clear(&database), "it is sealed");
    let log = home.ok(&["log", "--json", "-n", "0"]);
    assert!(
        log.contains("\"what\":\"id -un\"") && !log.contains(PASSWORD),
        "{log}"
    );
    home.feed(&["set", "web", "--password-stdin"], PASSWORD)
        .ended(0);
    let done = home.run(&["exec", "-K", "web", "--", "id"]).ended(5);
    assert!(
        done.stderr
            .contains("no terminal to ask for the password of sudo"),
        "{done:?}"
    );
    let refused = home.run(&["ls", "-b"]).ended(2);
    assert!(
        refused.stderr.contains("no meaning for `ls`"),
        "{refused:?}"
    );
}

#[test]
fn a_person_is_asked_once_for_all_servers() {
    let Some(yard) = Yard::new(ASKS) else { return };
    let home = yard.home();
    let place = format!("{}@127.0.0.1:{}", yard.account.name, yard.sshd.port);
    home.feed(&["add", "web-2", &place, "--password-stdin"], PASSWORD)
        .ended(0);
    let typed = format!("{PASSWORD}\n");
    let done = home.on_terminal(
        &["exec", "-K", "web*", "--", "id -un"],
        &[("Password for sudo", &typed)],
    );
    let shown = done.ended(0).stdout;
    assert_eq!(shown.matches("Password for sudo").count(), 1, "{shown}");
    assert!(
        shown.matches("root").count() >= 1 && !shown.contains(PASSWORD),
        "{shown}"
    );
}
