//! The verbs, and the helpers of `mr`.

use super::*;
use crate::fleet::RunOptions;

const BOX: &str = "local s = ssh.connect { host = 'h', user = 'u' }\n";

#[tokio::test]
async fn verbs_on_a_server() {
    for (text, shown) in [
        (
            "local r = s:run 'echo hi' return { r.ok, r.code, r.stdout, r.stderr, r.server, r.command, r.truncated }",
            r#"{ true, 0, "hi\n", "", "u@h", "echo hi", false }"#,
        ),
        ("return s:run('false', { check = false }).code", "1"),
        (
            "return { s:test 'false', s:test 'echo' }",
            "{ false, true }",
        ),
        ("return s:capture 'echo  hi '", "\"hi\""),
        (
            "return s:capture { 'echo', 'a b', \"it's\", 3 }",
            r#""'a b' 'it'\\''s' 3""#,
        ),
        ("return s:capture('cat', { stdin = 'in' })", "\"in\""),
        (
            "return s:capture('cat', { stdin = mr.secret 'hunter2' }) == 'hunter2'",
            "true",
        ),
        (
            "local r = s:script('echo $1', { args = { 'a b' } }) return { r.command, r.stdout }",
            r#"{ "sh -s -- 'a b'", "echo $1" }"#,
        ),
        (
            "s:write('~/f', 'text') return { s:read 'f', tostring(s), type(s) }",
            r#"{ "text", "u@h", "userdata" }"#,
        ),
        (
            "s:write('f', 'a\\0\\255') return s:read 'f' == 'a\\0\\255'",
            "true",
        ),
    ] {
        assert_eq!(bench().show(&format!("{BOX}{text}")).await, shown, "{text}");
    }
    let bench = bench();
    bench
        .exec(&format!(
            "{BOX}s:run('echo', {{ cwd = '/a b', env = {{ K = \"v'\" }} }})"
        ))
        .await
        .unwrap();
    let calls = bench.fake.calls.lock().unwrap().clone();
    assert_eq!(calls, ["cd '/a b' || exit\nexport K='v'\\'''\necho"]);
}

#[tokio::test]
async fn check_mode_withholds_and_does_not_guess() {
    let options = || RunOptions {
        check: true,
        ..RunOptions::default()
    };
    let bench = Bench::new(options());
    bench
        .exec(&format!(
            "{BOX}s:run 'echo 1' s:write('f', 'x') s:script 'rm' s:capture 'echo 2' s:test 'false'"
        ))
        .await
        .unwrap();
    assert_eq!(*bench.fake.calls.lock().unwrap(), ["echo 2", "false"]);
    assert!(bench.fake.files.lock().unwrap().is_empty());
    for key in ["ok", "code", "stdout", "stderr", "signal", "duration"] {
        let error = Bench::new(options())
            .fails(&format!("{BOX}return s:run('x').{key}"))
            .await;
        assert_eq!(error.kind(), crate::error::Kind::Unpredicted, "{key}");
    }
}

#[tokio::test]
async fn secrets_do_not_show() {
    let bench = bench();
    bench
        .exec("local s = mr.secret 'hunter2' print(s, 'a' .. s, mr.inspect { s }, 'hunter2') io.write('hunter2\\n') assert(s == mr.secret 'hunter2')")
        .await
        .unwrap();
    let printed = bench.printed.borrow().clone();
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(
        printed.starts_with("[redacted]\t[redacted]\t{ [redacted] }\t[redacted]\n[redacted]"),
        "{printed}"
    );
}

#[tokio::test]
async fn helpers() {
    for (text, shown) in [
        ("return mr.text.trim '  a b \\n'", "\"a b\""),
        (
            "return mr.text.lines 'a\\r\\n\\nb\\n'",
            r#"{ "a", "", "b" }"#,
        ),
        ("return mr.text.lines ''", "{}"),
        (
            "return { mr.text.split('a,b,,c', ','), mr.text.split ' a  b ' }",
            r#"{ { "a", "b", "", "c" }, { "a", "b" } }"#,
        ),
        (
            "return mr.text.dedent [[\n    a\n      b\n    ]]",
            "[[\na\n  b\n]]",
        ),
        ("return mr.text.indent('a\\nb', 1)", "[[\n a\n b]]"),
        (
            "return mr.text.pairs 'a=1\\nnoise\\nb=x=y'",
            r#"{ a = "1", b = "x=y" }"#,
        ),
        (
            "return mr.template('{{ a }}-{{b.c}}', { a = 1, b = { c = 'x' } })",
            r#""1-x""#,
        ),
        (
            "return mr.json.decode(mr.json.encode { a = { 1, 2 }, b = 'x' })",
            r#"{ a = { 1, 2 }, b = "x" }"#,
        ),
        ("return mr.json.encode(mr.json.decode '[]')", "\"[]\""),
        ("return mr.quote { 'a b', 'c' }", "\"'a b' c\""),
        (
            "local n = 0 return { mr.retry(function() n = n + 1 if n < 3 then error('x') end return n end, { delay = 0 }) }",
            "{ 3 }",
        ),
        (
            "local _, e = mr.try(mr.retry, function() error('always') end, { delay = 0, tries = 2 }) return e.message:match 'always'",
            "\"always\"",
        ),
        (
            "local n = 0 return mr.wait(function() n = n + 1 return n > 2 and n end, { every = 0.001 })",
            "3",
        ),
        (
            "local _, e = mr.try(mr.wait, function() end, { every = 0.001, timeout = 0.002, what = 'it' }) return { e.kind, e.message }",
            r#"{ "timeout", "it did not come within 0.002 s" }"#,
        ),
        (
            "return mr.table({ { id = 'a', n = 1 }, { id = 'bü', n = 22, x = { 1 } } })",
            "[[\nID  N   X\na   1\nbü  22  { 1 }]]",
        ),
        (
            "return mr.table({ { a = 1, b = 2 } }, { columns = { 'b' } })",
            "[[\nB\n2]]",
        ),
        (
            "return { mr.config.forks, mr.config.commands.docker, mr.check, mr.env('NOT_SET_X', 'd') }",
            r#"{ 32, "docker", false, "d" }"#,
        ),
        ("local t = {} t.t = t return t", "{ t = <cycle> }"),
        (
            "return { [1] = 'a', ['b c'] = 1, [true] = {} }",
            r#"{ "a", ["b c"] = 1, [true] = {} }"#,
        ),
    ] {
        assert_eq!(bench().show(text).await, shown, "{text}");
    }
}
