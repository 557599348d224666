//! The operations on files for real, over SSH: changed, unchanged, and repaired after somebody broke
//! it by hand. What is there afterwards is looked at by this test, not by the operations.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use machineroom::fleet::RunOptions;

use crate::support::place::Place;
use crate::support::room::Yard;

/// What stands before every playbook: `done` collects the statuses, in order.
const BEFORE: &str = r#"
local dir = (...)
local done = {}
local outcome = fleet.select("all"):map(function(s)
  local on = s:ops()
  local function did(result) done[#done + 1] = result.status end
"#;
const AFTER: &str = r#"
end, { tolerate = true })[1]
print(outcome.status, table.concat(done, " "), outcome.err and outcome.err.message or "")
"#;

/// Status of the server, statuses of the operations, error.
async fn play(yard: &Yard, dir: &Path, work: &str) -> (String, String, String) {
    let text = format!("{BEFORE}{work}{AFTER}");
    yard.printed.borrow_mut().clear();
    let args = [dir.display().to_string()];
    let ran = yard.vm.exec(text.as_bytes(), "@play.lua", &args).await;
    ran.unwrap_or_else(|e| panic!("{e}"));
    let printed = yard.printed.borrow().trim_end_matches('\n').to_owned();
    let mut parts = printed.split('\t').map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    (next(), next(), next())
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A folder whose name has everything in it that a shell might take for something else.
fn folder(place: &Place) -> std::path::PathBuf {
    let dir = place.dir.path().join("it's $(touch pwned) \"ü\" -rf *");
    fs::create_dir(&dir).unwrap();
    dir
}

const EVERYTHING: &str = r#"
  did(on:dir(dir .. "/app", { mode = "0750" }))
  did(on:file(dir .. "/app/conf", { content = "a = 1\nb = 2\n", mode = "0600" }))
  did(on:line(dir .. "/app/conf", { line = "b = 3", match = "^b%s*=" }))
  did(on:block(dir .. "/app/hosts", { content = "10.0.0.1 a", create = true, name = "cluster" }))
  did(on:template(dir .. "/app/list", {
    text = "{% for n in names %}\n{{ n }}\n{% endfor %}\n", values = { names = { "x", "y" } } }))
  did(on:link(dir .. "/current", { to = "app" }))
  did(on:link(dir .. "/app/hard", { to = dir .. "/app/list", hard = true }))
  did(on:copy("SOURCE", dir .. "/app/large"))
  did(on:file(dir .. "/old", { state = "absent" }))
"#;

#[tokio::test(flavor = "current_thread")]
async fn changed_unchanged_and_repaired() {
    let Some(place) = Place::new("") else { return };
    let (yard, dir) = (place.yard(RunOptions::default()), folder(&place));
    let at = |name: &str| dir.join(name);
    fs::write(at("old"), "x").unwrap();
    let large = "0123456789abcdef\n".repeat(100_000);
    let source = place.dir.path().join("source");
    fs::write(&source, &large).unwrap();
    // `conf` is written whole, then a line of it is another's: that is what the second run finds.
    let work = EVERYTHING
        .replace("SOURCE", &source.display().to_string())
        .replace("b = 2\\n\"", "b = 3\\n\"");

    let is_right = || {
        assert_eq!(mode(&at("app")), 0o750);
        assert_eq!(
            fs::read_to_string(at("app/conf")).unwrap(),
            "a = 1\nb = 3\n"
        );
        assert_eq!(mode(&at("app/conf")), 0o600);
        let hosts = "# BEGIN mroom: cluster\n10.0.0.1 a\n# END mroom: cluster\n";
        assert_eq!(fs::read_to_string(at("app/hosts")).unwrap(), hosts);
        assert_eq!(fs::read_to_string(at("app/list")).unwrap(), "x\ny\n");
        assert_eq!(mode(&at("app/list")), 0o644);
        assert_eq!(fs::read_link(at("current")).unwrap(), Path::new("app"));
        let inode = |name: &str| fs::metadata(at(name)).unwrap().ino();
        assert_eq!(inode("app/list"), inode("app/hard"));
        assert_eq!(fs::read_to_string(at("app/large")).unwrap(), large);
        assert_eq!(names(&dir), ["app", "current"]);
        assert_eq!(
            names(&at("app")),
            ["conf", "hard", "hosts", "large", "list"]
        );
        assert!(
            !place.dir.path().join("pwned").exists()
                && !place.dir.path().join("home/pwned").exists()
        );
    };
    let (status, done, error) = play(&yard, &dir, &work).await;
    let first = "changed changed ok changed changed changed changed changed changed";
    assert_eq!(
        (status.as_str(), done.as_str(), error.as_str()),
        ("changed", first, "")
    );
    is_right();
    let (status, done, error) = play(&yard, &dir, &work).await;
    let second = ["ok"; 9].join(" ");
    assert_eq!((status.as_str(), done, error.as_str()), ("ok", second, ""));
    is_right();

    fs::set_permissions(at("app"), fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(at("app/conf"), "a = 1\n# b\nb = 7\n").unwrap();
    fs::write(
        at("app/hosts"),
        "# BEGIN mroom: cluster\nwrong\n# END mroom: cluster\n",
    )
    .unwrap();
    fs::remove_file(at("app/list")).unwrap();
    fs::remove_file(at("app/hard")).unwrap();
    fs::remove_file(at("current")).unwrap();
    symlink("elsewhere", at("current")).unwrap();
    fs::write(at("app/large"), large.to_uppercase()).unwrap();
    fs::write(at("old"), "x").unwrap();
    let (status, done, error) = play(&yard, &dir, &work).await;
    assert_eq!(
        (status.as_str(), done.as_str(), error.as_str()),
        ("changed", first, "")
    );
    is_right();
}

/// Check mode says the same as the run that follows, and touches nothing.
#[tokio::test(flavor = "current_thread")]
async fn check_mode_predicts_the_run() {
    let Some(place) = Place::new("") else { return };
    let dir = folder(&place);
    fs::write(dir.join("old"), "x").unwrap();
    let source = place.dir.path().join("source");
    fs::write(&source, "small\n").unwrap();
    let work = EVERYTHING.replace("SOURCE", &source.display().to_string());
    let check = RunOptions {
        check: true,
        ..RunOptions::default()
    };
    let checked = play(&place.yard(check), &dir, &work).await;
    assert_eq!(names(&dir), ["old"]);
    let real = play(&place.yard(RunOptions::default()), &dir, &work).await;
    assert_eq!(checked, real);
    assert_eq!(real.0, "changed", "{real:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_refused_leaves_everything_as_it_was() {
    let Some(place) = Place::new("") else { return };
    let (yard, dir) = (place.yard(RunOptions::default()), folder(&place));
    let conf = dir.join("conf");
    fs::write(&conf, "good\n").unwrap();
    fs::set_permissions(&conf, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("conf", dir.join("link")).unwrap();
    for (work, part) in [
        (
            r#"on:file(dir .. "/conf", { content = "bad", validate = "grep -q good %s" })"#,
            "exited with 1",
        ),
        (
            r#"on:file(dir .. "/link", { content = "bad" })"#,
            "is a link to `conf`, not a file",
        ),
        (
            r#"on:file(dir .. "/none/conf", { content = "bad" })"#,
            "/none` is not there",
        ),
        (r#"on:dir(dir .. "/conf")"#, "is a file, not a folder"),
        (
            r#"on:file(dir, { state = "absent" })"#,
            "is a folder, not a file",
        ),
        (
            r#"on:file(dir .. "/conf", { content = "x", owner = "nobody-of-that-name" })"#,
            "exited with 1",
        ),
        (
            r#"on:template(dir .. "/conf", { text = "\n{{ x }}" })"#,
            "template:2: `x` is not defined",
        ),
        (
            r#"on:file(dir .. "/a\nb", { content = "x" })"#,
            "without a line break",
        ),
    ] {
        let (status, _, error) = play(&yard, &dir, work).await;
        assert_eq!(status, "failed", "{work}");
        assert!(error.contains(part), "{work}\n{error}");
        assert_eq!(fs::read_to_string(&conf).unwrap(), "good\n", "{work}");
        assert_eq!(mode(&conf), 0o640);
        assert_eq!(names(&dir), ["conf", "link"], "{work}");
    }
    let good = r#"did(on:file(dir .. "/conf", { content = "good 2\n", validate = "grep -q good %s", backup = true }))
      did(on:file(dir .. "/link", { content = mr.secret "hunter2000", force = true, mode = "0600" }))"#;
    let (_, done, error) = play(&yard, &dir, good).await;
    assert_eq!((done.as_str(), error.as_str()), ("changed changed", ""));
    assert_eq!(mode(&conf), 0o640, "a mode that nobody names stays");
    assert_eq!(fs::read_to_string(dir.join("link")).unwrap(), "hunter2000");
    assert_eq!(mode(&dir.join("link")), 0o600);
    let kept = names(&dir)
        .into_iter()
        .find(|n| n.ends_with(".bak"))
        .unwrap();
    assert_eq!(fs::read_to_string(dir.join(kept)).unwrap(), "good\n");
}

/// A handler that a failure kept from running runs in the next run, though nothing changes there.
#[tokio::test(flavor = "current_thread")]
async fn a_handler_survives_a_failure() {
    let Some(place) = Place::new("") else { return };
    let dir = folder(&place);
    let work = |fails: bool| {
        format!(
            r#"on:handler("reload", function() s:run {{ "touch", dir .. "/reloaded" }} end)
            did(on:file(dir .. "/conf", {{ content = "x", notify = "reload" }}))
            if {fails} then mr.fail "too bad" end"#
        )
    };
    // Each run is a program of its own: only the database is the same.
    let (status, done, _) = play(&place.yard(RunOptions::default()), &dir, &work(true)).await;
    assert_eq!((status.as_str(), done.as_str()), ("failed", "changed"));
    assert!(!dir.join("reloaded").exists());
    let (status, done, _) = play(&place.yard(RunOptions::default()), &dir, &work(false)).await;
    assert_eq!((status.as_str(), done.as_str()), ("ok", "ok"));
    assert!(dir.join("reloaded").exists());
    fs::remove_file(dir.join("reloaded")).unwrap();
    play(&place.yard(RunOptions::default()), &dir, &work(false)).await;
    assert!(!dir.join("reloaded").exists());
}
