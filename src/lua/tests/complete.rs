//! On the real VM with the real stubs: what is offered where.

use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::lua::{Reference, What};

/// The words that are offered at the end of a text, or what is wanted there.
fn offered(vm: &Vm, reference: &Reference, text: &str) -> String {
    let wanted = vm.wanted(reference, text);
    assert!(text.is_char_boundary(wanted.start), "{text}");
    match wanted.what {
        What::Words(words) => words.into_iter().map(|w| w.0).collect::<Vec<_>>().join("|"),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn what_fits_is_known_from_values_types_and_text() {
    let bench = bench();
    let reference = Reference::bundled();
    let row = crate::inventory::Server::new("web-1", "h", "u", 22);
    bench.room.store().unwrap().put(&row, None).unwrap();
    let setup = "web = server 'web-1' all = fleet.select 'all' \
                 box = { inner = { deep = 1 }, go = function() end, [1] = web, ['no name'] = 1 } \
                 heir = setmetatable({}, { __index = box }) \
                 outs = { { server = 'a', value = { code = 1 } } } word = 'x' \
                 trap = setmetatable({}, { __index = function() error 'ran' end })";
    bench.exec(setup).await.unwrap();
    for (text, words) in [
        // Variables, words, libraries.
        ("fle", "fleet"),
        ("x = serv", "server"),
        ("retu", "return"),
        ("local mine = 1 return mi", "mine"),
        ("math.ma", "max|maxinteger"),
        ("mr.text.tr", "trim"),
        ("mr.tex", "text"),
        // Through tables, and those behind them; never through code.
        ("box.", "go|inner"),
        ("box:", "go"),
        ("box.inner.", "deep"),
        ("box['inner'].d", "deep"),
        ("heir.inner.d", "deep"),
        ("trap.a.", ""),
        ("outs[1].value.", "code"),
        // Handles: values, and types of calls that are not made.
        ("web:rele", "release"),
        ("box[1]:rele", "release"),
        ("web.ho", "home|host"),
        ("web:capt", "capture"),
        ("server('nosuch'):rele", "release"),
        ("server 'nosuch':rele", "release"),
        ("server.get('x').ho", "home|host"),
        ("fleet.select('x'):ma", "map"),
        ("all[1]:rele", "release"),
        ("fleet.select('x')[1]:rele", "release"),
        ("server.list()[1]:rele", "release"),
        ("server('x'):run('ls').std", "stderr|stdout"),
        ("all:run('ls')[1].stat", "status"),
        ("all:run('ls')[1].value.std", "stderr|stdout"),
        ("all:capture('ls')[1].value:up", "upper"),
        ("server('x'):connect():clo", "close"),
        ("('x'):up", "upper"),
        ("word:up", "upper"),
        ("web.id:up", "upper"),
        ("server('x').id:up", "upper"),
        // Variables that the text makes.
        ("local s = server('x') s:rele", "release"),
        (
            "local f = fleet.select 'x' local s = f[1] s:rele",
            "release",
        ),
        ("all:map(function(s) return s:rele", "release"),
        ("all:filter(function(s) return s.is_r", "is_retired"),
        ("for _, s in ipairs(server.list()) do s:rele", "release"),
        ("for _, o in ipairs(all:run 'x') do o.stat", "status"),
        ("local a = a a.", ""),
        // Options.
        ("web:run('ls', { ti", "timeout = "),
        ("web:run('ls', { timeout = 1, ti", ""),
        ("all:map(f, { ser", "serial = |server"),
        ("ssh.connect { ho", "host = "),
        ("ssh.connect({ key_", "key_only = "),
        ("mr.retry(f, { tr", "tries = |trap|true"),
        // Texts.
        ("server('we", "Id(Some('\\''))"),
        ("server \"we", "Id(Some('\"'))"),
        ("server.get [[we", "Id(None)"),
        ("fleet.select('we", "Pattern(Some('\\''))"),
        ("server.list 'we", "Pattern(Some('\\''))"),
        ("all:stage('ce", "Stage(Some('\\''))"),
        ("web:tag('a", "Tag(Some('\\''))"),
        ("web:tag('a', 'b", "Tag(Some('\\''))"),
        ("web:upload('a", "File(Some('\\''))"),
        ("web:upload('a', 'b", ""),
        ("web:write('/et", ""),
        ("web:run('ca", ""),
        ("x = '~/", "File(Some('\\''))"),
        ("ssh.connect { key = '~/", "File(Some('\\''))"),
        ("ssh.connect { jump = '", "Id(Some('\\''))"),
        ("server('x'):ops():sysc", "sysctl"),
        (
            "local on = web:ops() on:file('/etc/x', { cont",
            "content = ",
        ),
        ("web:ops():file('/et", ""),
        ("web:ops():file('/x', { from = 'a", "File(Some('\\''))"),
        ("web:ops():file('/x', { state = 'ab", "absent'"),
        ("web:ops():package('ngi", ""),
        (
            "fleet.select('x'):run('x', { serial = '5",
            "File(Some('\\''))",
        ),
        // Nowhere.
        ("-- ser", ""),
        ("nosuch.", ""),
        ("nosuch().", ""),
        ("1.", ""),
    ] {
        assert_eq!(offered(&bench.vm, &reference, text), words, "{text}");
    }
    let all = offered(&bench.vm, &reference, "");
    assert!(
        all.contains("fleet|") && !all.contains("_G") && !all.contains("while"),
        "{all}"
    );
    let keys = offered(&bench.vm, &reference, "web:run('ls', {");
    assert!(
        keys.contains("timeout = |") && !keys.contains("fleet"),
        "{keys}"
    );
    let verbs = offered(&bench.vm, &reference, "server('x'):");
    assert!(
        verbs.contains("meta_set|") && verbs.contains("|run|"),
        "{verbs}"
    );
    assert!(!verbs.contains("host"), "{verbs}");
}

#[tokio::test]
async fn a_call_says_what_it_takes() {
    let bench = bench();
    let reference = Reference::bundled();
    bench.exec("own = function(a) end").await.unwrap();
    for (text, hint) in [
        ("server", Some("(id) -> Server")),
        ("server(", Some("id) -> Server")),
        ("fleet.select", Some("(pattern) -> Fleet")),
        ("server('x'):run", Some("(command, opts?) -> mr.Result")),
        ("server('x'):run(", Some("command, opts?) -> mr.Result")),
        ("server('x'):run('ls'", Some(", opts?) -> mr.Result")),
        ("server('x'):run('ls', ", Some("opts?) -> mr.Result")),
        ("server('x'):run('ls', opts", Some(") -> mr.Result")),
        ("server('x'):run('ls', {} ", Some(") -> mr.Result")),
        ("server('x'):run('ls", None),
        ("own(", None),
        ("nosuch(", None),
        ("function f(", None),
        ("x = {", None),
        ("mr.retry(f, { tries = 3, ", Some("delay, backoff")),
        ("", None),
    ] {
        let said = bench.vm.signature(&reference, text);
        assert_eq!(said.as_deref(), hint, "{text}");
    }
}

#[test]
fn any_text_may_stand_before_the_cursor() {
    let bench = bench();
    let reference = Reference::bundled();
    let texts = "(?s)(server|fleet|select|mr|run|local x =|function|end|[a-z.:(){}\\[\\],;='\"\\\\ é-]){0,30}|.{0,60}";
    let each = |text: String| {
        for (at, _) in text.char_indices() {
            let wanted = bench.vm.wanted(&reference, &text[..at]);
            assert!(wanted.start <= at && text.is_char_boundary(wanted.start));
            let _ = bench.vm.signature(&reference, &text[..at]);
        }
        Ok(())
    };
    let config = Config {
        cases: 48,
        ..Config::default()
    };
    TestRunner::new(config).run(&texts, each).unwrap();
}
