//! Chunks that are typed one after another.

use super::*;
use crate::fleet::Status;
use crate::lua::Shown;

impl Bench {
    /// What the REPL prints for a chunk; each outcome as `server status: value`.
    async fn reply(&self, text: &str) -> Result<Vec<String>> {
        let shown = self.vm.reply(text, ("repl", 1), 80).await?;
        let each = |s| match s {
            Shown::Text(text) => text,
            Shown::Outcomes(list) => list
                .iter()
                .map(|o| {
                    let text = o.value.as_ref().map(|v| String::from_utf8_lossy(&v.stdout));
                    format!("{} {}: {text:?}", o.server, o.status.as_str())
                })
                .collect::<Vec<_>>()
                .join("\n"),
        };
        Ok(shown.into_iter().map(each).collect())
    }
}

#[tokio::test]
async fn expressions_statements_and_what_survives() {
    let bench = bench();
    for (text, shown) in [
        ("1 + 1", &["2"][..]),
        ("_ * 2", &["4"]),
        ("x = 7", &[]),
        ("x", &["7"]),
        ("local y = 1", &[]),
        ("y", &["nil"]),
        ("_", &["7"]),
        ("1, nil, 'a'", &["1", "nil", "\"a\""]),
        ("return 5", &["5"]),
        ("-- nothing", &[]),
        ("", &[]),
        ("for _ = 1, 2 do end", &[]),
        ("function f()\n  return 3\nend", &[]),
        ("f()", &["3"]),
        ("mr.secret 'hunter2'", &["[redacted]"]),
        ("{ 'a hunter2' }", &["{ \"a [redacted]\" }"]),
    ] {
        assert_eq!(bench.reply(text).await.unwrap(), shown, "{text}");
    }
}

#[tokio::test]
async fn a_broken_chunk_says_where_and_ends_nothing() {
    let bench = bench();
    for (text, message) in [
        ("x = = 1", "repl:1: unexpected symbol near '='"),
        ("\nerror 'no'", "repl:2: no"),
        (
            "nosuch.field",
            "repl:1: attempt to index a nil value (global 'nosuch')",
        ),
    ] {
        let error = bench.reply(text).await.unwrap_err();
        assert!(error.message().starts_with(message), "{text}: {error}");
    }
    let error = bench.reply("\x1bLua").await.unwrap_err();
    assert!(error.message().contains("binary chunk"), "{error}");
    let error = bench
        .vm
        .reply("error 'no'", ("stdin", 41), 80)
        .await
        .err()
        .unwrap();
    assert_eq!(error.message(), "stdin:41: no");
    assert_eq!(bench.reply("1").await.unwrap(), ["1"]);
}

#[tokio::test]
async fn an_incomplete_chunk_goes_on() {
    let bench = bench();
    for (text, incomplete) in [
        ("for i = 1, 3 do", true),
        ("for i = 1, 3 do\nend", false),
        ("f(", true),
        ("1 +", true),
        ("x = {", true),
        ("[[", true),
        ("x =", true),
        ("return", false),
        ("x", false),
        ("x = )", false),
        ("1 + * 2", false),
        ("", false),
        ("-- for", false),
        ("end", false),
    ] {
        assert_eq!(bench.vm.is_incomplete(text), incomplete, "{text}");
    }
}

#[tokio::test]
async fn outcomes_are_recognised_and_their_values_are_plain() {
    let bench = bench();
    for id in ["a", "b"] {
        let row = crate::inventory::Server::new(id, if id == "a" { "h" } else { "down" }, "u", 22);
        bench.room.store().unwrap().put(&row, None).unwrap();
    }
    let all = "fleet.select('all')";
    for (text, shown) in [
        (
            format!("{all}:capture 'echo hi'"),
            "a ok: Some(\"hi\")\nb unreachable: None",
        ),
        (
            format!("{all}:run 'echo hi'"),
            "a ok: Some(\"hi\\n\")\nb unreachable: None",
        ),
        (
            format!("{all}:map(function(s) return {{ s:test 'false' }} end)"),
            "a ok: Some(\"{ false }\")\nb unreachable: None",
        ),
    ] {
        assert_eq!(bench.reply(&text).await.unwrap(), [shown], "{text}");
    }
}

#[tokio::test]
async fn ctrl_c_shows_the_outcomes_and_the_next_chunk_runs() {
    let bench = bench();
    for id in ["a", "b", "c"] {
        let row = crate::inventory::Server::new(id, "h", "u", 22);
        bench.room.store().unwrap().put(&row, None).unwrap();
    }
    let cancel = bench.room.cancel.clone();
    let begun = std::time::Instant::now();
    let press = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        cancel.cancel();
    };
    let (shown, ()) = tokio::join!(bench.reply("fleet.select('all'):run 'sleep 60'"), press);
    let cancelled = |id| format!("{id} {}: None", Status::Cancelled.as_str());
    assert_eq!(shown.unwrap(), [["a", "b", "c"].map(cancelled).join("\n")]);
    assert!(begun.elapsed() < std::time::Duration::from_secs(30));
    assert_eq!(
        bench.fake.running.load(std::sync::atomic::Ordering::SeqCst),
        0
    );
    bench.room.cancel.reset();
    assert_eq!(bench.reply("#_").await.unwrap(), ["3"]);
}
