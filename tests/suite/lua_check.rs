//! `mroom check`: files, folders and modules looked at, nothing run, no server touched.

use crate::support::home::Home;

#[test]
fn what_is_wrong_is_told_by_file_and_line() {
    let home = Home::new();
    home.write(
        "site.lua",
        "local lib = require 'lib.part'\nfleat.select('all'):map(lib.work)\n",
    );
    home.write(
        "lib/part.lua",
        "local part = {}\nfunction part.work(s)\n  s:captur 'x'\nend\nreturn part\n",
    );
    let done = home.run(&["check", "site.lua"]).ended(2);
    let lib = home.path("lib/part.lua").display().to_string();
    let lib = lib
        .strip_prefix(&format!("{}/", home.path("").display()))
        .unwrap_or(&lib)
        .to_owned();
    for line in [
        "site.lua:2: there is no global `fleat`\n  hint: did you mean `fleet`?",
        "lib/part.lua:3: there is no method `captur`\n  hint: did you mean `capture`?",
    ] {
        assert!(done.stdout.contains(line), "{lib}\n{done:?}");
    }
    assert_eq!(done.stderr, "2 files: 2 problems\n");
    let json = home.run(&["check", "--json", "site.lua"]).ended(2).stdout;
    let first: serde_json::Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    assert_eq!(
        (
            &first["file"],
            &first["line"],
            &first["level"],
            &first["hint"]
        ),
        (
            &"site.lua".into(),
            &2.into(),
            &"error".into(),
            &"did you mean `fleet`?".into()
        ),
        "{json}"
    );
    // Nothing of it has run, and no inventory was made.
    home.write("writes.lua", "io.open('made', 'w'):close()\nserver.list()");
    assert_eq!(
        home.run(&["check", "writes.lua"]).ended(0).stderr,
        "1 file in order\n"
    );
    assert!(!home.path("made").exists() && !home.data("cache.db").exists());
}

#[test]
fn overrides_that_are_no_stages() {
    let home = Home::new();
    let stage =
        |name: &str, text: &str| home.write(home.config(&format!("stages/{name}.lua")), text);
    stage("good", "return { name = 'good', apply = function() end }");
    for (name, text, told) in [
        (
            "env",
            "return { name = 'env', check = print }",
            "`apply` is missing",
        ),
        ("nothing", "local x = 1", "must return a table, not nil"),
        ("endless", "\nwhile true do end", "endless.lua:2: "),
        (
            "raises",
            "\n\nerror 'at load time'",
            "raises.lua:3: at load time",
        ),
        (
            "one",
            "return { name = 'one', needs = { 'two' }, apply = print }",
            "`needs` is a circle: one -> two -> one",
        ),
        (
            "two",
            "return { name = 'two', needs = { 'one' }, apply = print }",
            "circle",
        ),
        (
            "away",
            "return { name = 'away', apply = io.open('x') }",
            "away.lua:1: `io.open` is used while the file loads",
        ),
    ] {
        stage(name, text);
        if name == "one" {
            continue; // its other half comes next
        }
        let done = home.run(&["check", &format!("stages.{name}")]).ended(2);
        assert!(done.stdout.contains(told), "{name}: {done:?}");
        assert!(
            done.stdout.contains(&format!("{name}.lua")),
            "{name}: {done:?}"
        );
    }
    let folder = home.config("").display().to_string();
    let all = home.run(&["check", &folder]).ended(2);
    assert_eq!(all.stderr, "8 files: 7 problems\n", "{all:?}");
    // One that is broken does not hide the others.
    let list = home.run(&["stage", "--list"]).ended(2);
    assert!(
        list.stdout.contains("good ") && list.stdout.contains("cert "),
        "{list:?}"
    );
    assert!(
        list.stderr.contains("raises.lua:3: at load time"),
        "{list:?}"
    );
    assert!(list.stderr.contains("`apply` is missing"), "{list:?}");
}

#[test]
fn a_project_is_looked_at_before_anybody_trusts_it() {
    let home = Home::new();
    home.write(
        "p/.machineroom/stages/a.lua",
        "os.execute 'touch made'\nreturn { name = 'a', apply = print }",
    );
    home.write(
        "p/.machineroom/lib/x.lua",
        "return function(s) return s:run 'x' end",
    );
    home.write("p/.machineroom/meta/mr.lua", "this is no Lua");
    home.write("p/site.lua", "return require 'lib.x'");
    let within = |words: &[&str]| {
        let mut command = home.mroom(words);
        crate::support::home::run(command.current_dir(home.path("p")), "")
    };
    let done = within(&["check"]).ended(2);
    let told = ".machineroom/stages/a.lua:1: `os.execute` is used while the file loads\n";
    assert!(done.stdout.starts_with(told), "{done:?}");
    assert_eq!(done.stderr, "3 files: 1 problem\n");
    assert!(!home.path("p/made").exists());
    home.write(
        "p/.machineroom/stages/a.lua",
        "return { name = 'a', apply = print }",
    );
    assert_eq!(within(&["check"]).ended(0).stderr, "3 files in order\n");
    assert_eq!(
        within(&["check", "stages.a"]).ended(0).stderr,
        "1 file in order\n"
    );
    within(&["trust"]).ended(0);
    home.write(
        "p/.machineroom/lib/x.lua",
        "return function(s) return s:run 'y' end",
    );
    let changed = within(&["check", "."]).ended(0);
    assert!(
        changed
            .stderr
            .contains("`mroom trust` trusts it as it is now"),
        "{changed:?}"
    );
    assert!(
        home.run(&["check"])
            .ended(2)
            .stderr
            .contains("`mroom init` makes a project")
    );
    for (what, told) in [
        ("gone.lua", "there is no `gone.lua`"),
        ("stages.envv", "did you mean `stages.env`?"),
        ("p/.machineroom/meta", "no Lua file in"),
    ] {
        let done = home.run(&["check", what]);
        assert!(
            done.stderr.contains(told) || what.ends_with("meta"),
            "{what}: {done:?}"
        );
    }
}

#[test]
fn everything_that_ships_is_in_order() {
    let home = Home::new();
    for folder in ["scripts", "stdlib/mr"] {
        let path = super::files::root().join(folder);
        let done = home.run(&["check", path.to_str().unwrap()]);
        // A method that only Rust code gives is no slip.
        let wrong = done
            .stdout
            .lines()
            .find(|line| !line.contains(": warning: "));
        assert_eq!(wrong, None, "{folder}: {done:?}");
        done.ended(0);
    }
}
