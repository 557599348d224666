//! The stage cert on a real sshd: throw-away homes, a real account with a real password.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use machineroom::fleet::RunOptions;
use machineroom::inventory::Server;
use serde_json::json;

use crate::support::account::{Account, PASSWORD};
use crate::support::place::Place;
use crate::support::room::Yard;
use crate::support::sshd::{Sshd, keygen, user};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A key of the same type that is somebody else's.
const OTHER: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPppppppppppppppppppppppppppppppppppppppppppp other@there";

/// What an authorized_keys may hold already, and whether our key (`KEY`) lets in with it.
fn variants() -> Vec<(&'static str, Vec<u8>, bool)> {
    let long = format!("{}\n{OTHER}\n", "x".repeat(200_000));
    let utf16: Vec<u8> = "# ü\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let text = |t: &str| t.replace("OTHER", OTHER).into_bytes();
    vec![
        ("empty", vec![], false),
        ("another key", text("OTHER\n"), false),
        ("no final newline", text("OTHER"), false),
        ("CRLF", text("OTHER\r\n# two\r\n"), false),
        ("CRLF without an end", text("OTHER\r"), false),
        ("blank lines", text("\n\n \n"), false),
        ("comments", text("# KEY\n  # more\n#KEY"), false),
        ("ours", text("KEY me@here\n"), true),
        (
            "ours, another comment",
            text("OTHER\nKEY bob on holiday\n"),
            true,
        ),
        ("ours, no comment, CRLF", text("KEY\r\n"), true),
        ("ours, indented", text(" \t KEY x\n"), true),
        ("ours, tabs", text("TABBED\n"), true),
        ("ours, no final newline", text("OTHER\nKEY"), true),
        ("ours, twice", text("KEY a\nKEY b\n"), true),
        (
            "ours, options",
            text("no-pty,no-X11-forwarding KEY\n"),
            true,
        ),
        (
            "ours, quoted option",
            text("environment=\"A=b \\\" c\" KEY\n"),
            true,
        ),
        (
            "ours inside an option",
            text("command=\"echo KEY\" OTHER\n"),
            false,
        ),
        ("ours as an authority", text("cert-authority KEY\n"), false),
        ("an open quote", text("command=\"abc KEY\n"), false),
        ("byte order mark", text("\u{feff}KEY\n"), false),
        ("another encoding", utf16, false),
        ("bytes", b"\0\0\xff\xfe\n\0".to_vec(), false),
        ("a long line", long.into_bytes(), false),
    ]
}

#[tokio::test(flavor = "current_thread")]
async fn the_key_is_there_once_whatever_was_there_before() {
    let Some(place) = Place::new("HOME/.ssh/authorized_keys") else {
        return;
    };
    let line = place.line();
    let key = line.trim_end_matches(" me@here").to_owned();
    fs::create_dir(place.ssh_dir()).unwrap();
    let yard = place.yard(RunOptions::default());
    for (name, before, is_there) in variants() {
        let before = match String::from_utf8(before) {
            Ok(t) => t
                .replace("TABBED", &key.replace(' ', "\t"))
                .replace("KEY", &key)
                .into_bytes(),
            Err(e) => e.into_bytes(),
        };
        fs::write(place.file(), &before).unwrap();
        fs::set_permissions(place.ssh_dir(), fs::Permissions::from_mode(0o777)).unwrap();
        fs::set_permissions(place.file(), fs::Permissions::from_mode(0o666)).unwrap();
        let (status, error) = yard.cert(&place.public()).await;
        assert_eq!((&*status, &*error), ("changed", ""), "{name}");
        let after = fs::read(place.file()).unwrap();
        assert!(after.starts_with(&before), "{name}: lines of others stay");
        let added = String::from_utf8_lossy(&after[before.len()..]).into_owned();
        let expected = if is_there {
            String::new()
        } else {
            format!("{line}\n")
        };
        assert_eq!(added.trim_start_matches('\n'), expected, "{name}");
        assert_eq!(
            (mode(&place.ssh_dir()), mode(&place.file())),
            (0o700, 0o600),
            "{name}"
        );
        let (status, error) = yard.cert(&place.public()).await;
        assert_eq!((&*status, &*error), ("ok", ""), "{name}, again");
        assert_eq!(fs::read(place.file()).unwrap(), after, "{name}, again");
    }
    assert_eq!(yard.meta("web")["identity_cert_installed"], json!(true));
    // The server's own key still opens it: it is not replaced.
    assert_eq!(
        yard.meta("web")["local_cert_path"],
        json!(place.sshd.path("id"))
    );
}

#[tokio::test(flavor = "current_thread")]
async fn what_cannot_be_written_is_left_alone_and_named() {
    let Some(place) = Place::new("HOME/.ssh/authorized_keys") else {
        return;
    };
    let yard = place.yard(RunOptions::default());
    let home = place.dir.path().join("home");
    let key = place.line();
    type Make<'a> = Box<dyn Fn() + 'a>;
    let cases: Vec<(&str, Make<'_>, &str)> = vec![
        (
            "a file for a folder",
            Box::new(|| fs::write(place.ssh_dir(), "").unwrap()),
            "cannot make",
        ),
        (
            "a folder for a file",
            Box::new(|| fs::create_dir_all(place.file()).unwrap()),
            "not a regular file",
        ),
        (
            "a link to nowhere",
            Box::new(|| {
                fs::create_dir(place.ssh_dir()).unwrap();
                symlink("/nowhere/at/all", place.file()).unwrap();
            }),
            "cannot be written",
        ),
        (
            "a forced command",
            Box::new(|| {
                fs::create_dir(place.ssh_dir()).unwrap();
                fs::write(place.file(), format!("command=\"echo no\" {key}\n")).unwrap();
            }),
            "cannot run commands; nothing was added",
        ),
        (
            "another network",
            Box::new(|| {
                fs::create_dir(place.ssh_dir()).unwrap();
                fs::write(place.file(), format!("from=\"192.0.2.1\" {key}\n")).unwrap();
            }),
            "does not open the server",
        ),
    ];
    for (name, make, message) in cases {
        let _ = fs::remove_dir_all(place.ssh_dir());
        let _ = fs::remove_file(place.ssh_dir());
        make();
        let before = fs::read(place.file()).ok();
        let (status, error) = yard.cert(&place.public()).await;
        assert!(error.contains(message), "{name}: {status} {error}");
        assert_eq!(fs::read(place.file()).ok(), before, "{name}");
        assert_eq!(
            yard.meta("web").get("identity_cert_installed"),
            None,
            "{name}"
        );
    }
    fs::remove_dir_all(place.ssh_dir()).unwrap();
    let elsewhere = home.join("keys");
    fs::write(&elsewhere, format!("{OTHER}\n")).unwrap();
    fs::create_dir(place.ssh_dir()).unwrap();
    symlink("../keys", place.file()).unwrap();
    let (status, error) = yard.cert(&place.public()).await;
    assert_eq!((&*status, &*error), ("changed", ""));
    assert!(fs::symlink_metadata(place.file()).unwrap().is_symlink());
    assert_eq!(
        fs::read_to_string(elsewhere).unwrap(),
        format!("{OTHER}\n{key}\n")
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_key_that_does_not_open_the_server_is_taken_back() {
    let Some(place) = Place::new("") else { return };
    let yard = place.yard(RunOptions::default());
    let (status, error) = yard.cert(&place.public()).await;
    assert_eq!(status, "failed", "{error}");
    assert!(error.contains("alone does not open the server"), "{error}");
    assert!(error.contains("it was taken back"), "{error}");
    assert!(!place.ssh_dir().exists(), "what was made is gone again");
    fs::create_dir(place.ssh_dir()).unwrap();
    fs::write(place.file(), OTHER).unwrap();
    let (_, error) = yard.cert(&place.public()).await;
    assert!(error.contains("it was taken back"), "{error}");
    assert_eq!(fs::read_to_string(place.file()).unwrap(), OTHER);
    assert_eq!(yard.meta("web").get("identity_cert_installed"), None);
}

#[tokio::test(flavor = "current_thread")]
async fn a_password_server_becomes_a_key_server() {
    let Some(account) = Account::create() else {
        return;
    };
    let Some(sshd) = Sshd::start(
        "PasswordAuthentication yes\nAuthorizedKeysFile .ssh/authorized_keys\nStrictModes yes",
    ) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    keygen(&dir.path().join("id_new"), &["-t", "ed25519", "-N", ""]);
    let public = dir.path().join("id_new.pub");
    let row = Server::new("web", "127.0.0.1", &account.name, sshd.port);
    let yard = Yard::real(dir.path(), RunOptions::default());
    yard.add(row, &json!({}), Some(PASSWORD));
    let (status, error) = yard.cert(&public).await;
    assert_eq!((&*status, &*error), ("changed", ""));
    let file = account.home().join(".ssh/authorized_keys");
    let owner = fs::metadata(account.home()).unwrap().uid();
    assert_eq!(fs::metadata(&file).unwrap().uid(), owner);
    assert_eq!((mode(file.parent().unwrap()), mode(&file)), (0o700, 0o600));
    assert_eq!(
        yard.meta("web"),
        json!({"identity_cert_installed": true, "local_cert_path": dir.path().join("id_new")})
    );
    let written = fs::read(&file).unwrap();
    assert_eq!(yard.cert(&public).await, ("ok".to_owned(), String::new()));
    assert_eq!(fs::read(&file).unwrap(), written);
    // Without its password the server is still there for everybody who has the key.
    let store = yard.room.store().unwrap();
    let mut row = store.get("web").unwrap().unwrap();
    row.sealed_pass.clear();
    store.put(&row, None).unwrap();
    let later = Yard::real(dir.path(), RunOptions::default());
    let script = b"print(server 'web':capture 'id -un')";
    later.vm.exec(script, "=test", &[]).await.unwrap();
    assert_eq!(*later.printed.borrow(), format!("{}\n", account.name));
    later.room.close().await;
    // A file that the account itself may not write is left alone.
    fs::write(
        &file,
        format!("{OTHER}\n{}", String::from_utf8_lossy(&written)),
    )
    .unwrap();
    keygen(&dir.path().join("id_more"), &["-t", "ed25519", "-N", ""]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    let (status, error) = yard.cert(&dir.path().join("id_more.pub")).await;
    assert_eq!(status, "failed", "{error}");
    assert!(error.contains("cannot be written"), "{error}");
    assert!(fs::read_to_string(&file).unwrap().starts_with(OTHER));
    later.room.close().await;
}

#[tokio::test(flavor = "current_thread")]
async fn two_at_once_add_the_key_once() {
    let Some(place) = Place::new("HOME/.ssh/authorized_keys") else {
        return;
    };
    let yard = place.yard(RunOptions::default());
    for id in ["web-2", "web-3", "web-4"] {
        let row = Server::new(id, "127.0.0.1", user(), place.sshd.port);
        let meta = json!({"local_cert_path": place.sshd.path("id")});
        yard.add(row, &meta, None);
    }
    let options = json!({"cert": {"key": place.public()}});
    for outcome in yard.stage(&["cert"], options).await.unwrap() {
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
    }
    let line = place.line() + "\n";
    assert_eq!(fs::read_to_string(place.file()).unwrap(), line);
}
