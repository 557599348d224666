use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn room() -> Vec<Server> {
    let mut servers: Vec<Server> = ["web-01", "web-02", "web-10", "db-01", "old-01", "a=b"]
        .iter()
        .enumerate()
        .map(|(i, id)| Server::new(*id, format!("10.0.0.{i}"), "root", 22))
        .collect();
    servers[0].tags.insert("edge".into());
    servers[3].tags.insert("data".into());
    servers[3].user = "postgres".into();
    for (i, key, value) in [
        (0, "docker_installed", json!(true)),
        (0, "ports", json!([22, 80])),
        (1, "docker_installed", json!("true")),
        (3, "role", json!("primary")),
        (4, "retired", json!(true)),
    ] {
        servers[i].set_meta(key, value);
    }
    servers
}

fn read(source: &Source) -> Result<Vec<u8>> {
    match source {
        Source::Stdin => Ok(b"db-01\n".to_vec()),
        Source::File(path) if path == Path::new("./ids") => {
            Ok(b"\xef\xbb\xbf# mine\r\nold-01\r\n\r\n web-10 \r\n".to_vec())
        }
        Source::File(path) if path == Path::new("./typo") => Ok(b"web-01\nweb-20\n".to_vec()),
        Source::File(path) if path == Path::new("./binary") => Ok(vec![0xff, 0xfe]),
        Source::File(_) => Ok(Vec::new()),
    }
}

fn select(pattern: &str, how: Selection) -> Result<String> {
    let found = Pattern::parse(pattern)?.evaluate(&room(), how, &mut read)?;
    Ok(found
        .into_iter()
        .map(|s| s.id)
        .collect::<Vec<_>>()
        .join(" "))
}

#[test]
fn table() {
    for (pattern, ids) in [
        ("all", "web-01 web-02 web-10 db-01 a=b"),
        ("*", "web-01 web-02 web-10 db-01 a=b"),
        ("web-01", "web-01"),
        ("db-01,web-01", "web-01 db-01"),
        ("db-01 , web-01", "web-01 db-01"),
        ("web*", "web-01 web-02 web-10"),
        ("web-[01-09]", "web-01 web-02"),
        ("web-[01,10]", "web-01 web-10"),
        ("web-?1", "web-01"),
        ("web* !web-02", "web-01 web-10"),
        ("!web-02 web*", "web-01 web-10"),
        ("all !@edge !@data", "web-02 web-10 a=b"),
        ("web* &@edge", "web-01"),
        ("all,&docker_installed=true", "web-01 web-02"),
        ("docker_installed=false &web*", "web-10"),
        ("role=", "web-01 web-02 web-10 a=b"),
        ("role=prim*", "db-01"),
        ("ports=80", "web-01"),
        ("user=postgres", "db-01"),
        ("host=10.0.0.[1-2]", "web-02 web-10"),
        ("port=22 &id=d*", "db-01"),
        ("@e*", "web-01"),
        ("old-01", "old-01"),
        ("retired=true", "old-01"),
        ("all &retired=false", "web-01 web-02 web-10 db-01 a=b"),
        ("web-01 old*", "web-01"),
        ("@./ids", "web-10 old-01"),
        ("all !@./ids", "web-01 web-02 db-01 a=b"),
        ("-", "db-01"),
        ("a=b", "a=b"),
    ] {
        let found = select(pattern, Selection::default());
        assert_eq!(found.unwrap_or_else(|e| e.to_string()), ids, "{pattern}");
    }
    let how = Selection { retired: true };
    assert_eq!(select("old* !db*", how).unwrap(), "old-01");
}

#[test]
fn bad_patterns() {
    for (pattern, message, hint) in [
        ("", "the pattern is empty", "`all` selects every server"),
        (" , ", "the pattern is empty", ""),
        (
            "!web-01",
            "pattern `!web-01` only takes servers away",
            "write `all !web-01`",
        ),
        ("&@edge", "pattern `&@edge` only takes servers away", ""),
        ("web-1", "no server `web-1`", "did you mean `web-01`?"),
        (
            "web-01 nosuchthing",
            "no server `nosuchthing`",
            "`mroom ls` lists",
        ),
        ("all !web-1", "no server `web-1`", "did you mean"),
        ("wbe*", "pattern `wbe*` matches no server", ""),
        (
            "@egde",
            "pattern `@egde` matches no server",
            "did you mean `@edge`?",
        ),
        (
            "old*",
            "pattern `old*` matches no server",
            "1 retired left out",
        ),
        ("web* !web*", "pattern `web* !web*` matches no server", ""),
        ("web-[01", "`web-[01` has a `[` without its `]`", ""),
        ("all !", "`!` and `&` need a word", ""),
        ("@", "`@` needs a tag or a path", ""),
        ("=x", "`=x` has no key", ""),
        ("@./typo", "./typo:2: no server `web-20`", "did you mean"),
        ("@./empty", "pattern `@./empty` matches no server", ""),
        ("@./binary", "`./binary`: not valid UTF-8", ""),
    ] {
        let error = select(pattern, Selection::default()).unwrap_err();
        assert!(error.message().starts_with(message), "{pattern}: {error}");
        let given = error.hint_text().unwrap_or_default();
        assert!(given.starts_with(hint), "{pattern}: {given}");
        assert_eq!(error.kind().exit_code(), 2, "{pattern}");
    }
    let error = Pattern::parse("all").unwrap();
    let error = error
        .evaluate(&[], Selection::default(), &mut read)
        .unwrap_err();
    assert!(error.hint_text().unwrap().contains("empty"));
}

proptest! {
    #[test]
    fn never_panics(text in any::<String>()) {
        if let Ok(pattern) = Pattern::parse(&text) {
            let _ = pattern.evaluate(&room(), Selection::default(), &mut read);
        }
    }

    #[test]
    fn likely_text_never_panics(text in r"[!&@=a-z0-9\[\],* /.~-]{0,16}") {
        if let Ok(pattern) = Pattern::parse(&text) {
            let _ = pattern.evaluate(&room(), Selection::default(), &mut read);
        }
    }

    #[test]
    fn what_is_taken_away_is_not_there(pattern in "(web\\*|all|@edge|db-01)", not in "(web-01|db\\*|@data)") {
        let both = format!("{pattern} !{not}");
        let without = select(&both, Selection::default()).unwrap_or_default();
        let taken = select(&not, Selection::default()).unwrap();
        for id in taken.split(' ') {
            prop_assert!(!without.split(' ').any(|x| x == id), "{both}: {without}");
        }
    }
}

#[test]
fn a_list_file_stands_for_its_servers() {
    let servers =
        ["web-01", "web-02", "a--b--c", "old.txt"].map(|id| Server::new(id, "h", "u", 22));
    let select = |pattern: &str, text: &str| {
        let mut read = |_: &Source| Ok(text.as_bytes().to_vec());
        let found = Pattern::parse(pattern)?.evaluate(&servers, Selection::default(), &mut read)?;
        Ok::<_, Error>(
            found
                .into_iter()
                .map(|s| s.id)
                .collect::<Vec<_>>()
                .join(" "),
        )
    };
    let list = "#office--SSH--h--u--p\nweb-01--10.0.0.1--root--secret--22\n\n web-02----h----u\n";
    for (pattern, text, ids) in [
        (
            "servers.txt",
            "web-01--10.0.0.1--root--secret--22\n",
            "web-01",
        ),
        ("./servers", "web-02——h——u——", "web-02"),
        ("@/lists/all.list", list, "web-01 web-02"),
        ("servers.txt !web-01", list, "web-02"),
        // An id is an id, whatever it looks like.
        ("ids.txt", "a--b--c\n", "a--b--c"),
        ("old.txt", "web-01", "old.txt"),
    ] {
        assert_eq!(select(pattern, text).unwrap(), ids, "{pattern}");
    }
    let error = select("lists/a.txt", "web-01\nweb-99--h--u--p").unwrap_err();
    assert!(
        error
            .message()
            .starts_with("lists/a.txt:2: no server `web-99`"),
        "{error}"
    );
    assert_eq!(
        error.hint_text(),
        Some("`mroom import lists/a.txt` brings them in")
    );
    assert!(select("nothing.txt", "# all gone").is_err());
}
