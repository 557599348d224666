//! The YAML form of an inventory, and YAML files of variables. Pure.

use super::range;
use super::tree::{ALL, Meaning, Tree, Var, Vars};
use crate::error::Error;
use crate::inventory::import::input::{Input, line};
use crate::inventory::import::yaml::{Node, Value};
use crate::sshconfig::At;

/// Does it have the shape of an inventory: groups with hosts, children or variables?
pub(super) fn is_inventory(root: &Node) -> bool {
    let is_group = |node: &Node| {
        ["hosts", "children", "vars"]
            .iter()
            .any(|k| node.get(k).is_some())
    };
    root.entries()
        .is_some_and(|groups| groups.iter().any(|(_, group)| is_group(group)))
}

/// Reads it into the tree.
pub(super) fn read(root: &Node, tree: &mut Tree, input: &mut Input) {
    let mut bad = |line_number: usize, message: String| {
        input
            .errors
            .push((line(line_number), Error::usage(message)));
    };
    let Some(groups) = root.entries() else {
        bad(root.line, "an inventory is a mapping of groups".to_owned());
        return;
    };
    let mut notes = Vec::new();
    for (name, group) in groups {
        let mut walk = Walk {
            tree,
            bad: &mut bad,
            notes: &mut notes,
        };
        walk.group(name, group, None);
    }
    input.notes.append(&mut notes);
}

struct Walk<'a> {
    tree: &'a mut Tree,
    bad: &'a mut dyn FnMut(usize, String),
    notes: &'a mut Vec<(At, String)>,
}

impl Walk<'_> {
    fn group(&mut self, key: &Node, node: &Node, parent: Option<usize>) {
        let Some(name) = key.text() else {
            return (self.bad)(key.line, "a group has no name".to_owned());
        };
        let group = self.tree.group(name, line(key.line));
        if let Some(parent) = parent.filter(|p| *p != ALL || group == ALL) {
            self.tree.nest(parent, group);
        }
        if node.is_null() {
            return;
        }
        let Some(sections) = node.entries() else {
            let message = format!("group `{name}` is not a mapping of hosts, children and vars");
            return (self.bad)(node.line, message);
        };
        for (key, section) in sections {
            let word = key.text().unwrap_or_default();
            if section.is_null() && ["hosts", "children", "vars"].contains(&word) {
                continue;
            }
            // One name alone stands for a mapping with nothing in it.
            let single = [(section.clone(), null(section.line))];
            let entries = match (section.entries(), section.text()) {
                (Some(entries), _) => entries,
                (None, Some(_)) if word != "vars" => single.as_slice(),
                _ => {
                    let message = format!("`{word}` of group `{name}` is not a mapping");
                    (self.bad)(section.line, message);
                    continue;
                }
            };
            match word {
                "hosts" => entries.iter().for_each(|(k, v)| self.hosts(k, v, group)),
                "children" => entries
                    .iter()
                    .for_each(|(k, v)| self.group(k, v, Some(group))),
                "vars" => self.tree.groups[group].vars.extend(vars(entries, 0)),
                _ => {
                    let word = word.escape_debug();
                    let note = format!("`{word}` of group `{name}` means nothing to Ansible");
                    self.notes.push((line(key.line), note));
                }
            }
        }
    }

    fn hosts(&mut self, key: &Node, node: &Node, group: usize) {
        let Some(pattern) = key.text() else {
            return (self.bad)(key.line, "a host has no name".to_owned());
        };
        let entries = match (node.is_null(), node.entries()) {
            (true, _) => &[],
            (_, Some(entries)) => entries,
            _ => {
                let message = format!("the variables of `{pattern}` are not a mapping");
                return (self.bad)(node.line, message);
            }
        };
        match range::expand(pattern) {
            Err(message) => (self.bad)(key.line, message),
            Ok((names, port)) => {
                let vars = vars(entries, 0);
                for name in names {
                    let host = self.tree.host(&name, line(key.line), port, group);
                    host.vars.extend(vars.clone());
                }
            }
        }
    }
}

/// The variables of a mapping in that file.
pub(super) fn vars(entries: &[(Node, Node)], file: usize) -> Vars {
    let var = |(key, node): &(Node, Node)| {
        let value = match &node.value {
            Value::Scalar { tag: Some(tag), .. } if tag == "vault" || tag == "vault-encrypted" => {
                Meaning::Sealed
            }
            Value::Scalar { text, .. } if text.starts_with("$ANSIBLE_VAULT;") => Meaning::Sealed,
            _ => node.json().map_or(Meaning::Other, Meaning::Plain),
        };
        let at = At {
            file,
            line: key.line,
        };
        Some((key.text()?.to_owned(), Var { at, value }))
    };
    entries.iter().filter_map(var).collect()
}

fn null(line: usize) -> Node {
    let value = Value::Scalar {
        text: String::new(),
        quoted: false,
        tag: None,
    };
    Node { line, value }
}
