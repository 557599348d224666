//! The names that Lua code may use: those of the VM itself and of the stubs.

use std::collections::{BTreeMap, BTreeSet};

use mlua::{Lua, Table, Value};

use super::uses::{Use, What};
use super::{Family, Finding};
use crate::config::nearest;
use crate::lua::Loader;
use crate::lua::doc::{ItemKind, Reference};

/// Tables of the VM whose fields are all known. Others (`vars`, `package.loaded`) may have any.
const LIBRARIES: [&str; 12] = [
    "mr",
    "server",
    "ssh",
    "fleet",
    "string",
    "table",
    "math",
    "os",
    "io",
    "utf8",
    "coroutine",
    "fake",
];
/// How deep the libraries lie in each other: `mr.json.encode`.
const DEPTH: usize = 3;
/// The methods of what `io.open` gives.
const OF_FILES: [&str; 6] = ["close", "flush", "lines", "read", "seek", "write"];
/// Where the stubs of the words of specs are.
const SPEC: &str = "meta/spec.lua";

/// What there is.
pub(super) struct Names {
    globals: BTreeSet<String>,
    /// Those of specs.
    words: BTreeSet<String>,
    /// The fields of a library, by its path.
    fields: BTreeMap<String, BTreeSet<String>>,
    methods: BTreeSet<String>,
    /// Modules that need no file.
    loaded: BTreeSet<String>,
    reference: Reference,
}

impl Names {
    /// Those of a VM in which nothing has run yet.
    pub(super) fn of(lua: &Lua, loader: &Loader) -> mlua::Result<Self> {
        let reference = Reference::bundled();
        let globals = lua.globals();
        let mut names = Names {
            globals: keys(&globals)?,
            words: BTreeSet::new(),
            fields: BTreeMap::new(),
            loaded: keys(&globals.raw_get::<Table>("package")?.raw_get("loaded")?)?,
            methods: OF_FILES.map(str::to_owned).into(),
            reference,
        };
        // What a script is given.
        names.globals.extend(["arg".to_owned()]);
        for library in LIBRARIES {
            if let Value::Table(table) = globals.raw_get(library)? {
                names.add_fields(library, &table, DEPTH)?;
            }
        }
        names.methods.extend(keys(&globals.raw_get("string")?)?);
        // Operations of the person's own are methods of `server:ops()`.
        names.methods.extend(loader.list("ops"));
        let reference = &names.reference;
        for item in reference.items() {
            match item.kind {
                ItemKind::Method => _ = names.methods.insert(item.last().to_owned()),
                ItemKind::Function | ItemKind::Value if item.place.starts_with(SPEC) => {
                    names.words.extend([item.name.clone()]);
                }
                _ => {}
            }
        }
        let of_fake = reference.members("fake").into_iter();
        let of_fake = of_fake.map(|item| item.last().to_owned()).collect();
        names.fields.insert("fake".to_owned(), of_fake);
        Ok(names)
    }

    fn add_fields(&mut self, path: &str, table: &Table, depth: usize) -> mlua::Result<()> {
        let is_open = |t: &Table| {
            t.metatable()
                .is_some_and(|m| m.contains_key("__index").unwrap_or(true))
        };
        if depth == 0 || is_open(table) {
            return Ok(());
        }
        self.fields.insert(path.to_owned(), keys(table)?);
        if path == "mr" || path.starts_with("mr.") {
            for pair in table.pairs::<Value, Value>() {
                if let (Value::String(key), Value::Table(inner)) = pair? {
                    // Settings are data.
                    let key = key.to_string_lossy();
                    if key != "config" {
                        self.add_fields(&format!("{path}.{key}"), &inner, depth - 1)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a module is there before any file is loaded.
    pub(super) fn is_loaded(&self, module: &str) -> bool {
        self.loaded.contains(module)
    }

    /// What is not right about the uses of one file.
    pub(super) fn judge(&self, uses: &[Use], file: &str, family: Family) -> Vec<Finding> {
        let named = |pick: fn(&What) -> Option<&String>| -> BTreeSet<&str> {
            uses.iter()
                .filter_map(|u| pick(&u.what))
                .map(String::as_str)
                .collect()
        };
        let set = named(|w| match w {
            What::Sets(name) => Some(name),
            _ => None,
        });
        let own = named(|w| match w {
            What::Names(name) => Some(name),
            _ => None,
        });
        let of = |found: &Use| {
            let (is_warning, message, hint) = match &found.what {
                What::Reads(name) if !set.contains(name.as_str()) => self.global(name, family)?,
                What::Sets(name) => self.set_global(name, family, found.is_inner)?,
                What::Field(path, key) if !own.contains(key.as_str()) => {
                    self.field(path, key, family)?
                }
                What::Method(name) if !own.contains(name.as_str()) => self.method(name)?,
                What::Option(call, at, key) if !own_call(call, &own) => {
                    self.option(call, *at, key)?
                }
                _ => return None,
            };
            Some(Finding {
                file: file.to_owned(),
                line: Some(found.line),
                is_warning,
                message,
                hint,
            })
        };
        uses.iter().filter_map(of).collect()
    }

    fn global(&self, name: &str, family: Family) -> Option<Told> {
        let is_known = |names: &BTreeSet<String>| names.contains(name);
        if is_known(&self.globals) || (family == Family::Spec && is_known(&self.words)) {
            return None;
        }
        let words = self.words.iter().filter(|_| family == Family::Spec);
        let known = self.globals.iter().chain(words).map(String::as_str);
        Some((
            false,
            format!("there is no global `{name}`"),
            did_you_mean(name, known),
        ))
    }

    /// Servers are worked on side by side, and they all have the same globals.
    fn set_global(&self, name: &str, family: Family, is_inner: bool) -> Option<Told> {
        if matches!(family, Family::Script | Family::Spec) && !is_inner {
            return None;
        }
        let hint = format!("`local {name}` keeps it apart from what other servers and files do");
        Some((true, format!("the global `{name}` is set"), Some(hint)))
    }

    fn field(&self, path: &str, key: &str, family: Family) -> Option<Told> {
        if path == "fake" && family != Family::Spec {
            return None;
        }
        let fields = self.fields.get(path).filter(|f| !f.contains(key))?;
        let near = nearest(key, fields.iter().map(String::as_str));
        let hint = near.map(|near| format!("did you mean `{path}.{near}`?"));
        Some((false, format!("there is no `{path}.{key}`"), hint))
    }

    /// Objects of other origin may have the method, so that only what looks like a slip is one.
    fn method(&self, name: &str) -> Option<Told> {
        if self.methods.contains(name) {
            return None;
        }
        let hint = did_you_mean(name, self.methods.iter().map(String::as_str));
        Some((hint.is_none(), format!("there is no method `{name}`"), hint))
    }

    /// A key that no call of that name takes at that place.
    fn option(&self, call: &str, at: usize, key: &str) -> Option<Told> {
        let items: Vec<_> = match call.strip_prefix(':') {
            Some(method) => {
                let is_it = |i: &&_| is_method(i, method);
                self.reference.items().iter().filter(is_it).collect()
            }
            None => self.reference.find(call),
        };
        let mut known = BTreeSet::new();
        // One that does not take so many arguments is not the one that is called.
        for param in items.iter().filter_map(|item| item.params.get(at)) {
            let keys = self.reference.keys(&param.ty);
            if keys.is_empty() {
                return None;
            }
            known.extend(keys.into_iter().map(|k| k.name));
        }
        if known.is_empty() || known.contains(key) {
            return None;
        }
        let call = call.trim_start_matches(':');
        let near = did_you_mean(key, known.iter().map(String::as_str));
        let all = || known.iter().cloned().collect::<Vec<_>>().join(", ");
        let hint = near.unwrap_or_else(|| format!("options of `{call}`: {}", all()));
        Some((
            false,
            format!("`{call}`: unknown option `{key}`"),
            Some(hint),
        ))
    }
}

/// Whether it may be meant, the message, the hint.
type Told = (bool, String, Option<String>);

/// The file has a function of that name itself.
fn own_call(call: &str, own: &BTreeSet<&str>) -> bool {
    call.strip_prefix(':')
        .is_some_and(|method| own.contains(method))
}

fn is_method(item: &crate::lua::doc::Item, name: &str) -> bool {
    item.kind == ItemKind::Method && item.last() == name
}

fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    nearest(name, known).map(|near| format!("did you mean `{near}`?"))
}

fn keys(table: &Table) -> mlua::Result<BTreeSet<String>> {
    let mut keys = BTreeSet::new();
    for pair in table.pairs::<Value, Value>() {
        if let (Value::String(key), _) = pair? {
            keys.insert(key.to_string_lossy());
        }
    }
    Ok(keys)
}
