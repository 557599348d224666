//! `add-cert` and `off-cert` on a real sshd whose logins have a throw-away home.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use crate::support::home::{Done, Home};
use crate::support::place::Place;
use crate::support::sshd::{keygen, user};

const OTHER: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPppppppppppppppppppppppppppppppppppppppppppp other@there";

/// A person whose server `web` has a throw-away home; the sshd's own key is the first way in.
struct Case {
    place: Place,
    me: Home,
}

impl Case {
    fn new(keys: &str) -> Option<Case> {
        let place = Place::new(keys)?;
        let me = Home::new();
        me.trust(&place.sshd);
        me.add("web", &place.sshd);
        Some(Case { place, me })
    }

    fn new_key(&self) -> String {
        self.place.public().display().to_string()
    }

    fn private(&self) -> String {
        self.new_key().trim_end_matches(".pub").to_owned()
    }

    fn meta(&self) -> serde_json::Value {
        let text = self.me.ok(&["show", "web", "--json"]);
        let server: serde_json::Value = serde_json::from_str(&text).unwrap();
        server["meta"].clone()
    }

    /// A way in that is none of the server's own keys.
    fn give_identity(&self) -> PathBuf {
        fs::create_dir_all(self.me.path(".ssh")).unwrap();
        let key = self.me.path(".ssh/id_ed25519");
        keygen(&key, &["-t", "ed25519", "-N", ""]);
        key.with_extension("pub")
    }
}

#[track_caller]
fn says(done: &Done, line: &str) {
    assert!(done.stdout.starts_with(line), "{done:?}");
}

#[test]
fn a_key_is_installed_proven_and_marked_once() {
    let Some(case) = Case::new("HOME/.ssh/authorized_keys") else {
        return;
    };
    let key = case.new_key();
    let done = case.me.run(&["add-cert", "web", &key, "--check"]).ended(0);
    says(&done, "web  changed      add_cert changed\n");
    assert!(!case.place.file().exists());
    let done = case.me.run(&["add-cert", "web", &key]).ended(0);
    says(&done, "web  changed      add_cert changed\n");
    assert!(done.stderr.ends_with(
        "ok 0  changed 1  failed 0  unreachable 0  skipped 0  cancelled 0  unknown 0\n"
    ));
    let line = case.place.line() + "\n";
    assert_eq!(fs::read_to_string(case.place.file()).unwrap(), line);
    let meta = case.meta();
    assert_eq!(meta["custom_cert_me@here"], true);
    assert_eq!(meta["local_cert_path"], case.private());
    // Another time nothing is left to do; a name of one's own is one more mark.
    says(
        &case.me.run(&["add-cert", "web", &key]).ended(0),
        "web  ok           add_cert ok\n",
    );
    let done = case
        .me
        .run(&["add-cert", "web", &key, "--name", "team", "--json"])
        .ended(0);
    assert!(
        done.stdout
            .contains("\"server\":\"web\",\"status\":\"changed\""),
        "{done:?}"
    );
    assert_eq!(case.meta()["custom_cert_team"], true);
    assert_eq!(fs::read_to_string(case.place.file()).unwrap(), line);
    // It is the way in now.
    case.me.run(&["exec", "web", "--", "true"]).ended(0);
}

#[test]
fn a_key_that_does_not_open_is_taken_back() {
    let Some(case) = Case::new("") else { return };
    let before = case.meta();
    let done = case.me.run(&["add-cert", "web", &case.new_key()]).ended(3);
    assert!(
        done.stdout.contains("alone does not open the server"),
        "{done:?}"
    );
    assert!(done.stdout.contains("it was taken back"), "{done:?}");
    assert!(!case.place.ssh_dir().exists());
    assert_eq!(case.meta(), before);
    // What is no key pair never gets near a server.
    fs::remove_file(case.private()).unwrap();
    for (key, message) in [
        (case.new_key(), "no private half of"),
        ("/nowhere.pub".to_owned(), "cannot read the public key"),
        (
            case.place.sshd.path("id").display().to_string(),
            "is a private key",
        ),
    ] {
        let done = case.me.run(&["add-cert", "web", &key]);
        assert!(done.code != 0, "{done:?}");
        let told = format!("{}{}", done.stdout, done.stderr);
        assert!(told.contains(message), "{key}: {done:?}");
    }
    assert!(!case.place.ssh_dir().exists());
}

#[test]
fn a_key_goes_only_when_another_login_is_proven() {
    let Some(case) = Case::new("HOME/.ssh/authorized_keys") else {
        return;
    };
    let key = case.new_key();
    case.me.run(&["add-cert", "web", &key]).ended(0);
    let before = fs::read(case.place.file()).unwrap();
    let meta = case.meta();
    for check in [&["off-cert", "web", "--check"][..], &["off-cert", "web"]] {
        let done = case.me.run(check).ended(3);
        assert!(
            done.stdout.contains("nothing was removed: without"),
            "{done:?}"
        );
        assert!(
            done.stderr
                .contains("mroom stage cert -o key=OTHER.pub web"),
            "{done:?}"
        );
        assert_eq!(fs::read(case.place.file()).unwrap(), before);
        assert_eq!(case.meta(), meta);
    }
    // A default identity is a login of its own; lines of others stay, all of ours go.
    let identity = fs::read_to_string(case.give_identity()).unwrap();
    let line = case.place.line();
    let key_alone = line.trim_end_matches(" me@here");
    let others = format!(
        "# {line}\r\n{OTHER}\r\n\n{identity}cert-authority {key_alone}\n\u{1}\t odd\n{OTHER}"
    );
    let ours = format!("{line}\nno-pty,environment=\"A=b c\" {key_alone}\n\t{key_alone} twice\r\n");
    fs::write(case.place.file(), format!("{ours}{others}")).unwrap();
    fs::set_permissions(case.place.file(), fs::Permissions::from_mode(0o640)).unwrap();
    let done = case.me.run(&["off-cert", "web", "--check"]).ended(0);
    says(&done, "web  changed      off_cert changed\n");
    assert_eq!(
        fs::read_to_string(case.place.file()).unwrap(),
        format!("{ours}{others}")
    );
    says(
        &case.me.run(&["off-cert", "web"]).ended(0),
        "web  changed      off_cert changed\n",
    );
    assert_eq!(fs::read_to_string(case.place.file()).unwrap(), others);
    let mode = fs::metadata(case.place.file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(
        fs::read_dir(case.place.ssh_dir()).unwrap().count(),
        1,
        "nothing is left beside it"
    );
    assert_eq!(case.meta(), serde_json::json!({}));
    case.me.run(&["exec", "web", "--", "true"]).ended(0);
    // Without a key of its own, the key is named; what is not there is fine.
    let done = case.me.run(&["off-cert", "web"]);
    assert!(
        format!("{done:?}").contains("the server has no key of its own"),
        "{done:?}"
    );
    let done = case.me.run(&["off-cert", "web", "--key", &key]).ended(0);
    says(&done, "web  ok           off_cert ok\n");
    assert_eq!(fs::read_to_string(case.place.file()).unwrap(), others);
}

#[test]
fn a_link_leads_to_the_file_that_is_changed() {
    let Some(case) = Case::new("HOME/.ssh/authorized_keys") else {
        return;
    };
    case.give_identity();
    let identity = fs::read_to_string(case.me.path(".ssh/id_ed25519.pub")).unwrap();
    let real = case.place.dir.path().join("home/keys");
    fs::create_dir(case.place.ssh_dir()).unwrap();
    fs::write(&real, format!("{identity}{}", case.place.line())).unwrap();
    symlink("../keys", case.place.file()).unwrap();
    case.me
        .run(&["off-cert", "web", "--key", &case.new_key()])
        .ended(0);
    assert!(
        fs::symlink_metadata(case.place.file())
            .unwrap()
            .is_symlink()
    );
    assert_eq!(fs::read_to_string(real).unwrap(), identity);
    // The sshd's own key got in all the time, and is still the server's.
    assert!(
        case.meta()["local_cert_path"]
            .as_str()
            .unwrap()
            .ends_with("/id")
    );
}

#[test]
fn a_key_that_sshd_finds_elsewhere_is_told() {
    let Some(case) = Case::new("HOME/.ssh/authorized_keys") else {
        return;
    };
    case.give_identity();
    let identity = fs::read_to_string(case.me.path(".ssh/id_ed25519.pub")).unwrap();
    // The server's own key is in a file of sshd's, not in the account's.
    fs::create_dir(case.place.ssh_dir()).unwrap();
    fs::write(case.place.file(), &identity).unwrap();
    let done = case.me.run(&["off-cert", "web"]).ended(3);
    assert!(done.stdout.contains("still opens the server"), "{done:?}");
    assert!(case.meta()["local_cert_path"].is_string());
}

#[test]
fn marks_alone_are_forgotten_without_a_connection() {
    let me = Home::new();
    me.ok(&[
        "add",
        "web",
        "root@127.0.0.1:1",
        "identity_cert_installed=true",
        "custom_cert_x=true",
        "key=~/k",
    ]);
    let done = me.run(&["off-cert", "web", "--mark-only", "-C"]).ended(0);
    says(&done, "web  changed      off_cert changed\n");
    says(
        &me.run(&["off-cert", "web", "--mark-only"]).ended(0),
        "web  changed      off_cert changed\n",
    );
    let shown = me.ok(&["show", "web"]);
    assert!(!shown.contains("identity_cert_installed"), "{shown}");
    // As the original: nothing else is touched.
    assert!(
        shown.contains("custom_cert_x") && shown.contains("~/k"),
        "{shown}"
    );
    says(
        &me.run(&["off-cert", "web", "--mark-only"]).ended(0),
        "web  ok           off_cert ok\n",
    );
}

#[test]
fn the_original_names_work() {
    let me = Home::new();
    me.ok(&["add", "web", &format!("{}@127.0.0.1:1", user())]);
    for name in [
        "takeoff",
        "stripcert",
        "takeout",
        "removecert",
        "certremove",
        "off-cert",
    ] {
        me.run(&[name, "web", "--mark-only"]).ended(0);
    }
    for name in [
        "addingcert",
        "makecert",
        "cert-on",
        "on-cert",
        "customcert",
        "certificatessh",
        "sshcertifcate",
        "add-cert",
    ] {
        let done = me.run(&[name, "web", "/nowhere.pub"]);
        let told = format!("{}{}", done.stdout, done.stderr);
        assert!(
            told.contains("cannot read the public key `/nowhere.pub`"),
            "{name}: {done:?}"
        );
    }
}
