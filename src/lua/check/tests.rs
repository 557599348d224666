//! What is found, and what is not.

use super::*;

/// What a text in a file of that name is told.
fn told_as(name: &str, text: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    let config = Config::at(dir.path()).unwrap();
    let user = config.config_dir().to_owned();
    let mut checker = Checker::new(config, Loader::new(user, None), Cancel::new()).unwrap();
    checker.here = std::fs::canonicalize(dir.path()).unwrap();
    checker.file(&checker.here.join(name)).unwrap();
    let line = |f: Finding| {
        let line = f.line.map_or_else(|| "-".to_owned(), |l| l.to_string());
        let mark = if f.is_warning { "~" } else { "" };
        let hint = f.hint.map_or_else(String::new, |h| format!(" | {h}"));
        format!("{mark}{line}: {}{hint}", f.message)
    };
    checker.end().1.into_iter().map(line).collect()
}

fn told(text: &str) -> Vec<String> {
    told_as("play.lua", text)
}

#[test]
fn slips_are_found_with_their_lines() {
    for (text, wanted) in [
        (
            "\nfleat.select 'all'",
            "2: there is no global `fleat` | did you mean `fleet`?",
        ),
        (
            "return function()\n\n return nope end",
            "3: there is no global `nope`",
        ),
        ("local x\nx = = 1", "2: unexpected symbol near '='"),
        (
            "mr.tyr(print)",
            "1: there is no `mr.tyr` | did you mean `mr.try`?",
        ),
        (
            "print(mr.text.trimm 'x')",
            "1: there is no `mr.text.trimm` | did you mean",
        ),
        (
            "string.fromat ''",
            "1: there is no `string.fromat` | did you mean `",
        ),
        (
            "local s = server 'x'\ns:captur 'x'",
            "2: there is no method `captur` | did you mean `capture`?",
        ),
        ("(...):zzzzzzzzzz()", "~1: there is no method `zzzzzzzzzz`"),
        (
            "require 'lib.gone'",
            "1: there is no module `lib.gone` | looked for ",
        ),
        (
            "return function() require 'mr.tex' end",
            "1: there is no module `mr.tex` | did you mean `mr.text`?",
        ),
        (
            "server('x'):run('y', { suod = true })",
            "1: `run`: unknown option `suod` | did you mean `sudo`?",
        ),
        (
            "server('x'):run('y', {\n sudo = true,\n timeot = 1 })",
            "3: `run`: unknown option `timeot`",
        ),
        (
            "mr.retry(print, { tires = 3 })",
            "1: `mr.retry`: unknown option `tires` | did you mean `tries`?",
        ),
        (
            "ssh.connect { hots = 'x' }",
            "1: `ssh.connect`: unknown option `hots`",
        ),
        (
            "fleet.select('x'):map(function() n = 1 end)",
            "~1: the global `n` is set | `local n`",
        ),
    ] {
        let found = told(text);
        assert!(
            found.iter().any(|f| f.starts_with(wanted)),
            "{text}\n{found:#?}"
        );
        assert_eq!(found.len(), 1, "{text}\n{found:#?}");
    }
}

#[test]
fn what_is_right_is_left_alone() {
    for text in [
        "",
        "#!/usr/bin/env mroom\nprint(arg[1], vars.any, _VERSION, _G)",
        "count = 0 count = count + 1",
        "local t = {} function t.own() end function t:more() end t:more() t:own()",
        "local _ENV = { x = 1 } print(x)",
        "if os.getenv 'X' then mr.log(mr.config.forks) end",
        "print(mr.json.encode({ anything = { goes = 1 } }, { pretty = true }))",
        "server('x'):run({ 'a', 'b' }, { sudo = true, check = false, env = { ANY = 1 } })",
        "server('x'):meta_set { any = 1 }",
        "local m = ... and mr or string print(m.anything)",
        "local f = io.open 'x' f:close() ('x'):rep(3):upper()",
        "goto done do print 'x' end ::done::",
    ] {
        assert_eq!(told(text), [""; 0], "{text}");
    }
    let spec = "describe('a', function() before_each(function() fake 'x' end)\n
        it('b', function() fake.down 'y' expect(1):is(1) end) end)";
    assert_eq!(told_as("x_spec.lua", spec), [""; 0]);
    assert_eq!(
        told_as("x_spec.lua", "fake.modul('x', 'y')"),
        ["1: there is no `fake.modul` | did you mean `fake.module`?"; 1]
    );
    assert!(told("describe('a', print)")[0].contains("no global `describe`"));
}

#[test]
fn more_constants_than_an_instruction_can_name() {
    let many: String = (0..400).map(|i| format!("'k{i}', ")).collect();
    let text = format!("local t = {{ {many} }}\nprint(nope)\nmine = t\nt.x:captur(mine)\nmr.tyr()");
    let found = told(&text);
    assert!(
        found[0].starts_with("2: there is no global `nope`"),
        "{found:#?}"
    );
    assert!(found.iter().any(|f| f.contains("`captur`")), "{found:#?}");
    // Lines far apart are told in full.
    let far = format!("print(1){}print(nope)", "\n".repeat(500));
    assert!(told(&far)[0].starts_with("501: "), "{far}");
}

#[test]
fn stages_and_workflows_are_loaded_out_of_reach_of_anything() {
    for (name, text, wanted) in [
        (
            "stages/a.lua",
            "return { name = 'a', apply = function() end }",
            "",
        ),
        (
            "stages/a.lua",
            "return { name = 'a' }",
            "-: `apply` is missing",
        ),
        (
            "stages/a.lua",
            "",
            "-: a stage file must return a table, not nil",
        ),
        (
            "stages/a.lua",
            "return { name = 'b', apply = print }",
            "-: `name` must be `a`",
        ),
        (
            "stages/a.lua",
            "return { name = 'a', apply = print, aply = 1 }",
            "-: unknown key `aply` | a stage has:",
        ),
        (
            "stages/a.lua",
            "return { name = 'a', apply = print, needs = { 'crt' } }",
            "-: `needs`: there is no stage `crt` | stages: ",
        ),
        (
            "stages/a.lua",
            "return { name = 'a', apply = print, options = { n = { type = 'number', default = 'x' } } }",
            "-: `options.n.default` must be a number",
        ),
        ("stages/a.lua", "\nerror 'no'", "2: no"),
        (
            "stages/a.lua",
            "\nlocal x = nil + 1",
            "2: attempt to perform arithmetic",
        ),
        (
            "stages/a.lua",
            "\nwhile true do end",
            "2: `stages/a.lua` does not come to an end of loading",
        ),
        (
            "stages/a.lua",
            "\nio.open('/etc/passwd')",
            "2: `io.open` is used while the file loads",
        ),
        (
            "stages/a.lua",
            "os.execute 'true'",
            "1: `os.execute` is used while the file loads",
        ),
        (
            "stages/a.lua",
            "\n\nserver('x'):run 'reboot'",
            "3: `server` is used while the file loads",
        ),
        (
            "stages/a.lua",
            "mr.sleep(1)",
            "1: nothing can be waited for while a file loads",
        ),
        (
            "stages/a.lua",
            "x = 1 return { name = 'a', apply = print }",
            "~1: the global `x` is set",
        ),
        ("stages/a_spec.lua", "error 'never run'", ""),
        ("workflows/w.lua", "return { run = function() end }", ""),
        (
            "workflows/w.lua",
            "return { rnu = print, run = print }",
            "-: unknown key `rnu`",
        ),
        ("workflows/w.lua", "return {}", "-: `run` is missing"),
        (
            "ops/o.lua",
            "return 1",
            "-: an operation's file must return a table",
        ),
        ("ops/o.lua", "return { helper = print }", ""),
        (
            "workflows/w.lua",
            "return 1",
            "-: a workflow file must return a table",
        ),
    ] {
        let found = told_as(name, text);
        let is_it = match wanted {
            "" => found.is_empty(),
            wanted => found.len() == 1 && found[0].starts_with(wanted),
        };
        assert!(is_it, "{name}: {text}\nwanted {wanted}\n{found:#?}");
    }
}
