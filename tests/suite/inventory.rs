//! The inventory in a real database: import, export, changes, and two writers at once.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use machineroom::error::{Error, Kind};
use machineroom::inventory::{ImportOptions, Server, Store, Summary, read_file};
use machineroom::secret::{Redactor, Secret};
use serde_json::{Value, json};

/// A store in a folder of its own.
pub struct Room {
    pub dir: tempfile::TempDir,
    pub store: Store,
}

impl Room {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        Room { dir, store }
    }

    pub fn import(&self, text: &str) -> Summary {
        let summary = self.try_import(text, &ImportOptions::default()).unwrap();
        assert!(summary.errors.is_empty(), "{:?}", summary.errors);
        summary
    }

    pub fn try_import(&self, text: &str, options: &ImportOptions) -> Result<Summary, Error> {
        self.store.import("servers.txt", text.as_bytes(), options)
    }

    pub fn get(&self, id: &str) -> Server {
        self.store.get(id).unwrap().unwrap()
    }

    pub fn password(&self, id: &str) -> String {
        let secret = self.store.password(&self.get(id)).unwrap();
        secret.map_or_else(String::new, |s| s.reveal().to_owned())
    }

    fn ids(&self) -> Vec<String> {
        self.store
            .list()
            .unwrap()
            .into_iter()
            .map(|s| s.id)
            .collect()
    }
}

pub fn open(dir: &Path) -> Store {
    Store::open(&dir.join("cache.db"), Arc::new(Redactor::new())).unwrap()
}

pub const LIST: &str = "#office--SSH--gw.example--me--tunnel-pw\n\
    web-01--10.0.0.1--root--hunter2--22\n\
    # a comment\n\
    db-01--10.0.0.2--admin------2222--/nowhere/key\n";

#[test]
fn an_import_adds_then_changes_then_changes_nothing() {
    let room = Room::new();
    let first = room.import(LIST);
    assert_eq!(first.added, ["web-01", "db-01"]);
    assert_eq!(first.tunnels, ["office"]);
    assert_eq!(
        first.warnings,
        ["servers.txt:4: key file `/nowhere/key` does not exist"]
    );
    assert!(first.is_written);
    assert_eq!(room.password("web-01"), "hunter2");
    let db = room.get("db-01");
    assert_eq!((db.port, db.key()), (2222, Some("/nowhere/key")));
    assert_eq!(db.tunnel(), Some("office"));
    let tunnel = room.store.tunnel("office").unwrap().unwrap();
    assert_eq!(tunnel.password.reveal(), "tunnel-pw");

    let bytes = fs::read(room.dir.path().join("cache.db-wal")).unwrap();
    let second = room.import(LIST);
    assert_eq!(
        (second.added.len(), second.changed.len(), second.unchanged),
        (0, 0, 2)
    );
    assert_eq!(
        fs::read(room.dir.path().join("cache.db-wal")).unwrap(),
        bytes
    );

    // What people and stages have set stays; what the file says counts.
    room.store.tag("web-01", &["edge"]).unwrap();
    room.store
        .meta_set("web-01", "docker_installed", &json!(true))
        .unwrap();
    room.store
        .update("web-01", |s| s.set("description", "front"))
        .unwrap();
    let third = room.import("web-01--10.0.0.9--root----22\nnew--h--u--pw\n");
    assert_eq!(
        (third.added, third.changed),
        (vec!["new".into()], vec!["web-01".into()])
    );
    let web = room.get("web-01");
    assert_eq!(
        (web.host.as_str(), web.description.as_deref()),
        ("10.0.0.9", Some("front"))
    );
    assert!(web.has_mark("docker_installed") && web.tags.contains("edge"));
    assert_eq!(room.password("web-01"), "");
    assert_eq!(room.ids(), ["web-01", "db-01", "new"]);
}

#[test]
fn a_bad_line_keeps_everything_out_unless_it_may_be_skipped() {
    let room = Room::new();
    let text = "web-01--h--u--pw--22\nweb-02--h--u--pw--22x\nweb-01--h--u--pw\nok--h--u--pw\n";
    let refused = room.try_import(text, &ImportOptions::default()).unwrap();
    let errors: Vec<String> = refused.errors.iter().map(Error::to_string).collect();
    assert_eq!(
        errors,
        [
            "servers.txt:2: the port is not a number",
            "servers.txt:3: id `web-01` is on line 1 already"
        ]
    );
    assert!(
        refused.errors[0]
            .hint_text()
            .unwrap()
            .contains("write the port")
    );
    assert!(!refused.is_written && room.ids().is_empty());
    let skip_bad = ImportOptions {
        skip_bad: true,
        ..Default::default()
    };
    let skipped = room.try_import(text, &skip_bad).unwrap();
    assert_eq!((skipped.errors.len(), skipped.is_written), (2, true));
    assert_eq!(room.ids(), ["web-01", "ok"]);
}

#[test]
fn check_mode_tells_and_writes_nothing() {
    let room = Room::new();
    let check = ImportOptions {
        check: true,
        ..Default::default()
    };
    let summary = room.try_import(LIST, &check).unwrap();
    assert_eq!((summary.added.len(), summary.is_written), (2, false));
    assert!(room.ids().is_empty() && room.store.tunnels().unwrap().is_empty());
    assert!(!room.dir.path().join("identity.txt").exists());
    room.import(LIST);
    let summary = room
        .try_import("web-01--10.0.0.1--root--other--22", &check)
        .unwrap();
    assert_eq!(summary.changed, ["web-01"]);
    assert_eq!(room.password("web-01"), "hunter2");
}

#[test]
fn files_that_are_no_lists_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_str().unwrap();
    for (name, message) in [
        (format!("{folder}/nothing"), "No such file"),
        (folder.to_owned(), "is a folder, not a list file"),
    ] {
        let error = read_file(&name).unwrap_err();
        assert!(error.message().contains(message), "{error}");
        assert!(error.message().contains(&name), "{error}");
        assert_eq!(error.kind(), Kind::Usage);
    }
    let room = Room::new();
    for text in ["", "\n\n", "# only a comment\n", "\u{feff}"] {
        let error = room
            .try_import(text, &ImportOptions::default())
            .unwrap_err();
        assert_eq!(
            error.message(),
            "`servers.txt`: no server in it",
            "{text:?}"
        );
    }
}

#[test]
fn changes_are_checked_and_dated() {
    let room = Room::new();
    room.import("web-01--h--u--pw\n");
    let error = room.store.meta_set("web-1", "a", &json!(1)).unwrap_err();
    assert_eq!(
        (error.message(), error.hint_text()),
        ("no server `web-1`", Some("did you mean `web-01`?"))
    );
    for (name, value) in [
        ("host", "a b"),
        ("user", ""),
        ("port", "0"),
        ("id", "x"),
        ("pass", "x"),
        ("retired", "yes"),
    ] {
        let error = room
            .store
            .update("web-01", |s| s.set(name, value))
            .unwrap_err();
        assert_eq!(error.kind(), Kind::Usage, "{name}");
    }
    let tagged = room.store.tag("web-01", &["b", "a"]).unwrap();
    assert_eq!(tagged.tags, BTreeSet::from(["a".into(), "b".into()]));
    assert!(room.store.tag("web-01", &["no good"]).is_err());
    assert_eq!(
        room.store.untag("web-01", &["a", "zz"]).unwrap().tags.len(),
        1
    );
    room.store
        .update("web-01", |s| {
            s.set("role", "edge")?;
            s.set("cores", "8")?;
            s.set("home", "/srv")
        })
        .unwrap();
    let web = room.get("web-01");
    assert_eq!(
        (web.meta["cores"].clone(), web.home()),
        (json!(8), Some("/srv"))
    );
    let times = room.store.updated_at("web-01").unwrap();
    assert_eq!(
        times.keys().collect::<Vec<_>>(),
        ["cores", "home_path", "role"]
    );
    assert!(times.values().all(|t| *t > 1_700_000_000));
    room.store.meta_set("web-01", "role", &Value::Null).unwrap();
    assert!(
        !room
            .store
            .updated_at("web-01")
            .unwrap()
            .contains_key("role")
    );
    assert!(room.store.remove("web-01").unwrap());
    assert!(!room.store.remove("web-01").unwrap());
    assert!(room.store.updated_at("web-01").unwrap().is_empty());
    let mut bad = Server::new("all", "h", "u", 22);
    assert!(room.store.put(&bad, None).is_err());
    bad.id = "fine".into();
    room.store.put(&bad, Some(&Secret::new("pw"))).unwrap();
    assert_eq!(room.password("fine"), "pw");
}

#[test]
fn two_writers_at_once_lose_nothing() {
    let room = Room::new();
    room.import("web-01--h--u--pw\n");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let dir = room.dir.path();
            scope.spawn(move || {
                let store = open(dir);
                for i in 0..25 {
                    store
                        .meta_set("web-01", &format!("k{writer}_{i}"), &json!(i))
                        .unwrap();
                }
                let list = format!("w{writer}--h--u--secret-{writer}\n");
                store
                    .import("x", list.as_bytes(), &ImportOptions::default())
                    .unwrap();
            });
        }
    });
    assert_eq!(room.get("web-01").meta.len(), 100);
    for writer in 0..4 {
        assert_eq!(
            room.password(&format!("w{writer}")),
            format!("secret-{writer}")
        );
    }
}
