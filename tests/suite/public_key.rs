//! Which public key goes onto a server, and what is refused as one.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use futures::executor::block_on;
use machineroom::error::{Error, Kind};
use machineroom::fleet::RunOptions;
use machineroom::inventory::Server;
use proptest::prelude::*;
use serde_json::json;

use crate::support::room::Yard;
use crate::support::scripted::Script;

const ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPppppppppppppppppppppppppppppppppppppppppppp";
const SK: &str = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIPppppppppppppppppppppppppppppppppppppppppppp";

fn yard(dir: &Path) -> Yard {
    Yard::new(dir, RunOptions::default(), Arc::new(Script(Arc::default())))
}

/// What `code` prints; `...` are its arguments.
fn lua(yard: &Yard, code: &str, args: &[&str]) -> Result<String, Error> {
    let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
    yard.printed.borrow_mut().clear();
    block_on(yard.vm.exec(code.as_bytes(), "=test", &args))?;
    Ok(yard.printed.borrow().trim_end().to_owned())
}

/// Parses the text of a file as the stage does: `type|comment`.
fn parse(yard: &Yard, text: &[u8]) -> Result<String, Error> {
    let file = yard.room.config.config_dir().with_file_name("key");
    fs::write(&file, text).unwrap();
    let code = "local key = require 'mr.public_key'.parse(io.open(...):read 'a', 'k.pub')
        print(key.type .. '|' .. key.comment)";
    lua(yard, code, &[&file.display().to_string()])
}

#[test]
fn only_public_keys_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let yard = yard(dir.path());
    let certificate = ED25519.replace("ssh-ed25519 ", "ssh-ed25519-cert-v01@openssh.com ");
    let not_accepted = "`k.pub` is not a public key that sshd accepts";
    for (text, result) in [
        (ED25519.to_owned(), Ok("ssh-ed25519|")),
        (format!("{ED25519} me@here\n"), Ok("ssh-ed25519|me@here")),
        (
            format!("# mine\r\n\r\n  {ED25519}\tA  B \r\n"),
            Ok("ssh-ed25519|A  B"),
        ),
        (
            format!("{SK} token\n"),
            Ok("sk-ssh-ed25519@openssh.com|token"),
        ),
        (
            String::new(),
            Err("`k.pub` must hold one public key, not 0 lines"),
        ),
        (
            format!("{ED25519}\n{ED25519}\n"),
            Err("`k.pub` must hold one public key, not 2 lines"),
        ),
        ("ssh-ed25519".to_owned(), Err(not_accepted)),
        ("ssh-ed25519 AAAA\n".to_owned(), Err(not_accepted)),
        ("hello world again".to_owned(), Err(not_accepted)),
        (ED25519.replace("ssh-ed25519", "ssh-rsa"), Err(not_accepted)),
        (ED25519.replace("ssh-ed25519", "ssh-dss"), Err(not_accepted)),
        (ED25519.replace("pppp", "p;rm"), Err(not_accepted)),
        (format!("no-pty {ED25519}"), Err(not_accepted)),
        (
            certificate,
            Err("`k.pub` is a certificate, not a public key"),
        ),
        (
            format!("{ED25519} a\u{1b}[31m"),
            Err("the comment in `k.pub` is not plain text"),
        ),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n".to_owned(),
            Err("`k.pub` is a private key: it stays on this machine"),
        ),
        (
            format!("{ED25519}\n-----BEGIN RSA PRIVATE KEY-----\n"),
            Err("`k.pub` is a private key: it stays on this machine"),
        ),
        (
            "PuTTY-User-Key-File-3: ssh-ed25519\n".to_owned(),
            Err("`k.pub` is a private key: it stays on this machine"),
        ),
    ] {
        match (parse(&yard, text.as_bytes()), result) {
            (Ok(is), Ok(expected)) => assert_eq!(is, expected, "{text}"),
            (Err(is), Err(expected)) => {
                assert_eq!((is.message(), is.kind()), (expected, Kind::Usage), "{text}");
            }
            (is, _) => panic!("{text}: {is:?}"),
        }
    }
}

#[test]
fn the_first_key_with_a_private_half_is_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let yard = yard(dir.path());
    let own = dir.path().join("own");
    let keys = dir.path().join("keys");
    fs::create_dir(&keys).unwrap();
    yard.add(Server::new("web", "h", "u", 22), &json!({}), None);
    let make = |path: &Path| {
        fs::write(path, "private").unwrap();
        fs::write(path.with_extension("pub"), format!("{ED25519} x\n")).unwrap();
    };
    let choose = |set: &Path| {
        let code = "local keys, set = ...
            mr.config.key_dir, mr.config.public_key = keys, set
            print(require 'mr.public_key'.choose(server 'web').private)";
        let keys = keys.display().to_string();
        lua(&yard, code, &[&keys, &set.display().to_string()])
    };
    let nothing = Path::new("");
    let error = choose(nothing).unwrap_err();
    assert!(
        error
            .message()
            .contains("looked for id_ed25519, id_ecdsa, id_rsa"),
        "{error}"
    );
    assert!(error.hint_text().unwrap().contains("ssh-keygen -t ed25519"));
    fs::write(keys.join("id_ed25519.pub"), ED25519).unwrap();
    for name in ["id_rsa", "id_ecdsa", "id_ed25519"] {
        make(&keys.join(name));
        assert_eq!(
            choose(nothing).unwrap(),
            keys.join(name).display().to_string()
        );
    }
    fs::remove_file(keys.join("id_ed25519.pub")).unwrap();
    let error = choose(nothing).unwrap_err();
    assert!(
        error.hint_text().unwrap().contains("ssh-keygen -y -f"),
        "{error}"
    );
    make(&own);
    yard.add(
        Server::new("web", "h", "u", 22),
        &json!({"local_cert_path": own}),
        None,
    );
    assert_eq!(choose(nothing).unwrap(), own.display().to_string());
    let set = keys.join("id_rsa.pub");
    assert_eq!(
        choose(&set).unwrap(),
        keys.join("id_rsa").display().to_string()
    );
    fs::remove_file(keys.join("id_rsa")).unwrap();
    let error = choose(&set).unwrap_err();
    assert!(error.message().contains("no private half"), "{error}");
    for not_a_file in [keys.clone(), keys.join("gone.pub")] {
        let error = choose(&not_a_file).unwrap_err();
        assert!(
            error.message().contains("cannot read the public key"),
            "{error}"
        );
    }
}

#[test]
fn bringup_wants_a_selection() {
    let dir = tempfile::tempdir().unwrap();
    let yard = yard(dir.path());
    yard.add(Server::new("web", "h", "u", 22), &json!({}), None);
    for (args, message) in [
        (vec![], "`bringup` needs a selection of servers"),
        (
            vec![String::new()],
            "`bringup` needs a selection of servers",
        ),
        (vec!["db*".to_owned()], "db*"),
    ] {
        let error = block_on(yard.vm.exec_workflow("bringup", &args)).unwrap_err();
        assert!(error.message().contains(message), "{error}");
        assert_eq!(error.kind(), Kind::Usage);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Any text is a key of a known type, or refused as wrong usage without being repeated.
    #[test]
    fn any_text_is_a_key_or_refused(text in "(?s).{0,80}|(ssh-ed25519|ssh-rsa|#) [A-Za-z0-9+/=]{0,90}( .{0,9})?\n?") {
        let dir = tempfile::tempdir().unwrap();
        match parse(&yard(dir.path()), text.as_bytes()) {
            Ok(key) => prop_assert!(key.starts_with("ssh-"), "{}", key),
            Err(error) => {
                prop_assert_eq!(error.kind(), Kind::Usage);
                prop_assert!(error.message().contains("k.pub"), "{}", error);
            }
        }
    }
}
