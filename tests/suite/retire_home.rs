//! `retire`, `unretire`, `set-home` and `version`, and a list file in place of a pattern.

use crate::support::home::Home;
use crate::support::sshd::Sshd;

const LIST: &str = "web-01--10.0.0.1--root--\nweb-02--10.0.0.2--root--\ndb--10.0.0.3--root--\n";

fn room() -> Home {
    let home = Home::new();
    home.write("servers.txt", LIST);
    home.run(&["import", "servers.txt"]).ended(0);
    home
}

#[test]
fn out_of_service_and_back() {
    let home = room();
    home.write("old.txt", "web-01--10.0.0.1--root--\nweb-02--h--u--p\n");
    home.write("new.txt", "web-01--10.0.0.1--root--\nnew--h--u--p\n");
    insta::assert_snapshot!(home.session(&[
        "retire web-01",
        "retired web-01",
        "ls all",
        // Many are asked about, and nobody is there.
        "retires old.txt db",
        "retire old.txt db -y",
        "ls",
        "exec all -- true",
        "unretire new.txt",
        "unretire all --limit web-* --yes --json",
        "unretire db",
        "ls db --json",
        "retire nobody",
        "retire",
    ]));
}

#[test]
fn a_list_file_is_a_selection_everywhere() {
    let home = room();
    home.write(
        "lists/web.list",
        "# ours\nweb-02--10.0.0.2--root--secret--22\n",
    );
    insta::assert_snapshot!(home.session(&[
        "ls lists/web.list",
        "ls @./lists/web.list db",
        "set lists/web.list role=edge",
        "export all !lists/web.list",
        "ls nothing.txt",
        "ls ./lists",
    ]));
}

#[test]
fn the_start_folder_is_what_the_server_says() {
    let Some(sshd) = Sshd::start("") else { return };
    let home = Home::new();
    home.trust(&sshd);
    home.add("web", &sshd);
    home.run(&["add", "gone", "root@127.0.0.1:1", "--tag", "gone"])
        .ended(0);
    let place = tempfile::tempdir().unwrap();
    let place = place.path().canonicalize().unwrap();
    let folder = place.join("my work");
    std::fs::create_dir(&folder).unwrap();
    let folder = folder.to_str().unwrap();

    let check = home.run(&["set-home", "web", folder, "-C"]).ended(0);
    assert!(check.stderr.contains("changed 1"), "{check:?}");
    assert!(!home.ok(&["show", "web"]).contains("home_path"));
    let done = home.run(&["sethome", "web", folder]).ended(0);
    assert_eq!(done.stdout, format!("web: {folder}\n"));
    assert!(done.stderr.contains("changed 1"), "{done:?}");
    let again = home.run(&["loginat", "web", folder]).ended(0);
    assert!(again.stderr.contains("ok 1  changed 0"), "{again:?}");
    assert!(home.ok(&["show", "web"]).contains(folder));

    // The login's own home, which is not where the file of a test's server says.
    let own = home.run(&["startpath", "web", "~", "--json"]).ended(0);
    let object: serde_json::Value = serde_json::from_str(&own.stdout).unwrap();
    assert!(object["home"].as_str().unwrap().starts_with('/'), "{own:?}");

    let absent = home.run(&["loginstart", "web", "/nowhere/at/all"]).ended(3);
    assert!(
        absent.stderr.contains("`/nowhere/at/all` is no folder"),
        "{absent:?}"
    );
    home.run(&["set-home", "all", folder]).ended(4);
    home.run(&["set-home", "gone", "/srv", "--no-verify"])
        .ended(0);
    assert!(home.ok(&["show", "gone"]).contains("/srv"));
    let relative = home
        .run(&["set-home", "gone", "~/x", "--no-verify"])
        .ended(2);
    assert!(
        relative.stderr.contains("not an absolute path"),
        "{relative:?}"
    );
    home.run(&["set-home", "web", ""]).ended(2);
}

#[test]
fn the_version_and_what_is_built_in() {
    let home = Home::new();
    let short = home.ok(&["version"]);
    assert_eq!(short, home.ok(&["--version"]));
    for alias in ["v", "ver", "versions"] {
        assert_eq!(home.ok(&[alias]), short);
    }
    let long = home.ok(&["version", "-v"]);
    let number = |name: &str| {
        let line = long.lines().find(|l| l.starts_with(name)).unwrap();
        line[name.len()..]
            .trim()
            .starts_with(|c: char| c.is_ascii_digit())
    };
    assert!(
        ["sqlite", "lua", "libssh2"].into_iter().all(number),
        "{long}"
    );
    let json: serde_json::Value = serde_json::from_str(&home.ok(&["version", "--json"])).unwrap();
    assert!(json["schema"].as_u64() > Some(1), "{json}");
    assert!(!home.data("cache.db").exists(), "looking makes nothing");
}
