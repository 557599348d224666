//! Groups and hosts of an inventory, and which variable counts for a host. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::error::Error;
use crate::sshconfig::At;

/// The group of all hosts.
pub(super) const ALL: usize = 0;
/// The group of hosts that are in no other.
pub(super) const UNGROUPED: usize = 1;

/// A variable and the line that sets it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Var {
    pub at: At,
    pub value: Meaning,
}

/// What a variable holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meaning {
    /// A text, number, truth value or nothing.
    Plain(Value),
    /// Encrypted with ansible-vault.
    Sealed,
    /// A list or a mapping.
    Other,
}

/// Variables by name.
pub(super) type Vars = BTreeMap<String, Var>;

#[derive(Debug)]
pub(super) struct Group {
    pub name: String,
    pub at: At,
    pub vars: Vars,
    parents: BTreeSet<usize>,
    /// The longest way from `all`.
    depth: usize,
}

#[derive(Debug)]
pub(super) struct Host {
    pub name: String,
    pub at: At,
    pub vars: Vars,
    groups: BTreeSet<usize>,
}

/// An inventory.
#[derive(Debug)]
pub(super) struct Tree {
    pub groups: Vec<Group>,
    pub hosts: Vec<Host>,
    groups_by_name: HashMap<String, usize>,
    hosts_by_name: HashMap<String, usize>,
}

impl Tree {
    /// One with `all` and `ungrouped`.
    pub fn new() -> Self {
        let mut tree = Tree {
            groups: Vec::new(),
            hosts: Vec::new(),
            groups_by_name: HashMap::new(),
            hosts_by_name: HashMap::new(),
        };
        for name in ["all", "ungrouped"] {
            tree.group(name, At::default());
        }
        tree
    }

    /// The group of that name, made when it is new.
    pub fn group(&mut self, name: &str, at: At) -> usize {
        if let Some(group) = self.groups_by_name.get(name) {
            return *group;
        }
        let group = self.groups.len();
        self.groups_by_name.insert(name.to_owned(), group);
        self.groups.push(Group {
            name: name.to_owned(),
            at,
            vars: Vars::new(),
            parents: BTreeSet::new(),
            depth: 0,
        });
        group
    }

    /// Is there a group of that name?
    pub fn find(&self, name: &str) -> Option<usize> {
        self.groups_by_name.get(name).copied()
    }

    /// Puts a host into a group, and makes it when it is new. A port behind its name counts only
    /// then, as with Ansible.
    pub fn host(&mut self, name: &str, at: At, port: Option<u16>, group: usize) -> &mut Host {
        let next = self.hosts.len();
        let place = *self.hosts_by_name.entry(name.to_owned()).or_insert(next);
        if place == next {
            let port = port.map(|port| Var {
                at,
                value: Meaning::Plain(port.into()),
            });
            self.hosts.push(Host {
                name: name.to_owned(),
                at,
                vars: port
                    .map(|p| ("ansible_port".to_owned(), p))
                    .into_iter()
                    .collect(),
                groups: BTreeSet::new(),
            });
        }
        let host = &mut self.hosts[place];
        host.groups.insert(group);
        host
    }

    /// Puts a group into another.
    pub fn nest(&mut self, parent: usize, child: usize) {
        self.groups[child].parents.insert(parent);
    }

    /// When everything is read: who is ungrouped, and how deep each group stands.
    pub fn settle(&mut self, errors: &mut Vec<(At, Error)>) {
        for host in &mut self.hosts {
            if host.groups.iter().any(|g| *g > UNGROUPED) {
                host.groups.remove(&UNGROUPED);
            } else {
                host.groups.insert(UNGROUPED);
            }
        }
        for group in &mut self.groups[UNGROUPED..] {
            if group.parents.is_empty() {
                group.parents.insert(ALL);
            }
        }
        let mut waits: Vec<usize> = self.groups.iter().map(|g| g.parents.len()).collect();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.groups.len()];
        for (child, group) in self.groups.iter().enumerate() {
            group.parents.iter().for_each(|p| children[*p].push(child));
        }
        let mut ready: Vec<usize> = (0..waits.len()).filter(|g| waits[*g] == 0).collect();
        let mut settled = 0;
        while let Some(parent) = ready.pop() {
            settled += 1;
            let depth = self.groups[parent].depth + 1;
            for child in &children[parent] {
                let group = &mut self.groups[*child];
                group.depth = group.depth.max(depth);
                waits[*child] -= 1;
                if waits[*child] == 0 {
                    ready.push(*child);
                }
            }
        }
        if settled < self.groups.len() {
            let circle = self
                .groups
                .iter()
                .zip(&waits)
                .find(|(_, waits)| **waits > 0);
            if let Some((group, _)) = circle {
                let message = format!("group `{}` is among its own children", group.name);
                errors.push((group.at, Error::usage(message)));
            }
        }
    }

    /// The groups that a host is in, through their parents too, in the order in which their
    /// variables count: the last wins.
    pub fn groups_of(&self, host: &Host) -> Vec<usize> {
        let mut found: BTreeSet<usize> = BTreeSet::from([ALL]);
        let mut ahead: Vec<usize> = host.groups.iter().copied().collect();
        while let Some(group) = ahead.pop() {
            if found.insert(group) {
                ahead.extend(&self.groups[group].parents);
            }
        }
        let mut found: Vec<usize> = found.into_iter().collect();
        found.sort_by_key(|g| {
            let group = &self.groups[*g];
            (group.depth, group.priority(), group.name.as_str())
        });
        found
    }
}

impl Group {
    fn priority(&self) -> i64 {
        match self.vars.get("ansible_group_priority").map(|v| &v.value) {
            Some(Meaning::Plain(value)) => value.as_i64().unwrap_or(1),
            _ => 1,
        }
    }
}
