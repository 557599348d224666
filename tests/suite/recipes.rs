//! The recipes `backup`, `certs` and `rotate_keys` on real servers: sshd, SQLite, a TLS server.

use std::fs;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::home::Home;
use crate::support::place::Place;
use crate::support::sshd::{Sshd, free_port, has, keygen};

#[test]
fn a_database_in_use_is_saved_whole() {
    let Some(sshd) = Sshd::start("") else { return };
    if !has("python3") || !has("tar") {
        return;
    }
    let home = Home::new();
    home.add("web", &sshd);
    home.trust(&sshd);
    let cache = home.path("srv/cache");
    home.write("srv/cache/sub/a b\nc", "x");
    fs::write(cache.join("plain-wal"), "no database beside it").unwrap();
    // Half of the rows are only in the write-ahead log, and somebody has it open.
    let script = "import sqlite3, sys, time\nc = sqlite3.connect(sys.argv[1])\n\
        c.execute('pragma journal_mode=wal')\nc.execute('create table t(a)')\n\
        c.executemany('insert into t values(?)', [(i,) for i in range(5000)])\nc.commit()\n\
        print('open', flush=True)\nsys.stdin.read()\n";
    let mut writer = Command::new("python3")
        .args(["-c", script])
        .arg(cache.join("app.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 5];
    std::io::Read::read_exact(writer.stdout.as_mut().unwrap(), &mut line).unwrap();

    let path = format!("path={}", cache.display());
    let save = |more: &[&str]| home.run(&[&["run", "backup", "-e", &path], more].concat());
    let done = save(&["--check", "web"]).ended(0);
    assert!(done.stderr.contains("would run"), "{done:?}");
    assert!(!home.path("backups").exists());
    let done = save(&["--json", "web"]).ended(0);
    let value: Value = serde_json::from_str(&done.stdout).unwrap();
    let value = &value["value"];
    assert_eq!(
        (&value["files"], &value["databases"]),
        (&3.into(), &1.into())
    );
    let archive = home.path(value["file"].as_str().unwrap());
    fs::create_dir(home.path("out")).unwrap();
    let unpacked = Command::new("tar")
        .arg("-xzf")
        .arg(&archive)
        .arg("-C")
        .arg(home.path("out"))
        .status();
    assert!(unpacked.unwrap().success());
    assert_eq!(
        fs::read_to_string(home.path("out/sub/a b\nc")).unwrap(),
        "x"
    );
    assert!(home.path("out/plain-wal").exists() && !home.path("out/app.db-wal").exists());
    let count = "import sqlite3, sys\nprint(sqlite3.connect(sys.argv[1]).execute('select count(*) from t').fetchone()[0])";
    let counted = Command::new("python3")
        .args(["-c", count])
        .arg(home.path("out/app.db"))
        .output()
        .unwrap();
    assert_eq!(counted.stdout, b"5000\n");
    drop(writer.stdin.take());
    writer.wait().unwrap();

    // Old ones go, other files stay.
    let folder = archive.parent().unwrap();
    fs::write(folder.join("cache-20200101T000000Z.tar.gz"), "old").unwrap();
    fs::write(folder.join("cache-notes.txt"), "mine").unwrap();
    save(&["-e", "keep=1", "web"]).ended(0);
    let left = fs::read_dir(folder).unwrap().count();
    assert!(
        left == 2 && folder.join("cache-notes.txt").exists(),
        "{left}"
    );

    // A damaged database is no backup.
    let mut bytes = fs::read(cache.join("app.db")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 2000].fill(0xff);
    fs::write(cache.join("bad.db"), bytes).unwrap();
    let done = save(&["web"]).ended(3);
    assert!(
        done.stderr.contains("bad.db is damaged")
            || done.stderr.contains("bad.db cannot be copied"),
        "{done:?}"
    );
    let done = home
        .run(&["run", "backup", "-e", "path=/nowhere", "web"])
        .ended(3);
    assert!(done.stderr.contains("there is no /nowhere"), "{done:?}");
    home.run(&["run", "backup", "-e", "keep=0", "web"]).ended(2);
}

/// A TLS server with a certificate of so many days; killed when dropped.
struct Tls(Child, u16);

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn tls(home: &Home, days: &str) -> Tls {
    let (key, cert) = (home.path("key.pem"), home.path(&format!("cert-{days}.pem")));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-days", days, "-subj", "/O=Test CA/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let port = free_port();
    let server = Command::new("openssl")
        .args([
            "s_server",
            "-quiet",
            "-accept",
            &format!("127.0.0.1:{port}"),
        ])
        .arg("-key")
        .arg(&key)
        .arg("-cert")
        .arg(&cert)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..200 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    Tls(server, port)
}

#[test]
fn certificates_are_told_with_what_is_wrong() {
    let Some(sshd) = Sshd::start("") else { return };
    if !has("openssl") {
        return;
    }
    let home = Home::new();
    let server = tls(&home, "10");
    let good = format!("localhost:{}", server.1);
    let closed = format!("localhost:{}", free_port());
    let done = home
        .run(&["run", "--json", "certs", &good, &closed])
        .ended(3);
    let rows: Vec<Value> = done
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows[0]["state"], "not trusted", "{rows:?}");
    assert_eq!(rows[0]["issuer"], "Test CA");
    let days = rows[0]["days"].as_i64().unwrap();
    assert!((9..=10).contains(&days), "{rows:?}");
    assert_eq!(rows[1]["state"], "unreachable");
    assert_eq!(rows[1]["name"], closed);
    let done = home.run(&["run", "certs", &good]).ended(3);
    assert!(done.stdout.starts_with("DAYS  NAME"), "{done:?}");
    // The same, seen from a server.
    home.add("web", &sshd);
    home.trust(&sshd);
    let done = home
        .run(&["run", "certs", "-e", "from=web", &good])
        .ended(0);
    assert!(
        done.stdout.contains("web     ") && done.stdout.contains("not trusted"),
        "{done:?}"
    );
    for bad in [
        &["certs"][..],
        &["certs", "a b"],
        &["certs", "-x"],
        &["certs", "a:0"],
        &["certs", "a;b"],
    ] {
        home.run(&[&["run"], bad].concat()).ended(2);
    }
}

#[test]
fn keys_rotate_and_nobody_is_locked_out() {
    let Some(place) = Place::new("HOME/.ssh/authorized_keys") else {
        return;
    };
    let me = Home::new();
    me.trust(&place.sshd);
    me.add("web", &place.sshd);
    let first = place.public().display().to_string();
    me.run(&["add-cert", "web", &first]).ended(0);
    let new = me.path("next");
    keygen(&new, &["-t", "ed25519", "-N", "", "-C", "next@here"]);
    let key = format!("key={}.pub", new.display());
    let rotate = |more: &[&str]| me.run(&[&["run", "rotate_keys", "-e", &key], more].concat());

    let before = fs::read_to_string(place.file()).unwrap();
    rotate(&["--check", "web"]);
    assert_eq!(fs::read_to_string(place.file()).unwrap(), before);
    let done = rotate(&["web"]).ended(0);
    assert!(
        done.stdout.contains("add_cert changed, off_cert changed"),
        "{done:?}"
    );
    let public = fs::read_to_string(new.with_extension("pub")).unwrap();
    assert_eq!(fs::read_to_string(place.file()).unwrap(), public);
    me.run(&["exec", "web", "--", "true"]).ended(0);
    let done = rotate(&["web"]).ended(0);
    assert!(
        done.stdout.contains("web     ok      add_cert ok"),
        "{done:?}"
    );

    // A key that the server does not take leaves the old one where it is.
    fs::set_permissions(
        place.file(),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    let missing = me.run(&["run", "rotate_keys", "-e", "key=gone.pub", "web"]);
    assert!(
        missing.code == 2 && missing.stderr.contains("gone.pub"),
        "{missing:?}"
    );
    me.run(&["run", "rotate_keys", "web"]).ended(2);
    me.run(&["run", "rotate_keys", "-e", &key]).ended(2);
    assert_eq!(fs::read_to_string(place.file()).unwrap(), public);
}
