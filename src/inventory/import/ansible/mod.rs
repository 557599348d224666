//! An Ansible inventory: INI or YAML, with `group_vars/` and `host_vars/` beside it.
//!
//! [`ini`] and [`nested`] read the two forms into a [`tree`], [`folders`] the files beside it, and
//! what counts for each host becomes its record: groups as tags, and the variables that say how
//! to connect. Values that only Ansible can compute are refused, by name and line.

mod connection;
mod folders;
mod ini;
mod jump;
mod nested;
mod range;
mod tree;
mod words;

pub(super) use words::number;

use std::collections::{BTreeSet, HashSet};

use super::input::{Input, hosts, line};
use super::{ImportOptions, Source, yaml};
use crate::error::Error;
use crate::inventory::check;
use crate::inventory::record::Record;
use crate::sshconfig::At;
use connection::Connection;
use folders::Folders;
use tree::{Host, Meaning, Tree, UNGROUPED, Var, Vars};

/// Words in the names of variables that are not kept as metadata, where they would be in the clear.
const SECRET_NAMES: [&str; 7] = [
    "pass",
    "secret",
    "token",
    "vault",
    "private",
    "credential",
    "api_key",
];

/// Do these lines look like the INI form?
pub(super) fn is_ini<'a>(mut lines: impl Iterator<Item = &'a str>) -> bool {
    lines.any(ini::is_line)
}

/// Is it the YAML form, or at least meant as it?
pub(super) fn is_yaml(name: &str, text: &str) -> bool {
    if name.ends_with(".yml") || name.ends_with(".yaml") {
        return true;
    }
    let may_be = ["hosts", "children", "vars"]
        .iter()
        .any(|word| text.contains(word));
    may_be && matches!(yaml::parse(text), Ok(Some(root)) if nested::is_inventory(&root))
}

/// Reads an inventory.
pub(super) fn read(source: &Source<'_>, options: &ImportOptions) -> Input {
    let mut input = Input::new(source);
    let text = match std::str::from_utf8(source.bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(e) => {
            let before = &source.bytes[..e.valid_up_to()];
            let at = line(1 + before.iter().filter(|b| **b == b'\n').count());
            let error = Error::usage("the line is not valid UTF-8");
            input.errors.push((at, error));
            return input;
        }
    };
    let mut tree = Tree::new();
    if is_yaml(source.name, text) {
        match yaml::parse(text) {
            Ok(Some(root)) => nested::read(&root, &mut tree, &mut input),
            Ok(None) => {}
            Err((at, message)) => input.errors.push((line(at), Error::usage(message))),
        }
    } else {
        ini::read(text, &mut tree, &mut input);
    }
    tree.settle(&mut input.errors);
    Reader {
        options,
        folders: Folders::beside(source.path),
        left_out: BTreeSet::new(),
        sudo_passwords: 0,
        refused: HashSet::new(),
    }
    .records(&tree, &mut input);
    input
}

struct Reader<'a> {
    options: &'a ImportOptions,
    folders: Folders,
    /// Names of variables that are not imported.
    left_out: BTreeSet<String>,
    sudo_passwords: usize,
    /// Variables that were refused already: many hosts may have the same one.
    refused: HashSet<(At, String)>,
}

impl Reader<'_> {
    fn records(mut self, tree: &Tree, input: &mut Input) {
        for group in tree.groups.iter().skip(UNGROUPED + 1) {
            if let Err(e) = check::tag(&group.name) {
                let error = e.context("a group becomes a tag");
                input.errors.push((group.at, error));
            }
        }
        for host in &tree.hosts {
            let groups = tree.groups_of(host);
            let vars = self.vars(tree, host, &groups, input);
            let tags = groups.iter().filter(|g| **g > UNGROUPED);
            let tags = tags.map(|g| tree.groups[*g].name.clone());
            if let Some(mut record) = self.record(host, &vars, input) {
                record.add_tags = tags.filter(|t| check::tag(t).is_ok()).collect();
                input.records.push((host.at, record));
            }
        }
        self.tell(input);
    }

    /// What counts for a host; later ones win.
    fn vars(&mut self, tree: &Tree, host: &Host, groups: &[usize], input: &mut Input) -> Vars {
        let mut vars = Vars::new();
        let mut add = |more: &Vars| {
            vars.extend(more.iter().map(|(k, v)| (k.clone(), v.clone())));
        };
        groups.iter().for_each(|g| add(&tree.groups[*g].vars));
        for group in groups {
            add(self.folders.group(&tree.groups[*group].name, input));
        }
        add(&host.vars);
        add(&self.folders.host(&host.name, input));
        vars
    }

    /// The record of a host; `None` when it is left out or a variable is refused.
    fn record(&mut self, host: &Host, vars: &Vars, input: &mut Input) -> Option<Record> {
        let found = match Connection::of(vars) {
            Ok(found) => found,
            Err((name, at, error)) => {
                if self.refused.insert((at, name)) {
                    input.errors.push((at, error));
                }
                return None;
            }
        };
        if let Some(other) = &found.other_than_ssh {
            let note = format!("`{}` is left out: its connection is `{other}`", host.name);
            input.notes.push((host.at, note));
            return None;
        }
        self.sudo_passwords += usize::from(found.has_closed_sudo_password);
        let mut record = Record {
            id: host.name.clone(),
            host: Some(found.host.clone().unwrap_or_else(|| host.name.clone())),
            user: found.user.clone(),
            new_user: self.options.local.as_ref().map(|l| l.user.clone()),
            port: found.port,
            password: found.password.clone(),
            sudo_password: found.sudo_password.clone(),
            ..Record::default()
        };
        if let Some(key) = &found.key {
            record.set("local_cert_path", self.folders.resolve(key).into());
        }
        if let Some(jump) = found.jump.clone() {
            record.set("jump", jump.into());
        }
        for (name, var) in vars.iter().filter(|(name, _)| !found.covers(name)) {
            match self.metadata(name, var) {
                Some(value) => record.set(name, value),
                None => drop(self.left_out.insert(name.clone())),
            }
        }
        Some(record)
    }

    /// The value that a variable has as metadata, when it may be one.
    fn metadata(&self, name: &str, var: &Var) -> Option<serde_json::Value> {
        let lower = name.to_lowercase();
        let is_secret = SECRET_NAMES.iter().any(|word| lower.contains(word));
        let may_be = self.options.vars
            && !is_secret
            && !lower.starts_with("ansible_")
            && check::key(name).is_ok();
        match &var.value {
            Meaning::Plain(serde_json::Value::Null) => None,
            Meaning::Plain(value) => {
                let is_template = value.as_str().is_some_and(connection::is_template);
                (may_be && !is_template).then(|| value.clone())
            }
            _ => None,
        }
    }

    fn tell(self, input: &mut Input) {
        if self.sudo_passwords > 0 {
            let of = hosts(self.sudo_passwords);
            let note =
                format!("`ansible_become_password` of {of} is left out: Ansible alone can read it");
            input.notes.push((line(0), note));
        }
        let few: Vec<_> = self
            .left_out
            .iter()
            .take(3)
            .map(|n| format!("`{}`", n.escape_debug()))
            .collect();
        let more = match self.left_out.len() - few.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let hint = match self.options.vars {
            false => "`--vars` keeps plain ones as metadata",
            true => "only plain ones with harmless names are kept",
        };
        if !few.is_empty() {
            let note = format!(
                "other variables are left out: {}{more} ({hint})",
                few.join(", ")
            );
            input.notes.push((line(0), note));
        }
    }
}
