use mlua::{Lua, Value};
use proptest::prelude::*;

use super::show;

fn same(text: &str) -> String {
    text.to_owned()
}

fn shown(code: &str, width: usize) -> String {
    let lua = Lua::new();
    let value: Value = lua.load(code).eval().unwrap();
    show(&value, width, &same)
}

#[test]
fn scalars_and_texts() {
    for (code, expected) in [
        ("nil", "nil"),
        ("true", "true"),
        ("-3", "-3"),
        ("3.0", "3.0"),
        ("0.1", "0.1"),
        ("1e300", "1e300"),
        ("1/0", "math.huge"),
        ("-1/0", "-math.huge"),
        ("0/0", "0/0"),
        ("math.mininteger", "math.mininteger"),
        ("'a\"b\\\\c'", r#""a\"b\\c""#),
        (r"'\27[31mred\7\0'", r#""\x1b[31mred\x07\x00""#),
        (
            r"'caf\u{e9} e\u{301} \u{202e}x\u{9b}'",
            "\"café e\u{301} \\u{202e}x\\u{9b}\"",
        ),
        (r"'\xff\xfe'", r#""\xff\xfe""#),
        (r"'one\n'", r#""one\n""#),
        (r"'one\ntwo'", "[[\none\ntwo]]"),
        (r"'one\n]]\ntwo]='", "[==[\none\n]]\ntwo]=]==]"),
        (r"'one\n\27two'", r#""one\n\x1btwo""#),
        ("print", "<function>"),
        ("coroutine.create(print)", "<thread>"),
    ] {
        assert_eq!(shown(code, 80), expected, "{code}");
    }
    assert!(shown("function() end", 80).starts_with("<function "));
    assert_eq!(
        shown("('x'):rep(20000)", 80).len(),
        "\"\"… (20000 bytes)".len() + (16 << 10)
    );
}

#[test]
fn tables_are_sorted_and_broken_where_they_are_too_wide() {
    let code = "{ 1, 'two', z = 1, ['a b'] = {}, a = { x = { 1 } }, [10] = 0, [1.5] = 0, ['end'] = 1, [true] = 1 }";
    let flat = "{ 1, \"two\", [1.5] = 0, [10] = 0, a = { x = { 1 } }, [\"a b\"] = {}, [\"end\"] = 1, z = 1, [true] = 1 }";
    assert_eq!(shown(code, 200), flat);
    assert_eq!(
        shown("{ list = { 'aaaaaaaa', 'bbbbbbbb' }, k = 1 }", 30),
        "{\n  k = 1,\n  list = {\n    \"aaaaaaaa\",\n    \"bbbbbbbb\",\n  },\n}"
    );
    assert_eq!(shown("{}", 1), "{}");
    assert_eq!(
        shown("{ code = 0, out = 'a\\nb\\n' }", 80),
        "{\n  code = 0,\n  out = [[\na\nb\n]],\n}"
    );
    let long = "{ ('x\\n'):rep(4000) }";
    assert!(shown(long, 80).ends_with("x\n]]… (8000 bytes),\n}"));
}

#[test]
fn cycles_depth_and_size_are_bounded() {
    let cycle = "(function() local t = { a = {} }; t.a.up = t; return t end)()";
    assert_eq!(shown(cycle, 80), "{ a = { up = <cycle> } }");
    let shared = "(function() local t = { 1 }; return { t, t } end)()";
    assert_eq!(shown(shared, 80), "{ { 1 }, { 1 } }");
    let deep = "(function() local t = {}; for _ = 1, 1000 do t = { t } end; return t end)()";
    assert!(shown(deep, 80).contains("{…}"));
    let long = "(function() local t = {}; for i = 1, 1000 do t[i] = i end; return t end)()";
    assert!(shown(long, 80).ends_with("  … 800 more,\n}"));
    let wide = "(function() local t = {}; for _ = 1, 12 do local u = {}; \
                for i = 1, 50 do u[i] = t end; t = u end; return t end)()";
    assert!(shown(wide, 80).len() < 1 << 20);
}

#[test]
fn what_speaks_for_itself_is_let_speak() {
    let speaking = "setmetatable({ 1 }, { __tostring = function() return 'I\\27 am' end })";
    assert_eq!(shown(speaking, 80), "I\\x1b am");
    let raising = "setmetatable({}, { __tostring = function() error 'no' end })";
    assert_eq!(shown(raising, 80), "<table>");
    let named = "setmetatable({ kind = 'exit' }, { __name = 'err', __tostring = print })";
    assert_eq!(shown(named, 80), "err { kind = \"exit\" }");
    let lazy = "setmetatable({}, { __index = error, __pairs = error, __len = error })";
    assert_eq!(shown(lazy, 80), "{}");
}

#[test]
fn records_are_aligned() {
    let code = "{ { n = 1, server = 'web-1', up = true }, { n = 20, server = 'db\\27', up = false }, { n = 3, server = 'x' } }";
    assert_eq!(
        shown(code, 80),
        "server   n  up\nweb-1    1  true\ndb\\x1b  20  false\nx        3"
    );
    assert_eq!(
        shown(code, 15),
        "server  web-1\nn       1\nup      true\n\nserver  db\\x1b\nn       20\nup      false\n\n\
         server  x\nn       3"
    );
    for other in [
        "{ { a = 1 }, { b = 1 }, { c = 1 } }",
        "{ { a = {} } }",
        "{ { a = 1 }, x = 1 }",
        "{ { 1 } }",
        "{ {}, {} }",
        "{ { a = 'x\\ny' } }",
        "{ 1, { a = 1 } }",
        "{}",
    ] {
        assert!(shown(other, 80).starts_with('{'), "{other}");
    }
}

#[test]
fn secrets_are_cleaned_before_anything_is_escaped() {
    let lua = Lua::new();
    let clean = |text: &str| text.replace("a\"b\\", "[redacted]");
    for code in [
        r#"'x a"b\\ y'"#,
        r#"{ k = 'x a"b\\ y' }"#,
        r#"{ ['x a"b\\'] = 1 }"#,
        r#"{ { k = 'x a"b\\' }, { k = 'a"b\\' } }"#,
        r#"'line\nx a"b\\ y'"#,
        r#"setmetatable({}, { __tostring = function() return 'a"b\\' end })"#,
    ] {
        let value: Value = lua.load(code).eval().unwrap();
        let text = show(&value, 80, &clean);
        assert!(
            text.contains("[redacted]") && !text.contains('b'),
            "{code}: {text}"
        );
    }
}

fn plain() -> impl Strategy<Value = String> {
    // Lua source of a value without functions, in all the shapes that data takes.
    let scalar = prop_oneof![
        any::<i64>()
            .prop_filter("no literal", |n| *n != i64::MIN)
            .prop_map(|n| n.to_string()),
        any::<bool>().prop_map(|b| b.to_string()),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|b| bytes(&b)),
        "[a-z\n\\]=\u{e9}\u{202e}]{0,20}".prop_map(|s| bytes(s.as_bytes())),
    ];
    scalar.prop_recursive(3, 24, 5, |inner| {
        let key =
            prop::collection::vec(any::<u8>(), 0..6).prop_map(|b| format!("[{}]=", bytes(&b)));
        let entry = (prop::option::of(key), inner);
        prop::collection::vec(entry, 0..5).prop_map(|entries| {
            let entry = |(k, v): (Option<String>, String)| k.unwrap_or_default() + &v + ",";
            format!("{{{}}}", entries.into_iter().map(entry).collect::<String>())
        })
    })
}

fn bytes(bytes: &[u8]) -> String {
    let escaped: String = bytes.iter().map(|b| format!("\\x{b:02x}")).collect();
    format!("\"{escaped}\"")
}

proptest! {
    #[test]
    fn lua_reads_back_what_is_shown(code in plain(), width in 1usize..120) {
        let lua = Lua::new();
        let value: Value = lua.load(&code).eval().unwrap();
        let text = super::literal::literal(&value, width, &same);
        let acts = |c: char| c != '\n' && c.is_control();
        prop_assert!(!text.chars().any(acts), "{text:?}");
        let again: Value = lua.load(&text).eval().unwrap();
        lua.globals().raw_set("a", value).unwrap();
        lua.globals().raw_set("b", again).unwrap();
        let equal = "local function eq(x, y)
            if type(x) ~= 'table' or type(y) ~= 'table' then return rawequal(x, y) end
            for k, v in next, x do if not eq(v, y[k]) then return false end end
            for k in next, y do if x[k] == nil then return false end end
            return true
        end
        return eq(a, b)";
        prop_assert!(lua.load(equal).eval::<bool>().unwrap(), "{text}");
    }
}
