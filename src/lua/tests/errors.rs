//! What a person and a playbook see when something is wrong.

use super::*;
use crate::error::Kind;

const BOX: &str = "local s = ssh.connect { host = 'h', user = 'u' }\n";

#[tokio::test]
async fn bad_calls_name_the_place_the_call_and_the_keys() {
    for (text, message, hint) in [
        (
            "s:run('x', { timout = 1 })",
            "test.lua:2: `run`: unknown option `timout`",
            "did you mean `timeout`?",
        ),
        (
            "s:run('x', { timeout = 'soon' })",
            "`timeout` must be a number of seconds, not a string",
            "",
        ),
        (
            "s:run('x', { timeout = -1 })",
            "`run`: `timeout` is out of range",
            "",
        ),
        (
            "s:run('x', { check = 1 })",
            "`check` must be true or false, not a whole number",
            "",
        ),
        (
            "s:run('x', 1)",
            "options must be a table, not a whole number",
            "",
        ),
        (
            "s:run('x', { 'y' })",
            "unknown option `1`",
            "options of `run`: check, ",
        ),
        (
            "s:run()",
            "the command must be a string or a list, not nil",
            "",
        ),
        ("s:run({})", "an empty list is no command", ""),
        (
            "s:run({ 'a', {} })",
            "an argument must be a string or a number, not table",
            "",
        ),
        ("s:run({ 'a\\0' })", "NUL", ""),
        (
            "s:run({ 'x', mr.secret 'hunter2' })",
            "a secret in a command",
            "`stdin`",
        ),
        (
            "s:run('x', { env = { ['a b'] = 1 } })",
            "`a b` is not the name of a variable",
            "",
        ),
        (
            "s:write('f', 1)",
            "the content must be a string or a secret",
            "",
        ),
        ("s:write('f', 'x', { mode = '9' })", "octal", ""),
        ("s.run('x')", "the value before the verb", "colon"),
        (
            "s:read({})",
            "`Ssh:read`: argument 1 must be a string, not table",
            "",
        ),
        ("s:upload('/nowhere/at/all', 'x')", "no such local file", ""),
        (
            "ssh.connect { user = 'u' }",
            "`ssh.connect`: `host` is missing",
            "",
        ),
        (
            "ssh.connect { host = 'h', port = 65536 }",
            "`port` must be from 1 to 65535",
            "",
        ),
        (
            "mr.retry(error, { tires = 1 })",
            "`mr.retry`: unknown option `tires`",
            "backoff, delay, tries",
        ),
        ("mr.sleep(-1)", "out of range", ""),
        ("mr.sleep(0/0)", "out of range", ""),
        ("mr.json.decode('{')", "`json.decode`: ", ""),
        ("mr.json.encode(mr.secret 'hunter2')", "`json.encode`: ", ""),
        (
            "mr.template('a\\n{{ x.y }}', { x = {} })",
            "template line 2: `x.y` is not defined",
            "",
        ),
        (
            "mr.template('{{ x')",
            "template line 1: unexpected end of input",
            "",
        ),
        ("mr.env 'MROOM_NOT_SET_ANYWHERE'", "is not set", ""),
        ("mr.fail('no', { hint = 'do this' })", "no", "do this"),
        ("error('plain')", "test.lua:2: plain", ""),
        ("error({ kind = 'timeout', message = 'slow' })", "slow", ""),
        ("error()", "a nil was raised", ""),
        (
            "local x = nil; x.y = 1",
            "test.lua:2: attempt to index a nil value",
            "",
        ),
        (
            "require 'stages.unheard'",
            "there is no module `stages.unheard`",
            "bundled/stages/unheard.lua",
        ),
        (
            "require '../../etc/passwd'",
            "is not the name of a Lua module",
            "",
        ),
        (
            "table.sort({ 2, 1 }, function(a, b) s:run 'soon'; return a < b end)",
            "attempt to yield",
            "table.sort",
        ),
        (
            ";('x'):gsub('x', function() s:run 'soon' end)",
            "attempt to yield",
            "string.gsub",
        ),
        (
            "ssh.connect { host = 'down', user = 'u' }",
            "connection refused",
            "",
        ),
        ("load('\\27Lua')()", "", ""),
    ] {
        let error = bench().fails(&format!("{BOX}{text}")).await;
        assert!(error.message().contains(message), "{text}\n{error}");
        let shown = error.hint_text().unwrap_or_default();
        assert!(shown.contains(hint), "{text}\n{error}\n{shown}");
        assert!(!format!("{error}{shown}").contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn a_syntax_error_names_its_line() {
    let error = bench().fails("x = 1\nif x then").await;
    assert_eq!(error.kind(), Kind::Script);
    assert!(
        error.message().starts_with("test.lua:2: 'end' expected"),
        "{error}"
    );
    let error = bench().fails("\u{1b}Lua").await;
    assert!(
        error.message().contains("test.lua: this is compiled Lua"),
        "{error}"
    );
}

#[tokio::test]
async fn a_bad_exit_raises_with_everything_and_the_traceback_is_apart() {
    let error = bench()
        .fails(&format!("{BOX}local function f() s:run 'false' end\nf()"))
        .await;
    assert_eq!((error.kind(), error.server_id()), (Kind::Exit, Some("u@h")));
    assert_eq!(error.message(), "command exited with 1");
    assert_eq!(error.remote_command(), Some("false"));
    assert_eq!(error.remote_output().unwrap().stderr, b"no luck\n");
    let trace = error.lua_traceback().unwrap();
    assert!(trace.contains("test.lua:2: in"), "{trace}");
    assert!(!trace.contains("mlua") && !trace.contains("[C]"), "{trace}");
}

#[tokio::test]
async fn try_and_pcall_give_the_err_table_and_raising_it_again_loses_nothing() {
    let bench = bench();
    let shown = bench
        .show(&format!("{BOX}local v, e = mr.try(s.run, s, 'false')
            return {{ v == nil, e.kind, e.message, e.server, e.command, e.code, e.stderr, tostring(e) }}"))
        .await;
    for part in [
        "true",
        "\"exit\"",
        "\"u@h\"",
        "\"false\"",
        "1",
        "no luck",
        "u@h: command exited",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let error = bench
        .fails(&format!("{BOX}local ok, e = pcall(s.run, s, 'lost')\nassert(not ok and e.kind == 'connect'); error(e)"))
        .await;
    assert_eq!((error.kind(), error.server_id()), (Kind::Lost, Some("u@h")));
    assert_eq!(
        bench.show("return { pcall(error, 'text', 0) }").await,
        "{ false, \"text\" }"
    );
    assert_eq!(
        bench
            .show("return { mr.try(function() return 1, 2 end) }")
            .await,
        "{ 1, 2 }"
    );
    let shown = bench
        .show("return { xpcall(function() mr.sleep(-1) end, function(e) return e.kind end) }")
        .await;
    assert_eq!(shown, "{ false, \"usage\" }");
}

#[tokio::test]
async fn what_an_err_table_says_when_it_is_raised_is_reported() {
    let raised = |change: &str| {
        let text = format!("{BOX}local _, e = mr.try(s.run, s, 'false')\n{change}\nerror(e)");
        async move { bench().fails(&text).await }
    };
    let error = raised("e.message, e.hint = 'it is not up', 'start it'").await;
    assert_eq!(error.message(), "it is not up");
    assert_eq!(error.hint_text(), Some("start it"));
    assert_eq!((error.kind(), error.server_id()), (Kind::Exit, Some("u@h")));
    assert_eq!(error.remote_output().unwrap().stderr, b"no luck\n");
    assert!(error.lua_traceback().unwrap().contains("test.lua:2: in"));
    let error = raised(
        "e.kind, e.server, e.command, e.code, e.stderr = 'docker', 'web', nil, 3, 'b\\xffd'",
    )
    .await;
    assert_eq!(
        (error.kind(), error.server_id()),
        (Kind::Docker, Some("web"))
    );
    assert_eq!(error.remote_command(), None);
    let output = error.remote_output().unwrap();
    assert_eq!((output.code, &output.stderr[..]), (Some(3), &b"b\xffd"[..]));
    // What Lua code makes itself, and what it makes wrong.
    for (table, code, stderr) in [
        (
            "{ kind = 'exit', message = 'm', code = 7, stderr = 'why' }",
            Some(7),
            "why",
        ),
        (
            "{ kind = 'exit', message = 'm', stderr = 'why' }",
            None,
            "why",
        ),
        ("{ message = 'm', code = 1 << 40, stderr = {} }", None, ""),
        ("{ message = 'm', code = 1.5, stderr = 'why' }", None, "why"),
    ] {
        let error = bench().fails(&format!("error({table})")).await;
        let output = error.remote_output().unwrap();
        assert_eq!(output.code, code, "{table}");
        assert_eq!(output.stderr, stderr.as_bytes(), "{table}");
    }
    let error = bench().fails("error({ message = 'm', code = 'x' })").await;
    assert!(error.remote_output().is_none());
    let shown = bench()
        .show(&format!(
            "{BOX}local _, e = mr.try(s.run, s, 'false') e.message = 'so' return tostring(e)"
        ))
        .await;
    assert_eq!(shown, "\"u@h: so\"");
}

#[tokio::test]
async fn os_exit_ends_the_script_with_its_code() {
    let bench = bench();
    bench.fails("os.exit(7)").await;
    assert_eq!(bench.vm.exit_code(), Some(7));
}
