//! Who is the server: known, unknown, changed, revoked and certified host keys.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use machineroom::error::Kind;
use machineroom::ssh::Options;

use crate::support::person::{Person, fails, works};
use crate::support::sshd::{Sshd, has, keygen, open};

#[test]
fn an_unknown_host_key_is_asked_about_and_remembered() {
    let Some(sshd) = Sshd::start("") else { return };
    let strict = || Options {
        accept_new: false,
        ..sshd.options()
    };
    let error = fails(strict(), sshd.target());
    assert_eq!((error.kind(), error.kind().exit_code()), (Kind::HostKey, 5));
    assert!(error.message().contains("SHA256:"), "{error}");
    assert!(
        error
            .hint_text()
            .unwrap()
            .contains("`mroom exec --accept-new web -- true`")
    );
    assert!(!sshd.path("known_hosts").exists());

    let person = Person::with("");
    let slow = Options {
        interact: person.clone(),
        timeout: Duration::from_secs(1),
        ..strict()
    };
    works(&open(slow, sshd.target()).unwrap());
    assert_eq!(person.asked.load(Ordering::SeqCst), 1);
    works(&open(strict(), sshd.target()).unwrap());
    let text = fs::read_to_string(sshd.path("known_hosts")).unwrap();
    assert!(
        text.starts_with(&format!("[127.0.0.1]:{} ssh-ed25519 ", sshd.port)),
        "{text}"
    );
    // OpenSSH agrees.
    let found = Command::new("ssh-keygen")
        .args(["-F", &format!("[127.0.0.1]:{}", sshd.port), "-f"])
        .arg(sshd.path("known_hosts"))
        .stdout(Stdio::null())
        .status();
    assert!(found.unwrap().success());
    // Hashed by OpenSSH, it is still known.
    let hashed = Command::new("ssh-keygen")
        .args(["-H", "-f"])
        .arg(sshd.path("known_hosts"))
        .output();
    assert!(hashed.unwrap().status.success());
    assert!(
        fs::read_to_string(sshd.path("known_hosts"))
            .unwrap()
            .starts_with("|1|")
    );
    works(&open(strict(), sshd.target()).unwrap());
}

#[test]
fn a_changed_or_revoked_host_key_is_always_refused() {
    let Some(sshd) = Sshd::start("") else { return };
    let other = keygen(&sshd.path("imposter"), &["-t", "ed25519", "-N", ""]);
    let public = |file: &Path| {
        let text = fs::read_to_string(file.with_extension("pub")).unwrap();
        text.split_whitespace()
            .take(2)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let name = format!("[127.0.0.1]:{}", sshd.port);
    let (old, own) = (public(&other), public(&sshd.path("host_ed25519")));
    for (line, word) in [
        (format!("# first\n{name} {old}\n"), "has changed"),
        (format!("# first\n@revoked * {own}\n"), "is revoked"),
        (
            format!("# first\n{name} ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQAB\n"),
            "has changed",
        ),
    ] {
        fs::write(sshd.path("known_hosts"), &line).unwrap();
        let options = Options {
            accept_new: true,
            interact: Person::with(""),
            ..sshd.options()
        };
        let error = fails(options, sshd.target());
        assert_eq!(error.kind(), Kind::HostKey);
        let place = format!("{}:2", sshd.path("known_hosts").display());
        assert!(
            error.message().contains(word) && error.message().contains(&place),
            "{error}"
        );
        assert_eq!(
            fs::read_to_string(sshd.path("known_hosts")).unwrap(),
            line,
            "the file was touched"
        );
        if word == "has changed" {
            assert!(
                error.hint_text().unwrap().contains("ssh-keygen -R"),
                "{error:?}"
            );
        }
    }
}

#[test]
fn a_server_with_several_host_keys_is_known_by_any_of_them() {
    let Some(dir) = tempfile::tempdir().ok() else {
        return;
    };
    if !has("ssh-keygen") {
        return;
    }
    let rsa = keygen(
        &dir.path().join("rsa"),
        &["-t", "rsa", "-b", "2048", "-N", ""],
    );
    let Some(sshd) = Sshd::start(&format!("HostKey {}", rsa.display())) else {
        return;
    };
    let public = fs::read_to_string(rsa.with_extension("pub")).unwrap();
    let line = format!("[127.0.0.1]:{} {public}", sshd.port);
    fs::write(sshd.path("known_hosts"), &line).unwrap();
    let options = Options {
        accept_new: false,
        ..sshd.options()
    };
    works(&open(options, sshd.target()).unwrap());
}

#[test]
fn host_certificates_count_only_when_their_authority_does() {
    let Some(dir) = tempfile::tempdir().ok() else {
        return;
    };
    if !has("ssh-keygen") {
        return;
    }
    let at = |name: &str| dir.path().join(name);
    let ca = keygen(&at("ca"), &["-t", "ed25519", "-N", ""]);
    keygen(&at("host"), &["-t", "ed25519", "-N", ""]);
    let sign = |principal: &str, more: &[&str]| {
        let status = Command::new("ssh-keygen")
            .args(["-q", "-s"])
            .arg(&ca)
            .args(["-I", "web", "-h", "-n", principal])
            .args(more)
            .arg(at("host.pub"))
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    };
    let authority = fs::read_to_string(ca.with_extension("pub")).unwrap();
    for (principal, more, known, good) in [
        (
            "127.0.0.1",
            &[][..],
            format!("@cert-authority * {authority}"),
            true,
        ),
        (
            "other.example",
            &[],
            format!("@cert-authority * {authority}"),
            false,
        ),
        (
            "127.0.0.1",
            &["-V", "20010101:20020101"],
            format!("@cert-authority * {authority}"),
            false,
        ),
        (
            "127.0.0.1",
            &[],
            format!("@revoked * {authority}@cert-authority * {authority}"),
            false,
        ),
        (
            "127.0.0.1",
            &[],
            format!("@cert-authority other.* {authority}"),
            false,
        ),
    ] {
        sign(principal, more);
        let settings = format!(
            "HostKey {0}\nHostCertificate {0}-cert.pub",
            at("host").display()
        );
        let Some(sshd) = Sshd::start(&settings) else {
            return;
        };
        fs::write(sshd.path("known_hosts"), &known).unwrap();
        let options = Options {
            accept_new: false,
            ..sshd.options()
        };
        match open(options, sshd.target()) {
            Ok(web) => {
                assert!(good, "accepted: {principal} {more:?} {known}");
                works(&web);
            }
            Err(error) => {
                assert!(!good, "{principal} {more:?}: {error}");
                assert_eq!(error.kind(), Kind::HostKey, "{error}");
            }
        }
    }
}
