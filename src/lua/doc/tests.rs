//! The reader of stubs: what it understands, what it refuses, and what the bundled ones answer.

use proptest::prelude::*;

use super::*;

fn reference(text: &str) -> Reference {
    let mut reference = Reference::default();
    reference.add("meta/x.lua", text);
    reference
}

const STUB: &str = r#"---@meta

-- Not for people.

---A thing. It has more
---to say.
---
---A second paragraph.
---```lua
---local t = thing "a"
---if t then
---  t:go()
---end
---```
---@class x.Things
---@overload fun(id: string): Thing
thing = {}

---@class x.Base
local Base = {}

---Goes.
---@param where? "up"|"down" the way
---@param opts? x.GoOpts
---@return x.Went how it went
---@return string?
function Base:go(where, opts) end

---@class x.GoOpts : x.MoreOpts
---@field fast? boolean as fast as it can
---@field on_step? fun(n: integer): boolean?, any called at each step

---@class x.MoreOpts
---@field times? integer|"many"

---@class Thing : x.Base
---The name of it.
---@field name string?
local Thing = {}

---@alias x.Went string|x.Way how
---@alias x.Way
---| "far" # a long way
---| "near"

---@generic T
---@param f fun(...: any): T
---@param ... any
---@return T
function thing.try(f, ...) end
"#;

#[test]
fn a_stub_is_read_whole() {
    let r = reference(STUB);
    assert_eq!(r.problems(), [] as [&str; 0]);
    let value = r.find("thing")[0];
    assert_eq!(value.kind, ItemKind::Value);
    assert_eq!(value.summary(), "A thing");
    assert!(
        value.text.ends_with("to say.\n\nA second paragraph."),
        "{}",
        value.text
    );
    assert_eq!(value.examples.len(), 1);
    let example = &value.examples[0];
    assert_eq!(
        example.text,
        "local t = thing \"a\"\nif t then\n  t:go()\nend\n"
    );
    assert_eq!(example.place, "meta/x.lua:10");
    assert_eq!(r.class_of("thing"), Some("x.Things"));
    let go = r.find("Thing:go");
    assert_eq!(go.len(), 1);
    assert_eq!(
        go[0].signature(),
        "Base:go(where?, opts?) -> x.Went, string?"
    );
    assert_eq!(go[0].params[0].ty, "\"up\"|\"down\"");
    assert_eq!(go[0].params[0].text, "the way");
    assert_eq!(go[0].returns[0].text, "how it went");
    assert_eq!(r.find("Thing.name")[0].text, "The name of it.");
    assert_eq!(r.find("Thing.name")[0].signature(), "Thing.name?: string");
    assert_eq!(r.find("x.Way")[0].ty, "\"far\"|\"near\"");
    assert_eq!(r.find("x.Way")[0].text, "- \"far\": a long way");
    assert_eq!(r.find("x.Went")[0].signature(), "x.Went = string|x.Way");
}

#[test]
fn questions_are_answered() {
    let r = reference(STUB);
    let keys = |call: &str| -> Vec<String> {
        let options = r.options(call).into_iter();
        options.map(|o| format!("{}: {}", o.name, o.ty)).collect()
    };
    let wanted = [
        "fast: boolean",
        "on_step: fun(n: integer): boolean?, any",
        "times: integer|\"many\"",
    ];
    assert_eq!(keys("Thing:go"), wanted);
    assert_eq!(keys("thing.try"), [] as [&str; 0]);
    assert_eq!(r.returns("thing").as_deref(), Some("Thing"));
    assert_eq!(r.returns("Thing:go").as_deref(), Some("x.Went"));
    assert_eq!(r.returns("thing.try"), None);
    let members = r.members("Thing");
    assert_eq!(
        members.iter().map(|m| m.last()).collect::<Vec<_>>(),
        ["name", "go"]
    );
    assert_eq!(r.member_type("Thing", "name"), Some("string"));
    assert_eq!(r.find("GOOPTS.Fast").len(), 1);
    assert_eq!(r.find("go").len(), 1);
    assert_eq!(r.find("thing.gone"), Vec::<&Item>::new());
    assert_eq!(r.nearest("Thing:goo").as_deref(), Some("Thing:go"));
    assert_eq!(r.nearest("gp").as_deref(), Some("go"));
    assert_eq!(r.nearest("something else"), None);
    assert_eq!(Reference::element("mr.Outcome[]"), Some("mr.Outcome"));
    assert_eq!(
        Reference::element("(string|number)[]?"),
        Some("string|number")
    );
    assert_eq!(Reference::element("string"), None);
}

#[test]
fn a_bad_stub_is_named() {
    for (text, told) in [
        ("---@clas X", "meta/x.lua:1: unknown tag `@clas`"),
        ("---@class", "meta/x.lua:1: `@class` needs a name"),
        (
            "---@field a string",
            "meta/x.lua:1: `@field` stands below no class",
        ),
        (
            "---@class X\n---@field a",
            "meta/x.lua:2: `@field` needs a name and a type",
        ),
        (
            "---@class X\n---@field a {",
            "meta/x.lua:2: `@field` needs a name and a type",
        ),
        (
            "---@param a string\nx = 1",
            "meta/x.lua:2: what is described here is no function",
        ),
        (
            "---@param a string\nfunction f(b) end",
            "meta/x.lua:2: `f`: `b` is not described",
        ),
        (
            "---@param a string\nfunction f() end",
            "meta/x.lua:2: `f` does not take `a`",
        ),
        (
            "---@param a\nfunction f(a) end",
            "meta/x.lua:1: `@param` needs a name and a type",
        ),
        (
            "---@return\nfunction f() end",
            "meta/x.lua:1: `@return` needs a type",
        ),
        (
            "---@return fun(\nfunction f() end",
            "meta/x.lua:1: `@return` needs a type",
        ),
        ("---| \"x\"", "meta/x.lua:1: `|` stands below no alias"),
        ("---@alias", "meta/x.lua:1: `@alias` needs a name"),
        (
            "---```lua\n---x()\n\nfunction f() end",
            "meta/x.lua:3: the example above does not end",
        ),
    ] {
        let r = reference(text);
        assert!(
            r.problems().iter().any(|p| p == told),
            "{text}\n{:?}",
            r.problems()
        );
    }
    assert_eq!(
        reference("---@class A : B\n\n---@class B : A").members("A"),
        Vec::<&Item>::new()
    );
}

#[test]
fn a_type_ends_where_its_text_begins() {
    for (text, ty, rest) in [
        (
            "integer? nil when a signal ended it",
            "integer?",
            "nil when a signal ended it",
        ),
        (
            "string|(string|number)[] a string",
            "string|(string|number)[]",
            "a string",
        ),
        (
            "table<string, string|number>",
            "table<string, string|number>",
            "",
        ),
        (
            "fun(s: Server, o: table): boolean?, any true: nothing",
            "fun(s: Server, o: table): boolean?, any",
            "true: nothing",
        ),
        (
            "fun(f: fun(): T, ...): T[] x",
            "fun(f: fun(): T, ...): T[]",
            "x",
        ),
        ("fun() called", "fun()", "called"),
        (
            "{ a?: string, [string]: any } x",
            "{ a?: string, [string]: any }",
            "x",
        ),
        ("\"a b\" | 'c|d' | nil x", "\"a b\" | 'c|d' | nil", "x"),
        ("... any", "...", "any"),
        ("mr.Err. And more", "mr.Err.", "And more"),
    ] {
        let found = types::split(text);
        if text.starts_with("mr.Err.") {
            // A full stop is no part of a name.
            assert_eq!(found, None, "{text}");
            continue;
        }
        assert_eq!(found, Some((ty, rest)), "{text}");
    }
    for bad in [
        "", " ", "|", "fun(", "{", "table<", "\"x", "(a", "string|", "@x",
    ] {
        assert_eq!(types::split(bad), None, "{bad:?}");
    }
    assert_eq!(types::split(&"(".repeat(100_000)), None);
    let ty = "fun(a: x, b?: y|z): p, q?";
    assert_eq!(types::params(ty), [("a", false, "x"), ("b", true, "y|z")]);
    assert_eq!(types::returns(ty), ["p", "q?"]);
    assert_eq!(types::alternatives("a | b[]|nil"), ["a", "b[]"]);
    assert_eq!(
        types::fields("{ a: x, b?: { c: d } }?"),
        [("a", false, "x"), ("b", true, "{ c: d }")]
    );
}

#[test]
fn the_bundled_stubs_are_understood() {
    let r = Reference::bundled();
    assert_eq!(r.problems(), [] as [&str; 0]);
    let names =
        |items: Vec<&Item>| -> Vec<String> { items.into_iter().map(|i| i.name.clone()).collect() };
    assert_eq!(names(r.find("Server:run")), ["Remote:run"]);
    assert_eq!(names(r.find("server.get")), ["server.get"]);
    assert_eq!(names(r.find("RunOpts.check")), ["mr.RunOpts.check"]);
    assert_eq!(names(r.find("RunOpts.timeout")), ["mr.ReadOpts.timeout"]);
    assert_eq!(r.returns("fleet.select").as_deref(), Some("Fleet"));
    let outcomes = r.returns("Fleet:capture").unwrap();
    let outcome = Reference::element(&outcomes).unwrap();
    assert_eq!(outcome, "mr.Outcome<string>");
    assert_eq!(r.member_type(outcome, "value"), Some("string"));
    assert_eq!(r.member_type(outcome, "err"), Some("mr.Err"));
    assert_eq!(r.member_type("mr.Outcome", "value"), None);
    assert_eq!(r.returns("server").as_deref(), Some("Server"));
    assert_eq!(r.returns("Server:run").as_deref(), Some("mr.Result"));
    let keys: Vec<String> = r
        .options("server.add")
        .into_iter()
        .map(|o| o.name)
        .collect();
    assert!(keys.contains(&"password".to_owned()), "{keys:?}");
    assert!(r.members("Server").iter().any(|m| m.last() == "run"));
    assert!(r.members("mr").iter().any(|m| m.last() == "text"));
    assert!(r.names().contains(&"Server:run".to_owned()));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "([-@|`a-z(){}<>?:,.\\[\\]\"' \n]|---@(class|field|param|return|alias|type) |function |```lua\n|ä|\u{0}){0,60}") {
        let r = reference(&text);
        for name in r.names() {
            r.find(&name);
            r.options(&name);
            r.members(&name);
            r.returns(&name);
        }
        types::fields(&text);
        types::alternatives(&text);
    }
}
