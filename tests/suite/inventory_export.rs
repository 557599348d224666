//! Export, and import of what was exported.

use machineroom::inventory::{ImportOptions, Selection, Server};
use machineroom::secret::Secret;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::inventory::{LIST, Room};

#[test]
fn bad_json_lines_are_named() {
    let room = Room::new();
    for (text, message) in [
        (
            r#"{"id":"#,
            "servers.txt:1: not a JSON object on one line (column 6)",
        ),
        (r#"{"host":"h"}"#, "servers.txt:1: no `id`"),
        (r#"{"id":"a"}"#, "servers.txt:1: no host"),
        (r#"{"id":"a","host":"h"}"#, "servers.txt:1: no user"),
        (
            r#"{"id":"a","host":"h","user":"u","prot":1}"#,
            "servers.txt:1: unknown key `prot`",
        ),
        (
            r#"{"id":"a","host":"h","user":"u","port":0}"#,
            "servers.txt:1: the port must be from 1 to 65535",
        ),
        (
            r#"{"id":"a","host":"h","user":"u","port":65536}"#,
            "servers.txt:1: `port` must be a number from 1 to 65535",
        ),
        (
            r#"{"id":"a b","host":"h","user":"u"}"#,
            "servers.txt:1: id `a b` holds a space",
        ),
        (
            r#"{"id":"a","host":1,"user":"u"}"#,
            "servers.txt:1: `host` must be a text",
        ),
        (
            r#"{"id":"a","host":"h","user":"u","tags":["x y"]}"#,
            "servers.txt:1: tag `x y` holds a space",
        ),
        (
            r#"{"id":"a","host":"h","user":"u","meta":[]}"#,
            "servers.txt:1: `meta` must be an object",
        ),
        (
            "{\"id\":\"a\",\"host\":\"h\",\"user\":\"u\"}\n[]",
            "servers.txt:2: not a JSON object",
        ),
        (
            r#"{"tunnel_profile":{"name":"x","type":"y","server":"s"}}"#,
            "servers.txt:1: `type` must be one of L2TP/IPsec",
        ),
    ] {
        let summary = room.try_import(text, &ImportOptions::default()).unwrap();
        let error = summary.errors.first().unwrap().to_string();
        assert!(error.starts_with(message), "{text}: {error}");
        assert!(!summary.is_written);
    }
}

#[test]
fn json_is_lossless() {
    let room = Room::new();
    room.import(LIST);
    room.store.tag("web-01", &["edge", "eu"]).unwrap();
    for (key, value) in [
        ("ports", json!([22, 80])),
        ("retired", json!(true)),
        ("custom_cert_ops", json!(true)),
        ("odd key's", json!({"deep": [null, 1.5, "ü\n"]})),
    ] {
        room.store
            .meta_set("web-01", &key.replace(' ', "_"), &value)
            .unwrap();
    }
    room.store
        .update("db-01", |s| {
            s.next_action = json!({"df_management": 1_700_000_000});
            s.set("description", "a--b\nc")
        })
        .unwrap();
    let text = room.store.export_json(&room.store.list().unwrap()).unwrap();
    let keys: Vec<String> = text.reveal().lines().nth(1).map_or_else(Vec::new, |line| {
        let value: Value = serde_json::from_str(line).unwrap();
        value.as_object().unwrap().keys().cloned().collect()
    });
    assert_eq!(keys[..4], ["id", "host", "user", "port"]);
    let copy = Room::new();
    copy.import(text.reveal());
    let again = copy.store.export_json(&copy.store.list().unwrap()).unwrap();
    assert_eq!(again.reveal(), text.reveal());
    assert_eq!(copy.password("web-01"), "hunter2");
    assert_eq!(
        copy.store.updated_at("web-01").unwrap(),
        room.store.updated_at("web-01").unwrap()
    );
    let same = copy.import(text.reveal());
    assert_eq!((same.unchanged, same.changed.len()), (2, 0));
    // A line that says little changes little.
    copy.import(r#"{"id":"web-01","port":2200,"retired":false,"key":"~/k"}"#);
    let web = copy.get("web-01");
    assert_eq!(
        (web.port, web.is_retired(), web.key()),
        (2200, false, Some("~/k"))
    );
    assert_eq!(web.tags.len(), 2);
    assert_eq!(copy.password("web-01"), "hunter2");
}

#[test]
fn export_to_the_list_format_reads_back_or_names_what_it_cannot_carry() {
    let room = Room::new();
    room.import(LIST);
    let text = room.store.export_list(&room.store.list().unwrap()).unwrap();
    assert_eq!(
        text.reveal(),
        "#office--SSH--gw.example--me--tunnel-pw\n\
         web-01--10.0.0.1--root--hunter2--22\n\
         db-01--10.0.0.2--admin----2222--/nowhere/key\n"
    );
    assert_eq!(room.import(text.reveal()).unchanged, 2);
    room.import("free--h--u--pw\n");
    let error = room
        .store
        .export_list(&room.store.list().unwrap())
        .unwrap_err();
    assert_eq!(
        error.message(),
        "the list format cannot carry `web-01`, `db-01`"
    );
    assert!(error.hint_text().unwrap().contains("--json"));
    let free = room.store.select("free", Selection::default()).unwrap();
    room.store
        .set_password("free", &Secret::new("ends with a space "))
        .unwrap();
    assert_eq!(
        room.store.export_list(&free).unwrap().reveal(),
        "free--h--u--pw--22\n"
    );
    let error = room.store.export_list(&[room.get("free")]).unwrap_err();
    assert_eq!(error.message(), "the list format cannot carry `free`");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    /// Whatever is stored comes back the same through the list format, or is refused by name.
    #[test]
    fn a_room_comes_back_from_its_list(
        rows in proptest::collection::btree_map(
            "[a-z][a-z0-9-]{0,6}[a-z]",
            ("[a-z0-9.]{1,8}", "[a-z]{1,5}", "[ -~]{0,9}", 1u16.., proptest::option::of("[/~.][!-~]{0,8}")),
            1..8,
        )
    ) {
        let room = Room::new();
        for (id, (host, user, password, port, key)) in &rows {
            prop_assume!(!id.contains("--") && id != "all");
            let mut server = Server::new(id, host, user, *port);
            if let Some(key) = key {
                server.set_meta("local_cert_path", json!(key));
            }
            room.store.put(&server, Some(&Secret::new(password.as_str()))).unwrap();
        }
        match room.store.export_list(&room.store.list().unwrap()) {
            Err(e) => prop_assert!(rows.keys().any(|id| e.message().contains(id))),
            Ok(text) => {
                prop_assert_eq!(room.import(text.reveal()).unchanged, rows.len());
                let copy = Room::new();
                copy.import(text.reveal());
                let again = copy.store.export_list(&copy.store.list().unwrap()).unwrap();
                prop_assert_eq!(again.reveal(), text.reveal());
            }
        }
    }
}
