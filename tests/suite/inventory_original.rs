//! A database that the Python tool itself has made (its release 0.47.6, from PyPI) is backed up
//! and upgraded in place.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use serde_json::json;

use super::inventory::open;
use super::inventory_secrets::files_with;

/// Drives the package's own code: its list-file reader and its `ServerRoom`.
const MAKE: &str = r##"
import os, sys
folder = sys.argv[1]
from machineroom.const import Config
Config.DATAPATH_BASE = folder
from machineroom.util import Servers
with open(os.path.join(folder, "servers.txt"), "w") as f:
    f.write("#office--L2TP/IPSEC--vpn.example--me--tunnel-pw\n"
            "web-01--10.0.0.1--root--hunter2-web--22\n"
            "db-01----10.0.0.2----admin----hunter2-db----2222\n"
            "key-01--10.0.0.3--admin--")
servers = Servers("servers.txt")
servers.detect_servers()
for i in range(1, servers.serv_count):
    servers.read_serv_at(i)
os.remove(os.path.join(folder, "servers.txt"))
room = servers.local()
room.set_server_id("web-01")
room.cert_install()
room.docker_compose_install()
room.update_res_kv("ports", [22, 80])
room.update_res_kv("python3_installed", 1)
room.update_res_kv("mine", "kept")
room.check_df_visit()
room.set_server_id("db-01")
room.update_res_kv("retired", True)
room.update_param("db-01", {"res": '{"tunnel_profile": "office", "retired": true', "port": "22x"})
room.set_server_id("plain")
room.entrance_L1({"id": "plain", "host": "h", "user": "u", "pass": "hunter2-plain", "port": "2022"})
"##;

/// The Python of an environment with the package; `None`, with the reason printed, when it is not
/// to be had here.
fn python() -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("machineroom-0.47.6");
    let python = home.join("bin/python3");
    let done = home.join("done");
    if done.exists() {
        return Some(python);
    }
    let run = |program: &Path, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        match output {
            Err(e) => Err(format!("{}: {e}", program.display())),
            Ok(o) if o.status.success() => Ok(()),
            Ok(o) => Err(String::from_utf8_lossy(&o.stderr).into_owned()),
        }
    };
    let home_text = home.to_str().unwrap();
    // The package imports requests without saying so.
    let packages = ["machineroom==0.47.6", "requests"];
    let arguments = [
        &["-m", "pip", "install", "-q", "--disable-pip-version-check"],
        &packages[..],
    ];
    let made = run(Path::new("python3"), &["-m", "venv", "--clear", home_text])
        .and_then(|()| run(&python, &arguments.concat()));
    match made {
        Ok(()) => {
            fs::write(done, "").unwrap();
            Some(python)
        }
        Err(why) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "no machineroom 0.47.6 from PyPI: {why}"
            );
            println!("skipped: no machineroom 0.47.6 from PyPI: {why}");
            None
        }
    }
}

type Row = (String, String, String, Option<String>, String, String);

fn rows(path: &Path) -> Vec<Row> {
    let conn = Connection::open(path).unwrap();
    let sql =
        "SELECT id, host, user, description, res, next_action FROM server_room ORDER BY rowid";
    let mut query = conn.prepare(sql).unwrap();
    let rows = query.query_map([], |r| {
        Ok((
            r.get(0)?,
            r.get(1)?,
            r.get(2)?,
            r.get(3)?,
            r.get(4)?,
            r.get(5)?,
        ))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn definition(path: &Path) -> String {
    let sql = "SELECT sql FROM sqlite_schema WHERE name = 'server_room'";
    Connection::open(path)
        .unwrap()
        .query_row(sql, [], |r| r.get(0))
        .unwrap()
}

#[test]
fn a_genuine_original_is_upgraded() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let made = Command::new(python)
        .args(["-c", MAKE, dir.path().to_str().unwrap()])
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let path = dir.path().join("cache.db");
    let before = rows(&path);
    let original = definition(&path);
    assert_eq!(before.len(), 4);
    assert_eq!(files_with(dir.path(), "hunter2-web").len(), 1);

    let store = open(dir.path());
    let backup = dir.path().join("cache.original.db");
    let notice = store.notice().unwrap();
    assert!(notice.contains(backup.to_str().unwrap()), "{notice}");
    assert!(notice.contains("in the clear"), "{notice}");
    let mode = fs::metadata(&backup).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(rows(&backup), before);

    // Every column but the password is as it was, and the password is only in the copy.
    assert_eq!(rows(&path), before);
    for password in ["hunter2-web", "hunter2-db", "hunter2-plain"] {
        assert_eq!(
            files_with(dir.path(), password),
            [backup.display().to_string()]
        );
    }
    let servers = store.list().unwrap();
    let ids: Vec<&str> = servers.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["web-01", "db-01", "key-01", "plain"]);
    let passwords: Vec<String> = servers
        .iter()
        .map(|s| {
            store
                .password(s)
                .unwrap()
                .map_or_else(String::new, |p| p.reveal().to_owned())
        })
        .collect();
    assert_eq!(
        passwords,
        ["hunter2-web", "hunter2-db", "", "hunter2-plain"]
    );

    let [web, db, key, plain] = servers.as_slice() else {
        unreachable!("four, as above")
    };
    assert!(web.has_mark("identity_cert_installed") && web.has_mark("docker_compose_installed"));
    assert!(
        !web.has_mark("python3_installed"),
        "1 was no mark for the original either"
    );
    assert_eq!(web.meta["ports"], json!([22, 80]));
    assert_eq!((web.tunnel(), web.port), (Some("office"), 22));
    assert!(web.next_action["df_management"].is_i64());
    assert_eq!((key.port, plain.port), (22, 2022));

    // What is no port and no JSON is shown as such, and neither lost nor in the way.
    assert_eq!(db.port, 0);
    let broken = db.meta["unreadable_res"].as_str().unwrap();
    assert_eq!(broken, r#"{"tunnel_profile": "office", "retired": true"#);
    store.update("db-01", |s| s.set("port", "22")).unwrap();
    store.meta_set("web-01", "role", &json!("edge")).unwrap();
    let after = rows(&path);
    assert_eq!(after[1], before[1]);
    assert_eq!(after[0].5, before[0].5);
    assert!(after[0].4.contains(r#""mine":"kept""#), "{}", after[0].4);

    // Opened again it is an ordinary database, like one that was never anything else.
    let store = open(dir.path());
    assert_eq!(store.notice(), None);
    assert_eq!(store.get("db-01").unwrap().unwrap().port, 22);
    let fresh = tempfile::tempdir().unwrap();
    drop(open(fresh.path()));
    assert_eq!(definition(&fresh.path().join("cache.db")), original);
}
