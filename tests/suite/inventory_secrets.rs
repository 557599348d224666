//! Secrets at rest: nothing in the clear in any file, locked and unlocked, and never lost.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use machineroom::error::Kind;
use machineroom::inventory::{ImportOptions, Server, Store};
use machineroom::secret::{REDACTED, Redactor, Secret};

use super::inventory::{Room, open};

const PASSWORD: &str = "correct-horse-4711";

/// The files below `dir` that hold `needle`.
pub fn files_with(dir: &Path, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, needle));
        } else if fs::read(&path)
            .unwrap()
            .windows(needle.len())
            .any(|w| w == needle.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}

fn nothing_in_the_clear(room: &Room) {
    let found = files_with(room.dir.path(), PASSWORD);
    assert!(found.is_empty(), "{found:?}");
    for entry in fs::read_dir(room.dir.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
    }
}

#[test]
fn no_file_holds_a_password() {
    let room = Room::new();
    room.import(&format!(
        "#office--SSH--gw--me--{PASSWORD}\nweb-01--h--u--{PASSWORD}--22\n"
    ));
    nothing_in_the_clear(&room);
    room.store
        .set_password("web-01", &Secret::new("x"))
        .unwrap();
    room.store
        .set_password("web-01", &Secret::new(PASSWORD))
        .unwrap();
    let other = Server::new("web-02", "h", "u", 22);
    room.store
        .put(&other, Some(&Secret::new(PASSWORD)))
        .unwrap();
    nothing_in_the_clear(&room);
    let web = room.get("web-01");
    assert!(!format!("{web:?}").contains(PASSWORD));
    let secret = room.store.password(&web).unwrap().unwrap();
    assert_eq!(
        (secret.reveal(), secret.to_string().as_str()),
        (PASSWORD, REDACTED)
    );
    // The same bytes are there, so that the search above can find something.
    fs::write(room.dir.path().join("control"), PASSWORD).unwrap();
    assert_eq!(files_with(room.dir.path(), PASSWORD).len(), 1);
}

#[test]
fn an_opened_password_is_known_to_the_redactor() {
    let room = Room::new();
    room.import(&format!("web-01--h--u--{PASSWORD}--22\n"));
    let redactor = Arc::new(Redactor::new());
    let store = Store::open(&room.dir.path().join("cache.db"), redactor.clone()).unwrap();
    let text = format!("echo {PASSWORD}");
    assert_eq!(redactor.clean(&text), text);
    store.password(&room.get("web-01")).unwrap();
    assert_eq!(redactor.clean(&text), "echo [redacted]");
}

#[test]
fn lock_and_unlock() {
    let room = Room::new();
    room.import(&format!(
        "web-01--h--u--{PASSWORD}--22\nweb-02--h--u--{PASSWORD}--22\n"
    ));
    let identity = room.dir.path().join("identity.txt");
    let old = fs::read_to_string(&identity).unwrap();
    let status = room.store.secrets_status().unwrap();
    assert_eq!((status.sealed, status.is_locked()), (2, false));
    assert_eq!(status.identity_file, identity);

    let phrase = Secret::new("my passphrase");
    assert_eq!(
        room.store
            .secrets_lock(&Secret::new(""))
            .unwrap_err()
            .kind(),
        Kind::Usage
    );
    assert!(identity.exists());
    room.store.secrets_lock(&phrase).unwrap();
    assert!(!identity.exists());
    assert!(room.store.secrets_status().unwrap().is_locked());
    nothing_in_the_clear(&room);
    let secret_line = old.lines().last().unwrap();
    assert_eq!(
        files_with(room.dir.path(), secret_line),
        Vec::<String>::new()
    );

    // A new process: the list needs nothing, a password needs the passphrase.
    let store = open(room.dir.path());
    let servers = store.list().unwrap();
    let error = store.password(&servers[0]).unwrap_err();
    assert_eq!(
        (error.kind(), error.server_id()),
        (Kind::Locked, Some("web-01"))
    );
    assert!(error.hint_text().unwrap().contains("MROOM_PASSPHRASE"));
    let import = |text: &str| store.import("x", text.as_bytes(), &ImportOptions::default());
    assert_eq!(import("new--h--u--pw\n").unwrap_err().kind(), Kind::Locked);
    import("new--h--u--\n").unwrap();

    let store = open(room.dir.path());
    let asked = Rc::new(Cell::new(0));
    let count = asked.clone();
    store.ask_passphrase_with(Box::new(move || {
        count.set(count.get() + 1);
        Ok(Some(Secret::new("my passphrase")))
    }));
    store.list().unwrap();
    assert_eq!(asked.get(), 0);
    for server in &servers {
        assert_eq!(store.password(server).unwrap().unwrap().reveal(), PASSWORD);
    }
    assert_eq!(asked.get(), 1);

    let store = open(room.dir.path());
    let count = asked.clone();
    store.ask_passphrase_with(Box::new(move || {
        count.set(count.get() + 1);
        Ok(Some(Secret::new("wrong")))
    }));
    for server in &servers {
        assert_eq!(
            store.password(server).unwrap_err().message(),
            "wrong passphrase"
        );
    }
    assert_eq!(asked.get(), 2);
    assert_eq!(
        store
            .secrets_unlock(&Secret::new("wrong"))
            .unwrap_err()
            .kind(),
        Kind::Locked
    );
    assert!(!identity.exists());
    store.secrets_unlock(&phrase).unwrap();
    assert_eq!(
        store.password(&servers[0]).unwrap().unwrap().reveal(),
        PASSWORD
    );
    assert_ne!(fs::read_to_string(&identity).unwrap(), old);
    assert_eq!(
        store.secrets_unlock(&phrase).unwrap_err().kind(),
        Kind::Usage
    );
    assert_eq!(
        open(room.dir.path())
            .password(&servers[1])
            .unwrap()
            .unwrap()
            .reveal(),
        PASSWORD
    );
}

#[test]
fn a_lost_identity_file_is_named_and_nothing_is_overwritten() {
    let room = Room::new();
    room.import(&format!("web-01--h--u--{PASSWORD}--22\n"));
    let identity = room.dir.path().join("identity.txt");
    let aside = room.dir.path().join("aside");
    fs::rename(&identity, &aside).unwrap();
    let store = open(room.dir.path());
    let web = store.get("web-01").unwrap().unwrap();
    let bytes = fs::read(room.dir.path().join("cache.db")).unwrap();
    for error in [
        store.password(&web).unwrap_err(),
        store
            .set_password("web-01", &Secret::new("new"))
            .unwrap_err(),
        store.secrets_lock(&Secret::new("phrase")).unwrap_err(),
    ] {
        assert!(
            error.message().contains("identity.txt` is missing"),
            "{error}"
        );
        assert_eq!(error.kind(), Kind::Locked);
    }
    assert!(!identity.exists());
    assert_eq!(fs::read(room.dir.path().join("cache.db")).unwrap(), bytes);
    fs::rename(&aside, &identity).unwrap();
    let store = open(room.dir.path());
    assert_eq!(store.password(&web).unwrap().unwrap().reveal(), PASSWORD);
}

#[test]
fn a_password_moved_to_another_server_does_not_open() {
    let room = Room::new();
    room.import(&format!(
        "web-01--h--u--{PASSWORD}--22\nweb-02--h--u--other--22\n"
    ));
    let mut thief = room.get("web-02");
    thief.sealed_pass = room.get("web-01").sealed_pass;
    room.store.put(&thief, None).unwrap();
    let error = room.store.password(&room.get("web-02")).unwrap_err();
    assert!(error.message().contains("does not open"), "{error}");
    assert_eq!(error.server_id(), Some("web-02"));
}

#[test]
fn the_first_secrets_of_several_processes_share_one_key() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for i in 0..6 {
            let dir = dir.path();
            scope.spawn(move || {
                let store = open(dir);
                let server = Server::new(format!("web-{i}"), "h", "u", 22);
                store.put(&server, Some(&Secret::new(PASSWORD))).unwrap();
            });
        }
    });
    let store = open(dir.path());
    assert_eq!(store.secrets_status().unwrap().recipients.len(), 1);
    for server in store.list().unwrap() {
        assert_eq!(store.password(&server).unwrap().unwrap().reveal(), PASSWORD);
    }
}
