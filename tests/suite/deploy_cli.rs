//! The verbs of `mroom docker` for deployments: an app's file, server after server, the locks, the
//! past.

use serde_json::Value as Json;

use crate::support::apps::Apps;

const SHOP: &str = r#"
return {
  image = "demo:1",
  port = 8080,
  pull = "never",
  proxy = true,
  probe = { http = "/health", timeout = 8 },
  drain = 5,
  stop_timeout = 1,
}
"#;

fn lines(text: &str) -> Vec<Json> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn an_app_is_deployed_looked_at_and_brought_back() {
    let Some(apps) = Apps::start() else { return };
    let home = &apps.cell.home;
    home.write(home.config("deploys/shop.lua"), SHOP);
    home.ok(&["add", "again", "root@127.0.0.2"]);
    let host = std::fs::read_to_string(home.path(".ssh/known_hosts")).unwrap();
    home.write(
        ".ssh/known_hosts",
        format!("{host}{}", host.replace("127.0.0.1", "127.0.0.2")),
    );
    let docker = |words: &[&str]| apps.cell.mroom(&[&["docker"], words].concat());

    let done = docker(&["root", "deploy", "shop"]).ended(0);
    assert!(
        done.stdout.contains("changed") && done.stdout.contains("serves (demo:1)"),
        "{done:?}"
    );
    assert_eq!(apps.answer(80), "one");
    // One server after another; the second finds that it is done: they are one machine.
    let done = docker(&["root again", "deploy", "shop", "--image", "demo:2"]).ended(0);
    assert!(done.stdout.contains("serves already (demo:2)"), "{done:?}");
    assert!(done.stderr.contains("ok 1  changed 1"), "{done:?}");
    // The first that fails is the last that is tried.
    let failed = docker(&["root again", "deploy", "shop", "--image=demo:exits"]).ended(3);
    assert!(
        failed.stderr.contains("cannot open the database"),
        "{failed:?}"
    );
    assert!(failed.stderr.contains("not started"), "{failed:?}");
    assert!(
        failed.stderr.contains("skipped 1  cancelled 0"),
        "{failed:?}"
    );
    assert_eq!(apps.answer(80), "two");

    let back = apps
        .cell
        .mroom(&["docker", "--json", "root", "rollback", "shop"])
        .ended(0);
    let back = &lines(&back.stdout)[0];
    assert_eq!(
        (&back["status"], &back["value"]["image"]),
        (&"changed".into(), &"demo:1".into())
    );
    assert_eq!(apps.answer(80), "one");

    let past = apps
        .cell
        .mroom(&["--json", "docker", "root", "deploys", "shop"])
        .ended(0);
    let past = lines(&past.stdout);
    let outcomes: Vec<&str> = past
        .iter()
        .map(|e| e["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["ok", "ok", "failed", "ok"], "{past:?}");
    assert!(
        past.iter()
            .all(|e| e["server"] == "root" && e["by"].is_string())
    );
    docker(&["root", "deploys"]).ended(0);
}

#[test]
fn locks_are_seen_and_broken() {
    let Some(apps) = Apps::start() else { return };
    let home = &apps.cell.home;
    home.write(home.config("deploys/shop.lua"), SHOP);
    let docker = |words: &[&str]| apps.cell.mroom(&[&["docker", "root"], words].concat());
    assert_eq!(docker(&["locks"]).ended(0).stdout, "");
    apps.play(&["demo:1", "-e", "die=start"]).ended(137);
    let locks = docker(&["locks"]).ended(0).stdout;
    assert!(
        locks.contains("shop") && locks.contains("deploy of shop"),
        "{locks}"
    );
    let refused = docker(&["deploy", "shop"]);
    assert!(
        refused.code != 0 && refused.stderr.contains("is held by"),
        "{refused:?}"
    );
    let done = docker(&["unlock", "shop"]).ended(0);
    assert!(done.stdout.contains("is broken"), "{done:?}");
    assert!(
        docker(&["unlock", "shop"])
            .ended(0)
            .stdout
            .contains("there was no lease")
    );
    docker(&["deploy", "shop"]).ended(0);
    assert_eq!(apps.answer(80), "one");
}

#[test]
fn what_is_wrong_is_said_before_a_server_is_touched() {
    let home = crate::support::home::Home::new();
    home.ok(&["add", "a", "root@192.0.2.1"]);
    home.write(
        home.config("deploys/shop.lua"),
        "return { image = 'demo:1', prot = 8080 }",
    );
    for (words, told) in [
        (&["deploy", "shop"][..], "did you mean `port`?"),
        (&["deploy", "shpo"], "did you mean `shop`?"),
        (&["deploy", "../x"], "is no name of an app"),
        (&["deploy"], "the app is missing"),
        (&["unlock", "a b"], "is no name of an app"),
        (
            &["deploy", "shop", "--fast"],
            "`deploy` has no flag `--fast`",
        ),
    ] {
        let done = home.run(&[&["docker", "a"], words].concat()).ended(2);
        assert!(done.stderr.contains(told), "{words:?}: {done:?}");
    }
}
