//! Ansible inventories: what comes of them is compared with what `ansible-inventory --list` says,
//! kept in `tests/golden/ansible`; where Ansible is installed, that is asked again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use machineroom::inventory::{Format, ImportOptions};
use serde_json::Value;

use super::files::root;
use super::import_ansible::import;
use super::inventory::Room;

fn cases() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(root().join("tests/golden/ansible")).unwrap();
    let mut inventories: Vec<PathBuf> = folders
        .map(|entry| {
            let folder = entry.unwrap().path();
            let yaml = folder.join("hosts.yml");
            if yaml.exists() {
                yaml
            } else {
                folder.join("hosts")
            }
        })
        .collect();
    inventories.sort();
    assert!(inventories.len() >= 4);
    inventories
}

fn golden(inventory: &Path) -> Value {
    let text = std::fs::read_to_string(inventory.with_file_name("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The first of these variables that is there, as text.
fn var(vars: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match &vars[*name] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    })
}

/// The groups of a host, their parents too.
fn tags(list: &Value, host: &str) -> BTreeSet<String> {
    let groups = list.as_object().unwrap();
    let has = |group: &Value, kind: &str, name: &str| {
        let items = group[kind].as_array().into_iter().flatten();
        items.into_iter().any(|item| item == name)
    };
    let own = |kind: &str, name: &str| -> Vec<String> {
        let found = groups.iter().filter(|(_, group)| has(group, kind, name));
        found.map(|(group, _)| group.clone()).collect()
    };
    let mut tags = BTreeSet::new();
    let mut ahead = own("hosts", host);
    while let Some(group) = ahead.pop() {
        if tags.insert(group.clone()) {
            ahead.extend(own("children", &group));
        }
    }
    tags.retain(|tag| tag != "all" && tag != "ungrouped");
    tags
}

#[test]
fn the_same_hosts_as_ansible_sees() {
    for inventory in cases() {
        let list = golden(&inventory);
        let room = Room::new();
        let options = ImportOptions {
            user: Some("nobody-named".into()),
            ..Default::default()
        };
        let summary = import(&room, &inventory, &options);
        let name = inventory.display();
        assert!(summary.errors.is_empty(), "{name}: {:?}", summary.errors);
        assert_eq!(summary.format, Some(Format::Ansible), "{name}");
        let hosts: BTreeSet<String> = {
            let groups = list.as_object().unwrap().values();
            let hosts = groups.flat_map(|g| g["hosts"].as_array().into_iter().flatten());
            hosts.map(|h| h.as_str().unwrap().to_owned()).collect()
        };
        let found: BTreeSet<String> = summary.added.iter().cloned().collect();
        assert_eq!(found, hosts, "{name}");
        for id in hosts {
            let (server, vars) = (room.get(&id), &list["_meta"]["hostvars"][&id]);
            let get = |names: &[&str], default: &str| var(vars, names).unwrap_or(default.into());
            assert_eq!(
                server.host,
                get(&["ansible_ssh_host", "ansible_host"], &id),
                "{name} {id}"
            );
            let user = get(&["ansible_ssh_user", "ansible_user"], "nobody-named");
            assert_eq!(server.user, user, "{name} {id}");
            let port = get(&["ansible_ssh_port", "ansible_port"], "22");
            assert_eq!(server.port.to_string(), port, "{name} {id}");
            let key = ["ansible_ssh_private_key_file", "ansible_private_key_file"];
            let key = var(vars, &key).map(|key| match key.starts_with(['/', '~']) {
                true => key,
                false => inventory.with_file_name(key).display().to_string(),
            });
            assert_eq!(server.key().map(str::to_owned), key, "{name} {id}");
            let pass = [
                "ansible_ssh_password",
                "ansible_ssh_pass",
                "ansible_password",
            ];
            assert_eq!(room.password(&id), get(&pass, ""), "{name} {id}");
            assert_eq!(server.tags, tags(&list, &id), "{name} {id}");
        }
        let again = import(&room, &inventory, &options);
        assert_eq!((again.added.len(), again.changed.len()), (0, 0), "{name}");
    }
}

#[test]
fn what_is_kept_is_what_ansible_says() {
    let program = std::env::var_os("PATH").and_then(|path| {
        let mut folders = std::env::split_paths(&path);
        folders.find(|dir| dir.join("ansible-inventory").exists())
    });
    // No requirement: what it says is kept with the tests.
    let Some(program) = program.map(|dir| dir.join("ansible-inventory")) else {
        return;
    };
    for inventory in cases() {
        let home = tempfile::tempdir().unwrap();
        let output = Command::new(&program)
            .env("HOME", home.path())
            .current_dir(inventory.parent().unwrap())
            .args(["--list", "-i"])
            .arg(&inventory)
            .output()
            .unwrap();
        let mut list: Value = serde_json::from_slice(&output.stdout).unwrap();
        list["_meta"].as_object_mut().unwrap().remove("profile");
        assert_eq!(list, golden(&inventory), "{}", inventory.display());
    }
}
