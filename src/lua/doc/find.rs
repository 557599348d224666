//! Answers by name: what is it, what has it, what does it take and give.

use std::collections::BTreeSet;

use super::types;
use super::{Item, ItemKind, Param, Reference};
use crate::config::nearest;

/// The class whose methods the operations are.
const OPERATIONS: &str = "mr.Ops";

impl Reference {
    /// What a name may mean: `server.get`, `Server:run` (of a parent too), `RunOpts.timeout`, or
    /// the last word of a name, which several things may share. `on:mount` is an operation, as
    /// playbooks call it. Case counts only when something fits with it.
    pub fn find(&self, name: &str) -> Vec<&Item> {
        let name = name.trim().trim_end_matches(['(', ')']);
        let operation = name
            .strip_prefix("on:")
            .map(|op| format!("{OPERATIONS}:{op}"));
        let name = operation.as_deref().unwrap_or(name);
        let exact = self.lookup(name, |a, b| a == b);
        match exact.is_empty() {
            true => self.lookup(name, |a, b| a.eq_ignore_ascii_case(b)),
            false => exact,
        }
    }

    fn lookup(&self, name: &str, same: impl Fn(&str, &str) -> bool) -> Vec<&Item> {
        let named: Vec<&Item> = self.items.iter().filter(|i| same(&i.name, name)).collect();
        if !named.is_empty() {
            return named;
        }
        if let Some((owner, last)) = name.rsplit_once(['.', ':']) {
            let owners = self.items.iter().filter(|i| {
                let is_class = matches!(i.kind, ItemKind::Class | ItemKind::Value);
                is_class && (same(&i.name, owner) || same(i.last(), owner))
            });
            let mut found: Vec<&Item> = Vec::new();
            for item in owners.flat_map(|o| self.members(&o.name)) {
                if same(item.last(), last) && !found.contains(&item) {
                    found.push(item);
                }
            }
            return found;
        }
        let mut found: Vec<&Item> = self.items.iter().filter(|i| same(i.last(), name)).collect();
        found.sort_by_key(|i| i.kind == ItemKind::Field);
        found
    }

    /// The known name that is nearest to one that nothing has.
    pub fn nearest(&self, name: &str) -> Option<String> {
        let names = self.names();
        let last = |n: &str| n.rsplit(['.', ':']).next().unwrap_or(n).to_owned();
        let words: BTreeSet<String> = names.iter().map(|n| last(n)).collect();
        let known: Vec<&str> = match name.contains(['.', ':']) {
            true => names.iter().map(String::as_str).collect(),
            false => words.iter().map(String::as_str).collect(),
        };
        nearest(name, known).map(str::to_owned)
    }

    /// Every name that says exactly one thing, what classes have of their parents too.
    pub fn names(&self) -> Vec<String> {
        let mut names: BTreeSet<String> = self.items.iter().map(|i| i.name.clone()).collect();
        for class in self.items.iter().filter(|i| !i.parents.is_empty()) {
            for item in self.members(&class.name) {
                let mark = if item.kind == ItemKind::Method {
                    ':'
                } else {
                    '.'
                };
                names.insert(format!("{}{mark}{}", class.name, item.last()));
            }
        }
        names.into_iter().collect()
    }

    /// A class by its whole name; of `mr.Outcome<string>` the class `mr.Outcome`.
    pub fn class(&self, name: &str) -> Option<&Item> {
        let name = name.split('<').next().unwrap_or(name);
        let is_it = |i: &&Item| i.kind == ItemKind::Class && i.name == name;
        self.items.iter().find(is_it)
    }

    /// An alias by its whole name.
    pub fn alias(&self, name: &str) -> Option<&Item> {
        let is_it = |i: &&Item| i.kind == ItemKind::Alias && i.name == name;
        self.items.iter().find(is_it)
    }

    /// The class of a global variable: `mr.ServerModule` of `server`, `mr.text` of `mr.text`.
    pub fn class_of(&self, variable: &str) -> Option<&str> {
        let is_it = |i: &&Item| i.kind == ItemKind::Value && i.name == variable;
        let value = self.items.iter().find(is_it);
        let name = value.map_or(variable, |v| types::given(&v.ty));
        self.class(name).map(|c| c.name.as_str())
    }

    /// What a class or a global has: fields, methods and functions, its own before those of its
    /// parents, each name once.
    pub fn members(&self, class: &str) -> Vec<&Item> {
        let mut found: Vec<&Item> = Vec::new();
        let mut seen = Vec::new();
        let mut open: Vec<&str> = self.class_of(class).into_iter().collect();
        while let Some(class) = open.pop() {
            if seen.contains(&class) {
                continue;
            }
            seen.push(class);
            for item in &self.items {
                let is_own = item.owner.as_deref() == Some(class);
                if is_own
                    && item.kind != ItemKind::Value
                    && found.iter().all(|f| f.last() != item.last())
                {
                    found.push(item);
                }
            }
            let parents = self.class(class).map(|c| c.parents.as_slice());
            open.extend(parents.unwrap_or_default().iter().rev().map(String::as_str));
        }
        found
    }

    /// The classes that have everything of this one.
    pub fn heirs(&self, class: &str) -> Vec<&str> {
        let is_heir = |i: &&Item| i.parents.iter().any(|p| p == class);
        let heirs = self.items.iter().filter(is_heir);
        heirs.map(|i| i.name.as_str()).collect()
    }

    /// The type of the first value that a call gives: `Fleet` for `fleet.select`, `Server` for
    /// `server` itself. `None` when it gives none, or any.
    pub fn returns(&self, call: &str) -> Option<String> {
        let item = *self.find(call).first()?;
        let types = match item.returns.first() {
            Some(first) => Some(first.ty.as_str()),
            None => item
                .overloads
                .iter()
                .find_map(|o| types::returns(o).first().copied()),
        };
        let ty = types.map(types::given)?;
        let is_open = item.generics.iter().any(|g| g == ty) || ty == "any";
        (!is_open).then(|| ty.to_owned())
    }

    /// The type of a member: `table<string, any>` for `Server` and `meta`, `string` for
    /// `mr.Outcome<string>` and `value`.
    pub fn member_type<'a>(&'a self, class: &'a str, member: &str) -> Option<&'a str> {
        let item = self
            .members(class)
            .into_iter()
            .find(|i| i.last() == member)?;
        match item.kind {
            ItemKind::Field => {
                let ty = types::given(&item.ty);
                let is_open = self.class(class)?.generics.iter().any(|g| g == ty);
                match is_open {
                    true => types::argument(class),
                    false => Some(ty),
                }
            }
            ItemKind::Class => Some(&item.name),
            _ => None,
        }
    }

    /// The type of the items of a list: `mr.Outcome` of `mr.Outcome[]`.
    pub fn element(ty: &str) -> Option<&str> {
        types::element(ty)
    }

    /// The keys of the table that a call takes, with their types: of `Server:run`, `server.add`.
    pub fn options(&self, call: &str) -> Vec<Param> {
        let found = self.find(call);
        let Some(item) = found.first() else {
            return Vec::new();
        };
        let params = item.params.iter().rev();
        let mut tables = params.map(|p| self.keys(&p.ty));
        tables.find(|keys| !keys.is_empty()).unwrap_or_default()
    }

    /// The keys of a table of that type: of a class that is nothing but data, or `{ a: x }`.
    pub fn keys(&self, ty: &str) -> Vec<Param> {
        let each = types::alternatives(types::given(ty)).into_iter();
        let mut tables = each.map(|ty| match self.class(ty) {
            Some(class) => self.data(&class.name),
            None => {
                let fields = types::fields(ty).into_iter();
                let param = |(name, optional, ty): (&str, bool, &str)| Param {
                    name: name.to_owned(),
                    optional,
                    ty: ty.to_owned(),
                    text: String::new(),
                };
                fields.map(param).collect()
            }
        });
        tables.find(|keys| !keys.is_empty()).unwrap_or_default()
    }

    /// The fields of a class that has nothing else; none for handles such as `Server`.
    fn data(&self, class: &str) -> Vec<Param> {
        let members = self.members(class);
        if members.iter().any(|m| m.kind != ItemKind::Field) {
            return Vec::new();
        }
        let param = |i: &Item| Param {
            name: i.last().to_owned(),
            optional: i.optional,
            ty: i.ty.clone(),
            text: i.text.clone(),
        };
        members.into_iter().map(param).collect()
    }
}
