//! What an expression is: the value that the VM has, else the type that the stubs tell. Looks and
//! never runs Lua code: tables are read raw, of handles only documented fields.

use mlua::{Table, Value};

use super::call::Call;
use super::chain::{Base, Chain, Step};
use super::local::{Local, local};
use super::place::{Code, Slot};
use crate::lua::Vm;
use crate::lua::doc::{Item, ItemKind, Param, Reference, types};
use crate::tokens::{Token, is_name};

/// Variables made of variables made of variables: so many are followed.
const DEPTH: usize = 8;
/// Tables behind tables (`__index`) that are looked into.
const TABLES: usize = 8;

/// All that is known of an expression.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    value: Option<Value>,
    /// Its type, in the words of the stubs.
    ty: Option<String>,
    /// Its name in the stubs: `fleet.select`, `Remote:run`.
    path: Option<String>,
}

impl Known {
    fn typed(ty: &str) -> Option<Self> {
        let ty = ty.trim_end_matches('?');
        (!matches!(ty, "any" | "table" | "")).then(|| Known {
            ty: Some(ty.to_owned()),
            ..Known::default()
        })
    }
}

/// Finds out what expressions are.
pub(super) struct Resolver<'a> {
    pub vm: &'a Vm,
    pub reference: &'a Reference,
}

impl Resolver<'_> {
    /// What an expression is that stands behind `code`.
    pub fn known(&self, chain: &Chain<'_>, code: &Code<'_>) -> Option<Known> {
        self.follow(chain, code, DEPTH)
    }

    /// The call that an expression names.
    pub fn call(&self, callee: &Chain<'_>, code: &Code<'_>) -> Option<Call> {
        self.called(&self.known(callee, code)?)
    }

    fn called(&self, known: &Known) -> Option<Call> {
        let name = known.path.as_deref()?;
        let found = self.reference.find(name);
        found
            .into_iter()
            .find(|item| item.name == name)
            .and_then(Call::of)
    }

    fn follow(&self, chain: &Chain<'_>, code: &[Token<'_>], depth: usize) -> Option<Known> {
        let depth = depth.checked_sub(1)?;
        let mut known = match chain.base {
            Base::Text => Known::typed("string")?,
            Base::Name(name) => match local(code, name) {
                Some((local, before)) => self.local(local, &code[..before], depth)?,
                None => self.global(name),
            },
        };
        for step in &chain.steps {
            known = match *step {
                Step::Field(name) | Step::Method(name) => self.member(&known, name)?,
                Step::Item(index) => self.item(&known, index)?,
                Step::Call => Known::typed(&self.reference.returns(&self.called(&known)?.name)?)?,
            };
        }
        Some(known)
    }

    fn local(&self, local: Local<'_>, code: &[Token<'_>], depth: usize) -> Option<Known> {
        match local {
            Local::Value(chain) => self.follow(&chain, code, depth),
            Local::Item(chain) => self.item(&self.follow(&chain, code, depth)?, None),
            Local::Parameter { of, index } => {
                let call = self.called(&self.follow(&of.callee, code, depth)?)?;
                let function = types::given(&call.takes(of.index)?.ty);
                Known::typed(types::params(function).get(index)?.2)
            }
        }
    }

    fn global(&self, name: &str) -> Known {
        let value = self.vm.lua.globals().raw_get::<Value>(name).ok();
        Known {
            value: value.filter(|v| !v.is_nil()),
            ty: None,
            path: Some(name.to_owned()),
        }
    }

    /// What is behind a dot or a colon.
    fn member(&self, known: &Known, name: &str) -> Option<Known> {
        let path = known.path.as_ref().map(|path| format!("{path}.{name}"));
        if let Some(table) = self.table(known) {
            let value =
                behind(&table).find_map(|t| t.raw_get::<Value>(name).ok().filter(|v| !v.is_nil()));
            if value.is_some() {
                return Some(Known {
                    value,
                    ty: None,
                    path,
                });
            }
        }
        let members = self.documented(known);
        let item = members.into_iter().find(|item| item.last() == name)?;
        match item.kind {
            ItemKind::Field => {
                let value = match &known.value {
                    Some(Value::UserData(handle)) => {
                        mlua::ObjectLike::get::<Value>(handle, name).ok()
                    }
                    _ => None,
                };
                match value.filter(|v| !v.is_nil()) {
                    Some(value) => Some(Known {
                        value: Some(value),
                        ..Known::default()
                    }),
                    None => Known::typed(given(&item.ty, known)),
                }
            }
            _ => Some(Known {
                path: Some(item.name.clone()),
                ..Known::default()
            }),
        }
    }

    fn item(&self, known: &Known, index: Option<i64>) -> Option<Known> {
        if let Some(Value::Table(table)) = &known.value {
            let value = table.raw_get::<Value>(index.unwrap_or(1)).ok();
            return Some(Known {
                value: value.filter(|v| !v.is_nil()),
                ..Known::default()
            });
        }
        match self.type_of(known)?.as_str() {
            "Fleet" => Known::typed("Server"),
            ty => Known::typed(Reference::element(ty)?),
        }
    }

    fn type_of(&self, known: &Known) -> Option<String> {
        match &known.value {
            Some(Value::UserData(handle)) => {
                let name = handle.type_name().ok()?;
                Some(name.to_string_lossy())
            }
            Some(Value::String(_)) => Some("string".to_owned()),
            _ => known.ty.clone(),
        }
    }

    /// The table in which members are found: the value itself, or the library of texts.
    fn table(&self, known: &Known) -> Option<Table> {
        match &known.value {
            Some(Value::Table(table)) => Some(table.clone()),
            _ if self.type_of(known).as_deref() == Some("string") => {
                self.vm.lua.globals().raw_get("string").ok()
            }
            _ => None,
        }
    }

    /// The members that the stubs tell of.
    fn documented(&self, known: &Known) -> Vec<&Item> {
        match (self.type_of(known), &known.path) {
            (Some(ty), _) => self.reference.members(bare(&ty).0),
            (None, Some(path)) => self.reference.members(path),
            (None, None) => Vec::new(),
        }
    }

    /// The names behind a dot, or those of methods behind a colon.
    pub fn members(&self, known: &Known, is_method: bool) -> Vec<String> {
        let mut names = Vec::new();
        for table in self.table(known).iter().flat_map(behind) {
            // A key that is no text ends nothing.
            let _ = table.for_each(|key: Value, value: Value| {
                if let Value::String(key) = key
                    && (!is_method || value.is_function())
                    && let Ok(key) = key.to_str()
                    && is_name(&key)
                {
                    names.push(key.to_owned());
                }
                Ok(())
            });
        }
        let fits = |item: &&Item| (item.kind == ItemKind::Method) == is_method;
        let documented = self.documented(known).into_iter().filter(fits);
        names.extend(documented.map(|item| item.last().to_owned()));
        names
    }

    /// The keys of the table at a slot of a call.
    pub fn keys(&self, slot: &Slot<'_>, code: &Code<'_>) -> Vec<Param> {
        let call = self.call(&slot.callee, code);
        let param = call.as_ref().and_then(|call| call.takes(slot.index));
        let keys = param.map(|param| self.reference.keys(&param.ty));
        let keys = keys.unwrap_or_default().into_iter();
        keys.filter(|key| is_name(&key.name)).collect()
    }

    /// The texts that a type allows: those of `"a"|"b"`, also by another name.
    pub fn choices(&self, ty: &str) -> Vec<String> {
        let ty = types::given(ty);
        let alias = self.reference.find(ty).into_iter();
        let alias = alias.filter(|i| i.kind == ItemKind::Alias && i.name == ty);
        let ty = alias.map(|i| i.ty.as_str()).next().unwrap_or(ty);
        let each = types::alternatives(ty).into_iter();
        each.filter_map(|t| t.strip_prefix('"')?.strip_suffix('"'))
            .map(str::to_owned)
            .collect()
    }
}

/// A class and what it is of: `mr.Outcome` and `string` of `mr.Outcome<string>`.
fn bare(ty: &str) -> (&str, Option<&str>) {
    match ty.split_once('<') {
        Some((class, of)) if class != "table" => (class, of.strip_suffix('>')),
        _ => (ty, None),
    }
}

/// The type of a field; `T` is what its owner is of.
fn given<'a>(ty: &'a str, owner: &'a Known) -> &'a str {
    let of = owner.ty.as_deref().and_then(|ty| bare(ty).1);
    match types::given(ty) {
        "T" => of.unwrap_or_default(),
        ty => ty,
    }
}

/// A table and those that stand behind it.
fn behind(table: &Table) -> impl Iterator<Item = Table> + use<> {
    let next = |table: &Table| table.metatable()?.raw_get::<Table>("__index").ok();
    std::iter::successors(Some(table.clone()), next).take(TABLES)
}
