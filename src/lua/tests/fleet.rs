//! Servers of the inventory, and work on many of them.

use super::*;
use crate::inventory::Server as Row;

fn with_servers(options: RunOptions) -> Bench {
    let bench = Bench::new(options);
    let store = bench.room.store().unwrap();
    for i in 1..=4 {
        let host = if i == 3 { "down" } else { "up" };
        let mut row = Row::new(format!("s{i}"), host, "root", 22);
        row.tags = ["all".to_owned()].into();
        store.put(&row, None).unwrap();
    }
    bench
}

fn room() -> Bench {
    with_servers(RunOptions::default())
}

#[tokio::test]
async fn a_server_and_its_row() {
    for (text, shown) in [
        (
            "local s = server 's1' return { s.id, s.host, s.user, s.port, s.tags, s.meta, s.is_retired, tostring(s), s.nothing }",
            r#"{ "s1", "up", "root", 22, { "all" }, {}, false, "s1" }"#,
        ),
        (
            "local s = server.get 's1' s:meta_set('role', { 1 }) s:meta_set { x = true, y = 'z' } return { s.meta, server('s1').meta.x }",
            r#"{ { role = { 1 }, x = true, y = "z" }, true }"#,
        ),
        (
            "local s = server 's1' s:tag('a', 'b') s:untag 'all' return { s.tags, #server.list '@a' }",
            r#"{ { "a", "b" }, 1 }"#,
        ),
        (
            "server.add { id = 'n', host = 'h', user = 'u', password = 'hunter2', tags = { 't' }, key = '~/k' } local s = server 'n' return { s.key, s.port, s.tags, server.has 'n', server.has 'm' }",
            r#"{ "~/k", 22, { "t" }, true, false }"#,
        ),
        ("return server('s1'):capture 'echo hi'", "\"hi\""),
        (
            "local c = server('s1'):connect { key = '~/k', key_only = true } local out = c:capture 'echo' c:close() return out",
            "\"\"",
        ),
    ] {
        assert_eq!(room().show(text).await, shown, "{text}");
    }
    for (text, message) in [
        ("server 's9'", "no server `s9`"),
        (
            "server.add { id = 's1', host = 'h', user = 'u' }",
            "there is a server `s1` already",
        ),
        ("server.add { id = 'x y', host = 'h', user = 'u' }", "x y"),
        (
            "server.add { id = 'x', host = 'h', user = 'u', prot = 1 }",
            "unknown option `prot`",
        ),
        ("fleet.select 'nobody*'", "nobody*"),
        ("server('s1'):meta_set(nil, 1)", "the key must be a string"),
        ("server('s3'):run 'x'", "connection refused"),
    ] {
        let error = room().fails(text).await;
        assert!(error.to_string().contains(message), "{text}: {error}");
    }
}

#[tokio::test]
async fn a_map_gives_one_outcome_each_in_order() {
    let shown = room()
        .show(
            "local n = 0
             local out = fleet.select('all'):map(function(s)
               n = n + 1
               if s.id == 's2' then s:run 'false' end
               if s.id == 's4' then s:run 'lost' end
               s:run 'soon'
               return s:capture { 'echo', s.id }
             end, { forks = 2 })
             local t = { n }
             for i, o in ipairs(out) do t[#t + 1] = { o.server, o.status, o.value, o.err and o.err.kind, type(o.duration) } end
             return t",
        )
        .await;
    for part in [
        r#"{ "s1", "ok", "s1", nil, "number" }"#,
        r#"{ "s2", "failed", nil, "exit", "number" }"#,
        r#"{ "s3", "unreachable", nil, "connect", "number" }"#,
        r#"{ "s4", "unknown", nil, "connect", "number" }"#,
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[tokio::test]
async fn what_a_fleet_can_do() {
    for (text, shown) in [
        (
            "local f = fleet.select 's1 s2' return { #f, f:ids(), f[1].id, tostring(f), #f:filter(function(s) return s.id == 's2' end) }",
            r#"{ 2, { "s1", "s2" }, "s1", "Fleet(s1 s2)", 1 }"#,
        ),
        (
            "local t = {} fleet.select('s2,s1'):each(function(s) t[#t + 1] = s:capture 'echo' .. s.id end) return t",
            r#"{ "s1", "s2" }"#,
        ),
        (
            "return fleet.select('s1'):capture('echo x', { forks = 3, timeout = 5 })[1].value",
            "\"x\"",
        ),
        (
            "return fleet.select('s1'):run('false', { check = false })[1].value.code",
            "1",
        ),
        (
            "return fleet.select('s1 s2'):test('false', { serial = 1 })[2].value",
            "false",
        ),
        (
            "local n = 0 for i, s in ipairs(fleet.select 's1 s2') do n = n + i end return n",
            "3",
        ),
        (
            "return fleet.select('all'):map(function(s) if s.id == 's1' then error { message = 'x', kind = 'docker' } end end, { forks = 1, max_fail = 0 })[4].status",
            "\"skipped\"",
        ),
    ] {
        assert_eq!(room().show(text).await, shown, "{text}");
    }
    for (text, message) in [
        (
            "fleet.select('s1'):map(function() end, { fork = 1 })",
            "`map`: unknown option `fork`",
        ),
        (
            "fleet.select('s1'):map(function() end, { serial = 'x' })",
            "`x` is neither a number nor a share",
        ),
        ("fleet.select('s1'):map(1)", "argument 1 must be a function"),
        (
            "fleet.select('s1'):fly()",
            "attempt to call a nil value (method 'fly')",
        ),
    ] {
        let error = room().fails(text).await;
        assert!(error.to_string().contains(message), "{text}: {error}");
    }
}

#[tokio::test]
async fn check_mode_predicts_or_says_that_it_cannot() {
    let bench = with_servers(RunOptions {
        check: true,
        ..RunOptions::default()
    });
    let shown = bench
        .show(
            "local out = fleet.select('s1 s2 s4'):map(function(s)
               if s.id == 's1' then return s:capture 'echo' end
               local r = s:run 'reboot'
               if s.id == 's4' then mr.try(function() return r.code end) end
             end)
             return { out[1].status, out[2].status, out[3].status }",
        )
        .await;
    assert_eq!(shown, r#"{ "ok", "changed", "unknown" }"#);
    bench
        .exec("server('s1'):meta_set('x', 1) server('s1'):tag 'y'")
        .await
        .unwrap();
    assert_eq!(
        bench
            .show("local s = server 's1' return { s.meta, s.tags }")
            .await,
        r#"{ {}, { "all" } }"#
    );
}

#[tokio::test]
async fn ctrl_c_keeps_what_is_known() {
    let bench = room();
    let cancel = bench.room.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        cancel.cancel();
    });
    bench
        .fails(
            "local out = fleet.select('s1 s2'):map(function(s)
               if s.id == 's2' then s:run 'sleep 100' end
             end)
             for _, o in ipairs(out) do print(o.server, o.status) end
             mr.sleep(1)",
        )
        .await;
    assert_eq!(*bench.printed.borrow(), "s1\tok\ns2\tcancelled\n");
}
