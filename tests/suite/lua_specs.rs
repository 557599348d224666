//! Runs every `tests/lua/*_spec.lua`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use machineroom::lua::{SpecOptions, SpecResult, run_specs};

use super::files::{files, root, shown};

/// Far more than all specs of a file need.
const TIME: Duration = Duration::from_secs(60);

/// The failures of a file's cases, and how many cases there are.
async fn failures(path: &Path) -> (Vec<String>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let options = SpecOptions::default();
    match tokio::time::timeout(TIME, run_specs(path, folder.path(), &options)).await {
        Ok(Ok(results)) => {
            let told = |r: &SpecResult| {
                let failure = r.failure.as_ref()?;
                Some(format!("{} ({})\n  {failure}", r.name, r.place))
            };
            (results.iter().filter_map(told).collect(), results.len())
        }
        Ok(Err(error)) => (vec![error.to_string()], 0),
        Err(_) => (vec![format!("{}: took too long", path.display())], 0),
    }
}

#[tokio::test(flavor = "current_thread")]
async fn every_spec_holds() {
    let all = files("tests/lua", &["lua"]);
    let (helpers, all): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|path| shown(path).starts_with("tests/lua/helpers/"));
    let texts: String = all
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    for helper in &helpers {
        let name = shown(helper).replace("tests/lua/", "");
        assert!(texts.contains(&name), "no spec uses {name}");
    }
    let (mut broken, mut cases) = (Vec::new(), 0);
    for path in &all {
        // What a person forgot to name a spec would never run.
        assert!(shown(path).ends_with("_spec.lua"), "{}", shown(path));
        let path = path.strip_prefix(root()).unwrap_or(path);
        let (failed, count) = failures(path).await;
        broken.extend(failed);
        cases += count;
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
    assert!(cases > 0, "no spec was found");
    println!("{cases} cases in {} files", all.len());
}

/// The runner itself: what fails is named with its place, and nothing passes by being forgotten.
#[tokio::test(flavor = "current_thread")]
async fn a_failure_says_where_and_what() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x_spec.lua");
    let run = async |text: &str| {
        fs::write(&path, text).unwrap();
        let (failed, count) = failures(&path).await;
        let failed = failed.join("\n");
        (failed.replace(&path.display().to_string(), "x"), count)
    };
    for (text, told) in [
        (
            "it('a', function()\n expect({ 1, x = 2 }):is({ 1, x = 3 })\nend)",
            "a (x:1)\n  x:2: expected { 1, x = 3 }, got { 1, x = 2 }",
        ),
        (
            "it('a', function() expect(1):is_not(1) end)",
            "x:1: expected anything but 1",
        ),
        (
            "it('a', function() expect('abc'):has('x') end)",
            "x:1: expected \"x\" in \"abc\"",
        ),
        (
            "it('a', function() expect({ a = { b = 1, c = 2 } }):has({ a = { b = 2 } }) end)",
            "x:1: expected { a = { b = 2 } } in ",
        ),
        (
            "it('a', function() expect('abc'):has_no('b') end)",
            "x:1: expected no \"b\" in \"abc\"",
        ),
        (
            "it('a', function() expect(function() return 1 end):raises() end)",
            "x:1: expected an error, got 1",
        ),
        (
            "it('a', function() expect(function() error 'no' end):raises 'yes' end)",
            "x:1: expected an error with \"yes\", got ",
        ),
        (
            "it('a', function()\n local x = nil + 1 end)",
            "x:2: attempt to ",
        ),
        (
            "fake_ = 1\nit('a', function()\n fake('w')\n server('w'):run('gone')\nend)",
            "x:4: w: command exited with 127\nno answer for: gone",
        ),
        (
            "it('a', function() fake.down 'w'\n server('w'):run('x') end)",
            "x:2: w: no such pretended server",
        ),
        ("describe('a', function() error('oh') end)", "x:1: oh"),
        ("it('a'", "x:1: "),
        ("local x = 1", "there is no `it` in it"),
    ] {
        let (failed, count) = run(text).await;
        assert!(failed.contains(told), "{text}\n{failed}");
        assert!(count <= 1);
    }
    let (failed, count) = run(
        "it('a', function() fake 'w' expect(#server.list()):is(1) end)
         describe('b', function()
           before_each(function() fake 'x' end)
           it('c', function() expect(server.has 'w'):is(false) expect(server.has 'x'):is(true) end)
         end)
         it('d', function() expect(server.has 'x'):is(false) end)",
    )
    .await;
    assert_eq!((failed.as_str(), count), ("", 3));
}
