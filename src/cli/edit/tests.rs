//! Documents: what is written is read as the same, and mistakes are named.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::document::write;
use super::reading::read;
use crate::inventory::Server;

fn server() -> Server {
    let mut server = Server::new("web-01", "10.0.0.1", "root", 2222);
    server.description = Some("two\nlines \"quoted\"".into());
    server.tags = ["edge".to_owned(), "web".to_owned()].into();
    for (key, value) in [
        ("zone", json!("a")),
        ("local_cert_path", json!("~/.ssh/id")),
        ("ports", json!([22, 80])),
        (
            "nested",
            json!({"b": {"c d": 1.5}, "a": [true, {"x": "y"}]}),
        ),
        ("hole", json!({"n": null})),
        ("huge", json!(u64::MAX)),
        ("retired", json!(true)),
    ] {
        server.set_meta(key, value);
    }
    server.next_action = json!({"todo": [1]});
    server
}

#[test]
fn the_document_of_a_server() {
    let text = write(&[server()]);
    let (_, body) = text.split_once("\n[web-01]\n").unwrap();
    assert_eq!(
        body,
        r#"host = "10.0.0.1"
user = "root"
port = 2222
key = "~/.ssh/id"
description = "two\nlines \"quoted\""
tags = ["edge", "web"]
tunnel = ""
home = ""
retired = true
next_action_json = "{\"todo\":[1]}"

[web-01.meta]
zone = "a"
ports = [22, 80]
nested = { b = { "c d" = 1.5 }, a = [true, { x = "y" }] }

# As JSON: TOML cannot hold these.
[web-01.meta_json]
hole = "{\"n\":null}"
huge = "18446744073709551615"
"#
    );
    assert_eq!(read(&text, &[server()]).unwrap(), [server()]);
}

#[test]
fn an_edit_changes_what_it_says_and_keeps_the_order_of_the_rest() {
    let other = Server::new("10.0.0.2", "h", "u", 22);
    let servers = [server(), other];
    let text = write(&servers)
        .replace("port = 2222", "port = 22")
        .replace("tags = [\"edge\", \"web\"]\n", "")
        .replace("retired = true", "retired = false")
        .replace("zone = \"a\"", "added = 2026-01-31\nzone = 'b'")
        .replace("hole = ", "# hole = ")
        .replace("next_action_json", "# next_action_json");
    let edited = read(&text, &servers).unwrap();
    assert_eq!(edited[1], servers[1]);
    let web = &edited[0];
    assert_eq!((web.port, web.tags.len()), (22, 0));
    assert_eq!(web.next_action, json!({}));
    let keys: Vec<&String> = web.meta.keys().collect();
    assert_eq!(
        keys,
        [
            "zone",
            "local_cert_path",
            "ports",
            "nested",
            "huge",
            "added"
        ]
    );
    assert_eq!(
        (&web.meta["zone"], &web.meta["added"]),
        (&json!("b"), &json!("2026-01-31"))
    );
}

#[test]
fn mistakes_are_named() {
    let servers = [server()];
    let text = write(&servers);
    for (from, to, message) in [
        ("port = 2222", "port = = 2", "line 19: "),
        (
            "port = 2222",
            "port = 0",
            "`web-01`: the port must be from 1 to 65535",
        ),
        (
            "port = 2222",
            "port = 'x'",
            "`web-01`: `port` must be a number from 1 to 65535",
        ),
        (
            "port = 2222",
            "",
            "`web-01`: `port` must be a number from 1 to 65535",
        ),
        ("port = 2222", "prot = 2", "`web-01`: unknown field `prot`"),
        (
            "host = \"10.0.0.1\"",
            "host = \"a b\"",
            "`web-01`: the host holds a space",
        ),
        ("host = \"10.0.0.1\"", "", "`web-01`: no host"),
        (
            "user = \"root\"",
            "user = 1",
            "`web-01`: `user` must be a text",
        ),
        (
            "tags = [\"edge\"",
            "tags = [\"a b\"",
            "`web-01`: tag `a b` holds a space",
        ),
        (
            "tags = [\"edge\"",
            "tags = [1",
            "`web-01`: `tags` must be a list of texts",
        ),
        (
            "retired = true",
            "retired = 1",
            "`web-01`: `retired` must be true or false",
        ),
        (
            "zone = \"a\"",
            "local_cert_path = 'x'",
            "`web-01`: `local_cert_path` in `meta` is `key` above",
        ),
        (
            "zone = \"a\"",
            "'a b' = 1",
            "`web-01`: key `a b` holds a space",
        ),
        (
            "zone = \"a\"",
            "zone = nan",
            "`web-01`: `zone` must be a finite number",
        ),
        (
            "zone = \"a\"",
            "huge = 1",
            "`web-01`: `huge` is in `meta` and in `meta_json`",
        ),
        (
            "hole = \"{",
            "hole = \"",
            "`web-01`: `hole` must be JSON in a text",
        ),
        (
            "[web-01]",
            "[web-1]",
            "`web-1` is not one of the servers here",
        ),
        (
            "[web-01",
            "[web-02",
            "`web-02` is not one of the servers here",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let error = read(&text.replace(from, to), &servers).unwrap_err();
        assert!(error.message().starts_with(message), "{to}: {error}");
        assert_eq!(error.kind().exit_code(), 2);
    }
    let error = read("# nothing", &servers).unwrap_err();
    assert_eq!(error.message(), "the table of `web-01` is gone");
    assert_eq!(
        read("web-01 = 1", &servers).unwrap_err().message(),
        "`web-01` must be a table"
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("\\PC{0,5}|\\x7f", inner, 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_server_survives_its_document(
        id in "[a-z0-9.:é/_-]{1,8}",
        host in "\\PC{0,10}",
        port in any::<u16>(),
        description in proptest::option::of("(?s).{1,10}"),
        meta in proptest::collection::vec(("[a-z.]{1,6}|\\PC{1,4}|retired|home_path", any_json()), 0..5),
        next in any_json(),
    ) {
        let mut server = Server::new(id, host, "root", port);
        server.description = description;
        server.meta = meta.into_iter().collect();
        server.next_action = next;
        let servers = [server, Server::new("another one", "h", "u", 22)];
        let edited = read(&write(&servers), &servers);
        prop_assert_eq!(edited.unwrap(), servers);
    }

    #[test]
    fn any_text_is_read(text in "(\\[web-01(\\.meta)?\\]\n|[a-z]{1,5} = [0-9\"'a-c]{0,4}\n|.{0,6}\n){0,8}") {
        let _ = read(&text, &[server()]);
    }
}
