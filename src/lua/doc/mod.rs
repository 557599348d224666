//! Documentation out of the type stubs in `stdlib/meta`: what there is, what it takes and gives.
//!
//! [`read`] makes items of the stubs' text, [`types`] knows where a type ends and what is in it,
//! [`find`] answers by name. A [`Reference`] is all of it, parsed once by whoever needs it. Knows
//! nothing of the VM: a test holds the stubs to the bindings.

mod find;
mod read;
pub(super) mod types;

#[cfg(test)]
mod tests;

use super::loader;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemKind {
    /// A type with fields or functions; also a table of functions such as `mr.text`.
    Class,
    /// A named field of a class.
    Field,
    /// Called with a dot, or by its name alone.
    Function,
    /// Called with a colon.
    Method,
    /// Another name for a type.
    Alias,
    /// A global variable.
    Value,
}

impl ItemKind {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            ItemKind::Class => "class",
            ItemKind::Field => "field",
            ItemKind::Function => "function",
            ItemKind::Method => "method",
            ItemKind::Alias => "alias",
            ItemKind::Value => "value",
        }
    }

    /// Can it be called with arguments of its own?
    pub fn is_call(self) -> bool {
        matches!(self, ItemKind::Function | ItemKind::Method)
    }
}

/// One documented thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// As the stub declares it: `server.get`, `Remote:run`, `mr.RunOpts`, `mr.RunOpts.timeout`.
    pub name: String,
    /// What it is.
    pub kind: ItemKind,
    /// The class that it belongs to.
    pub owner: Option<String>,
    /// What it is for; paragraphs are parted by empty lines.
    pub text: String,
    /// What a call takes, in order.
    pub params: Vec<Param>,
    /// What a call gives; without names.
    pub returns: Vec<Param>,
    /// The type of a field, an alias or a value; else empty.
    pub ty: String,
    /// A field that need not be there.
    pub optional: bool,
    /// The classes that a class has everything of.
    pub parents: Vec<String>,
    /// The names that stand for any type in it.
    pub generics: Vec<String>,
    /// Further ways to call it, as `fun(…): …`; those of a class are calls of the value itself.
    pub overloads: Vec<String>,
    /// Lua that shows its use.
    pub examples: Vec<Example>,
    /// Where it stands: `meta/server.lua:12`.
    pub place: String,
}

/// A parameter, an option or a returned value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name; `...` for the rest of the arguments.
    pub name: String,
    /// It need not be given.
    pub optional: bool,
    /// Its type.
    pub ty: String,
    /// What it is.
    pub text: String,
}

/// A piece of Lua out of a stub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The Lua.
    pub text: String,
    /// Where it begins: `meta/server.lua:12`.
    pub place: String,
}

impl Item {
    /// The last word of its name.
    pub fn last(&self) -> &str {
        self.name.rsplit(['.', ':']).next().unwrap_or(&self.name)
    }

    /// How it is written: `Remote:run(command, opts?) -> mr.Result`, `vars: table<string, any>`.
    pub fn signature(&self) -> String {
        let mut text = self.name.clone();
        match self.kind {
            ItemKind::Function | ItemKind::Method => {
                let params = self.params.iter().map(Param::shown);
                text += &format!("({})", params.collect::<Vec<_>>().join(", "));
                let types = self.returns.iter().map(|r| r.ty.as_str());
                let types = types.collect::<Vec<_>>().join(", ");
                if !types.is_empty() {
                    text += &format!(" -> {types}");
                }
            }
            ItemKind::Class if !self.parents.is_empty() => {
                text += &format!(" : {}", self.parents.join(", "));
            }
            ItemKind::Class => {}
            ItemKind::Alias => text += &format!(" = {}", self.ty),
            ItemKind::Field | ItemKind::Value => {
                let mark = if self.optional { "?" } else { "" };
                text += &format!("{mark}: {}", self.ty.trim_end_matches('?'));
            }
        }
        text
    }

    /// The first sentence of its text, on one line.
    pub fn summary(&self) -> String {
        let first = self.text.split("\n\n").next().unwrap_or_default();
        let line = first.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.find(". ") {
            Some(end) => line[..end].to_owned(),
            None => line.trim_end_matches('.').to_owned(),
        }
    }
}

impl Param {
    /// `opts?`
    pub fn shown(&self) -> String {
        let mark = if self.optional { "?" } else { "" };
        format!("{}{mark}", self.name)
    }
}

/// Everything that the stubs say.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    items: Vec<Item>,
    problems: Vec<String>,
}

impl Reference {
    /// The stubs that the program carries.
    pub fn bundled() -> Self {
        let mut all = Reference::default();
        for path in loader::shipped_in("meta/") {
            if let Some(text) = loader::bundled(&path) {
                all.add(&path, &String::from_utf8_lossy(&text));
            }
        }
        all
    }

    /// Adds what a stub file says; `name` is for [`Item::place`].
    pub fn add(&mut self, name: &str, text: &str) {
        let read = read::read(name, text);
        for item in read.items {
            self.put(item);
        }
        self.problems.extend(read.problems);
    }

    /// A class may be begun in one file and go on in others.
    fn put(&mut self, item: Item) {
        let same = |i: &&mut Item| i.kind == ItemKind::Class && i.name == item.name;
        match self.items.iter_mut().find(same) {
            Some(known) if item.kind == ItemKind::Class => {
                if known.text.is_empty() {
                    known.text = item.text;
                }
                known.parents.extend(item.parents);
                known.overloads.extend(item.overloads);
                known.examples.extend(item.examples);
            }
            _ => self.items.push(item),
        }
    }

    /// Every item, in the order of the files.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// What in the stubs could not be understood: `meta/x.lua:3: …`.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}
