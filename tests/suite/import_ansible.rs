//! Ansible inventories: what is refused, what is left out, and the files beside them.

use std::path::Path;

use machineroom::error::Error;
use machineroom::inventory::{Format, ImportOptions, Summary};
use serde_json::Value;

use super::inventory::Room;

pub fn import(room: &Room, path: &Path, options: &ImportOptions) -> Summary {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).unwrap();
    room.store.import(&name, &bytes, options).unwrap()
}

fn plain() -> ImportOptions {
    ImportOptions {
        user: Some("root".into()),
        format: Some(Format::Ansible),
        ..Default::default()
    }
}

/// An import of files in a folder of its own: the inventory is the first.
fn try_files(files: &[(&str, &str)], options: &ImportOptions) -> (Room, Summary) {
    let room = Room::new();
    for (name, text) in files {
        let path = room.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let path = room.dir.path().join(files[0].0);
    let summary = import(&room, &path, options);
    (room, summary)
}

fn told(room: &Room, lines: impl Iterator<Item = String>) -> Vec<String> {
    let folder = format!("{}/", room.dir.path().display());
    lines.map(|line| line.replace(&folder, "")).collect()
}

#[test]
fn bad_ones_are_named_by_line() {
    for (text, expected) in [
        (
            "[web]\nw1 ansible_port=x\n",
            "hosts:2: `ansible_port`: the port is not a number",
        ),
        (
            "[web]\nw1 oops\n",
            "hosts:2: after the host, every word is `key=value`",
        ),
        ("[web]\nw1 k='x\n", "hosts:2: a quote stays open"),
        ("[web]\nw[3:1]\n", "hosts:2: range `[3:1]` runs backwards"),
        (
            "[we b]\nw1\n",
            "hosts:1: `[we b]` is not `[group]`, `[group:vars]` or `[group:children]`",
        ),
        (
            "[web:hots]\nw1\n",
            "hosts:1: section `[web:hots]` has the unknown kind `hots`",
        ),
        (
            "[web]\n[web:vars]\nx\n",
            "hosts:3: a line of `:vars` is `key=value`",
        ),
        ("[web:vars]\nx=1\n", "hosts:1: group `web` is not defined"),
        ("[web:children]\ndb\n", "hosts:2: group `db` is not defined"),
        (
            "[a:children]\nb\n[b:children]\na\n",
            "hosts:1: group `a` is among its own children",
        ),
        (
            "[web]\na=b\n",
            "hosts:2: id `a=b` may not hold `=`, which has a meaning in patterns",
        ),
        (
            "[we*]\nw1\n",
            "hosts:1: a group becomes a tag: tag `we*` may not hold `*`",
        ),
        (
            "[web]\nw1 ansible_host='a b'\n",
            "hosts:2: the host holds a space",
        ),
        (
            "[web]\nw1 ansible_user='{{ me }}'\n",
            "hosts:2: `ansible_user` is a template",
        ),
        (
            "[all:vars]\nansible_password={{ vault }}\n[web]\nw[1:9]\n",
            "hosts:2: `ansible_password` is a template",
        ),
        (
            "all:\n  hosts:\n    w1:\n      ansible_password: !vault |\n        $ANSIBLE_VAULT;1.1\n        61\n",
            "hosts:4: `ansible_password` is encrypted with ansible-vault",
        ),
        (
            "all:\n  hosts:\n    w1: {ansible_host: [a]}\n",
            "hosts:3: `ansible_host` is not a plain value",
        ),
        (
            "all:\n  hosts: [a]\n",
            "hosts:2: `hosts` of group `all` is not a mapping",
        ),
        (
            "all:\n  hosts:\n    w1: 1\n",
            "hosts:3: the variables of `w1` are not a mapping",
        ),
        (
            "all: 1\nweb:\n  hosts: w1\n",
            "hosts:1: group `all` is not a mapping of hosts, children and vars",
        ),
    ] {
        let (room, summary) = try_files(&[("hosts", text)], &plain());
        let errors = told(&room, summary.errors.iter().map(Error::to_string));
        assert_eq!(errors, [expected], "{text}");
        assert!(
            !summary.is_written && room.store.list().unwrap().is_empty(),
            "{text}"
        );
    }
}

#[test]
fn what_is_left_out_is_told() {
    let inventory = "[web]\n\
        w1 ansible_host=10.0.0.1 role=edge weight=3 db_password=hunter2 ansible_become_password='{{ vault }}'\n\
        here ansible_connection=local\n\
        win ansible_connection=winrm\n";
    let files = [
        ("hosts", inventory),
        (
            "group_vars/web.yml",
            "motd: \"{{ x }}\"\nports: [1, 2]\nzone: a\nansible_python_interpreter: /usr/bin/python3\n",
        ),
        ("group_vars/all.yml", "$ANSIBLE_VAULT;1.1;AES256\n6162\n"),
        ("host_vars/w1/main.yml", "ansible_user: fine\n"),
    ];
    let (room, summary) = try_files(&files, &plain());
    assert!(summary.errors.is_empty(), "{:?}", summary.errors);
    assert_eq!(summary.added, ["w1"]);
    let w1 = room.get("w1");
    assert_eq!((w1.user.as_str(), w1.meta.len()), ("fine", 0));
    let notes = told(&room, summary.notes.iter().cloned());
    assert_eq!(
        notes,
        [
            "group_vars/all.yml: encrypted with ansible-vault: nothing is taken from it",
            "hosts:3: `here` is left out: its connection is `local`",
            "hosts:4: `win` is left out: its connection is `winrm`",
            "hosts: `ansible_become_password` of 1 host is left out: Ansible alone can read it",
            "hosts: other variables are left out: `ansible_python_interpreter`, `db_password`, `motd` and 4 more (`--vars` keeps plain ones as metadata)",
        ]
    );
    let vars = ImportOptions {
        vars: true,
        ..plain()
    };
    let (room, summary) = try_files(&files, &vars);
    let meta = room.get("w1").meta;
    assert_eq!(
        Value::Object(meta),
        serde_json::json!({"role": "edge", "weight": 3, "zone": "a"})
    );
    assert!(summary.notes.last().unwrap().ends_with(
        "`ansible_python_interpreter`, `db_password`, `motd` and 1 more (only plain ones with harmless names are kept)"
    ));
}

#[test]
fn a_jump_host_is_taken_from_the_arguments_of_ssh() {
    let inventory = "[inner]\nw1\nw2 ansible_ssh_extra_args='-C'\nbastion ansible_ssh_common_args=''\n\
        [inner:vars]\nansible_ssh_common_args='-o ProxyCommand=\"ssh -W %h:%p -q bastion\"'\n";
    let options = ImportOptions {
        prefix: "eu-".into(),
        ..plain()
    };
    let (room, summary) = try_files(&[("hosts", inventory)], &options);
    assert_eq!(room.get("eu-w1").meta["jump"], "eu-bastion");
    assert_eq!(room.get("eu-w2").meta.get("jump"), None);
    assert_eq!(room.get("eu-bastion").meta.get("jump"), None);
    // What was not understood is told.
    assert!(summary.notes[0].contains("`ansible_ssh_common_args`, `ansible_ssh_extra_args`"));
}

#[test]
fn the_password_for_sudo_is_sealed() {
    let inventory = |password: &str| format!("[web]\nw1 ansible_become_password={password}\nw2\n");
    let (room, summary) = try_files(&[("hosts", &inventory("hunter2"))], &plain());
    assert_eq!((summary.added.len(), summary.notes.len()), (2, 0));
    let sudo = |id: &str| {
        room.store
            .sudo_password(id)
            .unwrap()
            .map(|s| s.reveal().to_owned())
    };
    assert_eq!((sudo("w1").as_deref(), sudo("w2")), (Some("hunter2"), None));
    let again = |text: &str, options: &ImportOptions| {
        room.store
            .import("hosts", text.as_bytes(), options)
            .unwrap()
    };
    assert_eq!(again(&inventory("hunter2"), &plain()).unchanged, 2);
    let check = ImportOptions {
        check: true,
        ..plain()
    };
    let summary = again(&inventory("other"), &check);
    assert_eq!(
        (summary.changed, summary.differences),
        (vec!["w1".into()], vec!["sudo password".into()])
    );
    assert_eq!(sudo("w1").as_deref(), Some("hunter2"));
    // An export has it, and brings it to another room.
    let servers = room.store.list().unwrap();
    let text = room.store.export_json(&servers).unwrap();
    let copy = Room::new();
    copy.import(text.reveal());
    let opened = copy.store.sudo_password("w1").unwrap();
    assert_eq!(opened.unwrap().reveal(), "hunter2");
    assert_eq!(copy.import(text.reveal()).unchanged, 2);
}

#[test]
fn a_missing_key_is_told_once() {
    let inventory = "[web]\nw1\nw[2:9]\nx ansible_private_key_file=/nowhere/x\n\
        [web:vars]\nansible_private_key_file=/nowhere/web\n";
    let (room, summary) = try_files(&[("hosts", inventory)], &plain());
    assert_eq!(
        told(&room, summary.warnings.iter().cloned()),
        [
            "hosts:2: key file `/nowhere/web` does not exist (9 servers have it)",
            "hosts:4: key file `/nowhere/x` does not exist",
        ]
    );
}

#[test]
fn bad_files_beside_it_are_named() {
    let files = [
        (
            "hosts",
            "[web]\nw1 ansible_host=h\n[db]\nd1 ansible_user=u\n",
        ),
        ("group_vars/web.yml", "ansible_user: x\nansible_port: [\n"),
        ("host_vars/d1", "- a list\n"),
        ("group_vars/db/1.yml", "ansible_port: 99999\n"),
    ];
    let (room, summary) = try_files(&files, &plain());
    let errors = told(&room, summary.errors.iter().map(Error::to_string));
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(errors[0].starts_with("group_vars/web.yml:"), "{errors:?}");
    let port = "group_vars/db/1.yml:1: `ansible_port`: the port must be from 1 to 65535";
    assert!(errors.contains(&port.to_owned()), "{errors:?}");
    let list = "host_vars/d1:1: a file of variables is a mapping";
    assert!(errors.contains(&list.to_owned()), "{errors:?}");
}

#[test]
fn names_do_not_lead_out_of_the_folder() {
    let files = [
        (
            "inventory/hosts",
            "[web]\n../secret ansible_host=h ansible_user=a\n.hidden ansible_user=b\n",
        ),
        ("inventory/host_vars/x", "a: 1\n"),
        ("inventory/secret.yml", "ansible_user: stolen\n"),
        ("inventory/host_vars/.hidden.yml", "ansible_user: stolen\n"),
    ];
    let (room, _) = try_files(&files, &plain());
    assert_eq!(room.get("../secret").user, "a");
    assert_eq!(room.get(".hidden").user, "b");
}

fn any_tree() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i32>().prop_map(Value::from),
        "[a-c:\\[\\]{]{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 4, |inner| {
        let names = prop_oneof![
            Just("hosts".to_owned()),
            Just("children".to_owned()),
            Just("vars".to_owned()),
            Just("ansible_port".to_owned()),
            "[a-c]{0,2}",
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::hash_map(names, inner, 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest::proptest! {
    #[test]
    fn any_tree_is_read(tree in any_tree()) {
        let options = ImportOptions { check: true, ..plain() };
        let room = Room::new();
        for text in [tree.to_string(), serde_json::json!({"all": tree}).to_string()] {
            let _ = room.try_import(&text, &options);
        }
    }

    #[test]
    fn any_text_is_read(text in "(\\[[a-c:]{0,9}\\]\n|[a-c]{1,3}(\\[[0-9a-c:]{0,5}\\])?( [a-c_]{1,3}=['\"a-c\\\\#]{0,4}){0,2}\n|[ a-c:]{0,8}\n){0,12}") {
        for format in [Format::Ansible, Format::SshConfig, Format::Csv] {
            let options = ImportOptions { format: Some(format), check: true, ..Default::default() };
            let room = Room::new();
            let _ = room.try_import(&text, &options);
        }
    }
}
