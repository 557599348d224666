//! Compose projects from a local folder: rendered, brought up, and put back when they are not well.

use std::fs;

use crate::support::apps::Apps;

const COMPOSE: &str = r#"services:
  web:
    image: demo:{{ version }}
    ports: ["8095:8080"]
    volumes: ["./assets:/assets:ro"]
    healthcheck:
      test: ["CMD", "wget", "-q", "-O", "/dev/null", "127.0.0.1:8080/{{ page }}"]
      interval: 1s
      retries: 2
"#;

const PLAY: &str = r#"
local d = server("root"):docker()
local result, err = mr.try(d.deploy, d, {
  app = "site",
  compose = "site",
  values = { version = arg[1], page = arg[2] or "health", key = arg[4] and mr.secret(arg[4]) or "" },
  pull = arg[3] or "never",
  timeout = 30,
})
if err then
  error(err)
end
print(result.status)
"#;

#[test]
fn a_project_comes_up_and_comes_back() {
    let Some(apps) = Apps::bare() else { return };
    let home = &apps.cell.home;
    fs::create_dir_all(home.path("site/assets")).unwrap();
    fs::create_dir_all(home.path("site/cache")).unwrap();
    home.write("site/docker-compose.yml.j2", COMPOSE);
    home.write("site/assets/note.txt", "hi\n");
    home.write("site/key.txt.tmpl", "{{ key }}\n");
    home.write("site.lua", PLAY);
    let play = |words: &[&str]| apps.cell.mroom(&[&["run", "site.lua"], words].concat());

    let sealed = |pull| play(&["1", "health", pull, "s3cret-of-site"]);
    assert_eq!(sealed("never").ended(0).stdout, "changed\n");
    assert_eq!(apps.answer(8095), "one");
    apps.cell
        .shell("cd /root/machineroom/site && test -d cache && grep -qx s3cret-of-site key.txt && cat assets/note.txt && docker exec site-web-1 cat /assets/note.txt")
        .ended(0);
    assert_eq!(sealed("never").ended(0).stdout, "ok\n");
    // To start compose is what costs the server: once, when there is nothing to do.
    assert_eq!(compose_starts(&apps), ["up"]);
    // An image that cannot be pulled (there is no way to any registry) may be there.
    let there = sealed("always").ended(0);
    assert_eq!(there.stdout, "ok\n");
    assert!(
        there
            .stderr
            .contains("the images of `site` are those that were there"),
        "{there:?}"
    );
    let diff = play(&["2", "-D"]).ended(0);
    assert!(
        diff.stdout.contains("+    image: demo:2") || diff.stderr.contains("+    image: demo:2"),
        "{diff:?}"
    );
    assert_eq!(apps.answer(8095), "two");

    // It never becomes well: what there was comes back, with the reason.
    let failed = play(&["1", "nowhere"]).ended(3);
    assert!(
        failed.stderr.contains("what there was is back"),
        "{failed:?}"
    );
    assert!(failed.stderr.contains("404"), "{failed:?}");
    assert_eq!(apps.answer(8095), "two");
    let file = apps
        .cell
        .shell("cat /root/machineroom/site/docker-compose.yml")
        .ended(0)
        .stdout;
    assert!(
        file.contains("demo:2") && file.contains("8080/health"),
        "{file}"
    );

    // What compose does not understand is refused before anything is put in place.
    home.write("site/docker-compose.yml.j2", "services: [\n");
    let refused = play(&["1"]);
    assert_ne!(refused.code, 0);
    let same = apps
        .cell
        .shell("cat /root/machineroom/site/docker-compose.yml")
        .ended(0)
        .stdout;
    assert_eq!((same, apps.answer(8095)), (file, "two".into()));
}

/// The verbs of compose that the last run has called.
fn compose_starts(apps: &Apps) -> Vec<String> {
    let log = apps.cell.mroom(&["log", "--json", "-n0"]).ended(0).stdout;
    let entries: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let last = &entries.last().unwrap()["run"];
    let words = entries
        .iter()
        .filter(|entry| &entry["run"] == last)
        .filter_map(|entry| entry["what"].as_str())
        .filter(|what| what.starts_with("docker compose "));
    words
        .filter_map(|what| {
            what.split(' ')
                .skip(2)
                .find(|word| !word.starts_with('-'))
                .map(str::to_owned)
        })
        .collect()
}
