//! Who are we: keys, agent and passwords on a real sshd.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use machineroom::error::Kind;
use machineroom::secret::Secret;
use machineroom::ssh::{Options, Target};

use crate::support::account::{Account, PASSWORD};
use crate::support::person::{Person, fails, works};
use crate::support::sshd::{Sshd, has, keygen, open, skip};

#[test]
fn keys_of_every_type_and_format() {
    let Some(sshd) = Sshd::start("") else { return };
    for (i, arguments) in [
        &["-t", "ed25519", "-N", ""][..],
        &["-t", "ecdsa", "-N", ""],
        &["-t", "rsa", "-b", "2048", "-N", ""],
        &["-t", "rsa", "-b", "2048", "-N", "", "-m", "PEM"],
        &["-t", "rsa", "-b", "2048", "-N", "", "-m", "PKCS8"],
        &["-t", "ecdsa", "-N", "", "-m", "PEM"],
        &["-t", "ecdsa", "-N", "", "-m", "PKCS8"],
        &["-t", "ed25519", "-N", "open sesame"],
        &["-t", "rsa", "-b", "2048", "-N", "open sesame", "-m", "PEM"],
        &[
            "-t",
            "rsa",
            "-b",
            "2048",
            "-N",
            "open sesame",
            "-m",
            "PKCS8",
        ],
    ]
    .into_iter()
    .enumerate()
    {
        let key = keygen(&sshd.path(&format!("key{i}")), arguments);
        let public = fs::read(key.with_extension("pub")).unwrap();
        fs::write(sshd.path("authorized_keys"), public).unwrap();
        let person = Person::with("open sesame");
        let options = Options {
            interact: person.clone(),
            ..sshd.options()
        };
        let target = Target {
            key: Some(key),
            key_only: true,
            ..sshd.target()
        };
        match open(options, target) {
            Ok(web) => works(&web),
            Err(error) => panic!("{arguments:?}: {error}"),
        }
        let asked = usize::from(arguments.contains(&"open sesame"));
        assert_eq!(person.asked.load(Ordering::SeqCst), asked, "{arguments:?}");
    }
}

#[test]
fn keys_that_do_not_work_say_why() {
    let Some(sshd) = Sshd::start("") else { return };
    let key = |name: &str, passphrase: &str| {
        keygen(&sshd.path(name), &["-t", "ed25519", "-N", passphrase])
    };
    let with = |key: &Path| Target {
        key: Some(key.to_owned()),
        ..sshd.target()
    };

    let other = key("other", "");
    let error = fails(sshd.options(), with(&other));
    assert_eq!((error.kind(), error.server_id()), (Kind::Auth, Some("web")));
    assert!(
        error.message().contains("tried key `") && error.message().contains("offers publickey"),
        "{error}"
    );

    let locked = key("locked", "x");
    let error = fails(sshd.options(), with(&locked));
    assert_eq!(error.kind(), Kind::Auth);
    assert!(
        error.message().contains("locked` is encrypted") && error.hint_text().is_some(),
        "{error}"
    );
    let person = Options {
        interact: Person::with("wrong"),
        ..sshd.options()
    };
    let error = fails(person, with(&locked));
    assert!(error.message().contains("passphrase of key"), "{error}");
    assert!(
        !error.message().contains("wrong`") && error.message().ends_with("is wrong"),
        "{error}"
    );

    fs::set_permissions(&other, fs::Permissions::from_mode(0o644)).unwrap();
    let error = fails(sshd.options(), with(&other));
    assert!(
        error
            .message()
            .contains("can be read by others (mode 0644)"),
        "{error}"
    );
    let error = fails(sshd.options(), with(&sshd.path("none")));
    assert!(error.message().contains("is not there"), "{error}");
}

#[test]
fn identities_are_tried_and_the_agent_helps() {
    let Some(sshd) = Sshd::start("") else { return };
    let wrong = keygen(&sshd.path("wrong"), &["-t", "ed25519", "-N", ""]);
    let options = Options {
        identities: vec![wrong, sshd.path("none"), sshd.path("id")],
        ..sshd.options()
    };
    let target = Target {
        key: None,
        ..sshd.target()
    };
    works(&open(options, target).unwrap());
}

/// The agent is found by the environment, so it is the program that is run.
#[test]
fn an_agent_that_hangs_or_holds_the_key() {
    if !has("ssh-agent") || !has("ssh-add") {
        return;
    }
    let Some(sshd) = Sshd::start("") else { return };
    let socket = sshd.path("agent");
    let mut agent = Command::new("ssh-agent")
        .arg("-D")
        .arg("-a")
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !socket.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let added = Command::new("ssh-add")
        .arg("-q")
        .arg(sshd.path("id"))
        .env("SSH_AUTH_SOCK", &socket)
        .status();
    assert!(added.unwrap().success());
    let options = Options {
        agent: Some(socket.clone()),
        ..sshd.options()
    };
    let target = Target {
        key: None,
        ..sshd.target()
    };
    let result = open(options, target.clone());
    agent.kill().unwrap();
    agent.wait().unwrap();
    works(&result.unwrap());

    fs::remove_file(&socket).unwrap_or_default();
    let _silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let options = Options {
        agent: Some(socket),
        identities: vec![sshd.path("id")],
        ..sshd.options()
    };
    let start = Instant::now();
    works(&open(options, target).unwrap());
    assert!(start.elapsed() < Duration::from_secs(8));
}

#[test]
fn passwords_by_both_ways() {
    let Some(account) = Account::create() else {
        return;
    };
    if !Path::new("/etc/pam.d/sshd").exists() {
        return skip("no PAM service `sshd`");
    }
    for settings in [
        "PasswordAuthentication yes",
        "UsePAM yes\nKbdInteractiveAuthentication yes",
    ] {
        let Some(sshd) = Sshd::start(settings) else {
            return;
        };
        let target = Target {
            user: account.name.clone(),
            key: None,
            password: Some(Secret::new(PASSWORD)),
            ..sshd.target()
        };
        let web = sshd
            .open(target.clone())
            .unwrap_or_else(|e| panic!("{settings}: {e}"));
        works(&web);
        let wrong = Target {
            password: Some(Secret::new("not this one")),
            ..target.clone()
        };
        let error = fails(sshd.options(), wrong);
        assert_eq!(error.kind(), Kind::Auth);
        assert!(
            !format!("{error} {error:?}").contains("not this one"),
            "{error:?}"
        );
        assert!(error.message().contains("tried"), "{error}");
        let none = Target {
            password: None,
            ..target.clone()
        };
        let error = fails(sshd.options(), none);
        assert!(error.hint_text().unwrap().contains("password"), "{error}");
        // A key alone must be a key alone.
        let proof = Target {
            key: Some(sshd.path("host_ed25519")),
            key_only: true,
            ..target
        };
        assert_eq!(fails(sshd.options(), proof).kind(), Kind::Auth);
    }
}

#[test]
fn a_key_and_then_a_password() {
    let Some(account) = Account::create() else {
        return;
    };
    let settings = "PasswordAuthentication yes\nAuthenticationMethods publickey,password";
    let Some(sshd) = Sshd::start(settings) else {
        return;
    };
    let target = Target {
        user: account.name.clone(),
        password: Some(Secret::new(PASSWORD)),
        ..sshd.target()
    };
    works(&sshd.open(target).unwrap());
}
