//! Reads one stub file: blocks of `---` lines and the Lua line below each.
//!
//! The tags are those of LuaLS that the stubs use; any other is a problem, so that a typing error
//! does not hide a field from everybody.

use std::collections::BTreeMap;

use super::types::{self, given};
use super::{Example, Item, ItemKind, Param};

/// What a file says.
#[derive(Default)]
pub(super) struct Read {
    pub(super) items: Vec<Item>,
    pub(super) problems: Vec<String>,
}

/// Reads the text of the stub `file`.
pub(super) fn read(file: &str, text: &str) -> Read {
    let mut reader = Reader {
        file,
        ..Reader::default()
    };
    for (i, line) in text.lines().enumerate() {
        reader.line = i + 1;
        let line = line.trim();
        match line.strip_prefix("---") {
            Some(rest) => reader.comment(rest),
            None if line.starts_with("--") => {}
            None => reader.code(line),
        }
    }
    reader.code("");
    reader.read
}

/// What stands above the next line of Lua.
#[derive(Default)]
struct Block {
    /// The first line of it.
    line: usize,
    text: Vec<String>,
    /// A piece of Lua that is being read, and what its lines begin with.
    fence: Option<(&'static str, Example)>,
    examples: Vec<Example>,
    /// The class that its fields go to: its place among the items.
    class: Option<usize>,
    /// The alias that is being read.
    alias: Option<usize>,
    ty: Option<String>,
    params: Vec<Param>,
    returns: Vec<Param>,
    generics: Vec<String>,
    overloads: Vec<String>,
}

#[derive(Default)]
struct Reader<'a> {
    file: &'a str,
    line: usize,
    block: Block,
    /// The class that a variable of the file stands for.
    classes: BTreeMap<String, String>,
    read: Read,
}

impl Reader<'_> {
    fn problem(&mut self, what: impl std::fmt::Display) {
        let place = format!("{}:{}", self.file, self.line);
        self.read.problems.push(format!("{place}: {what}"));
    }

    /// A line that begins with `---`.
    fn comment(&mut self, rest: &str) {
        if self.block.line == 0 {
            self.block.line = self.line;
        }
        let bare = rest.strip_prefix(' ').unwrap_or(rest);
        if let Some((indent, mut example)) = self.block.fence.take() {
            if bare.trim() == "```" {
                self.block.examples.push(example);
            } else {
                example.text += rest.strip_prefix(indent).unwrap_or(rest).trim_end();
                example.text.push('\n');
                self.block.fence = Some((indent, example));
            }
        } else if bare.trim() == "```lua" {
            let place = format!("{}:{}", self.file, self.line + 1);
            let text = String::new();
            let indent = if bare == rest { "" } else { " " };
            self.block.fence = Some((indent, Example { text, place }));
        } else if let Some(rest) = rest.strip_prefix('@') {
            let (tag, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            self.tag(tag, rest.trim());
        } else if let Some(more) = rest.strip_prefix('|') {
            self.another(more);
        } else {
            self.block.text.push(bare.trim_end().to_owned());
        }
    }

    fn tag(&mut self, tag: &str, rest: &str) {
        match tag {
            "meta" => {}
            "class" => self.class(rest),
            "field" => self.field(rest),
            "alias" => self.alias(rest),
            "param" => match param(rest) {
                Some(param) => self.block.params.push(param),
                None => self.problem("`@param` needs a name and a type"),
            },
            "return" => match types::split(rest) {
                Some((ty, text)) => self.block.returns.push(value(ty, text)),
                None => self.problem("`@return` needs a type"),
            },
            "generic" => {
                let names = rest.split(',').map(|n| word(n.trim()).to_owned());
                self.block.generics.extend(names);
            }
            "overload" => self.block.overloads.push(rest.to_owned()),
            "type" => self.block.ty = Some(rest.to_owned()),
            other => self.problem(format!("unknown tag `@{other}`")),
        }
    }

    /// A new item of this block; the text above it is its own.
    fn item(&mut self, name: &str, kind: ItemKind) -> Item {
        let text = self.block.text.join("\n").trim().to_owned();
        self.block.text.clear();
        Item {
            name: name.to_owned(),
            kind,
            owner: None,
            text,
            params: Vec::new(),
            returns: Vec::new(),
            ty: String::new(),
            optional: false,
            parents: Vec::new(),
            generics: Vec::new(),
            overloads: Vec::new(),
            examples: std::mem::take(&mut self.block.examples),
            place: format!("{}:{}", self.file, self.line),
        }
    }

    fn put(&mut self, item: Item) -> usize {
        self.read.items.push(item);
        self.read.items.len() - 1
    }

    fn class(&mut self, rest: &str) {
        let rest = rest.strip_prefix("(exact)").unwrap_or(rest);
        let (name, parents) = rest.split_once(':').unwrap_or((rest, ""));
        let (whole, name) = (name.trim(), word(name.trim()));
        if name.is_empty() {
            return self.problem("`@class` needs a name");
        }
        let mut class = self.item(name, ItemKind::Class);
        class
            .generics
            .extend(types::argument(whole).map(str::to_owned));
        let parents = parents.split(',').map(|p| word(p.trim()).to_owned());
        class.parents = parents.filter(|p| !p.is_empty()).collect();
        self.block.class = Some(self.put(class));
    }

    fn field(&mut self, rest: &str) {
        let Some(class) = self.block.class else {
            return self.problem("`@field` stands below no class");
        };
        let Some(param) = param(rest) else {
            return self.problem("`@field` needs a name and a type");
        };
        let owner = self.read.items[class].name.clone();
        let mut field = self.item(&format!("{owner}.{}", param.name), ItemKind::Field);
        if !param.text.is_empty() {
            field.text = param.text;
        }
        field.optional = param.optional;
        field.ty = param.ty;
        field.owner = Some(owner);
        self.put(field);
    }

    fn alias(&mut self, rest: &str) {
        let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        if name.is_empty() {
            return self.problem("`@alias` needs a name");
        }
        let mut alias = self.item(name, ItemKind::Alias);
        if let Some((ty, text)) = types::split(rest) {
            alias.ty = ty.to_owned();
            if alias.text.is_empty() {
                alias.text = text.to_owned();
            }
        }
        self.block.alias = Some(self.put(alias));
    }

    /// One more alternative of an alias: `---| "ok" # all is well`.
    fn another(&mut self, rest: &str) {
        let (ty, text) = types::split(rest).unwrap_or_default();
        let Some(alias) = self.block.alias.filter(|_| !ty.is_empty()) else {
            return self.problem("`|` stands below no alias");
        };
        let alias = &mut self.read.items[alias];
        let mark = if alias.ty.is_empty() { "" } else { "|" };
        alias.ty += &format!("{mark}{ty}");
        let text = text.trim_start_matches('#').trim();
        if !text.is_empty() {
            alias.text += &format!("\n- {ty}: {text}");
            alias.text = alias.text.trim().to_owned();
        }
    }

    /// A line of Lua, or an empty one: the block above it ends here.
    fn code(&mut self, line: &str) {
        if self.block.fence.is_some() {
            self.problem("the example above does not end");
        }
        if let Some(rest) = line.strip_prefix("function ") {
            self.function(rest);
        } else if let Some((left, _)) = line.split_once('=') {
            let left = left.trim();
            let (name, is_local) = match left.strip_prefix("local ") {
                Some(name) => (name.trim(), true),
                None => (left, false),
            };
            self.variable(name, is_local);
        }
        if !self.block.params.is_empty() {
            self.problem("what is described here is no function");
        }
        if let Some(class) = self.block.class {
            let overloads = std::mem::take(&mut self.block.overloads);
            let class = &mut self.read.items[class];
            class.overloads.extend(overloads);
            class.examples.append(&mut self.block.examples);
        }
        self.block = Block::default();
    }

    fn function(&mut self, rest: &str) {
        let (name, args) = rest.split_once('(').unwrap_or((rest, ""));
        let args = args.split(')').next().unwrap_or_default();
        let args: Vec<&str> = args.split(',').map(str::trim).collect();
        let args = args.into_iter().filter(|a| !a.is_empty());
        let described = std::mem::take(&mut self.block.params);
        let mut params = Vec::new();
        for arg in args {
            match described.iter().find(|p| p.name == arg) {
                Some(param) => params.push(param.clone()),
                None => {
                    self.problem(format!("`{name}`: `{arg}` is not described"));
                    params.push(Param {
                        name: arg.to_owned(),
                        optional: true,
                        ty: "any".to_owned(),
                        text: String::new(),
                    });
                }
            }
        }
        for more in described
            .iter()
            .filter(|d| params.iter().all(|p| p.name != d.name))
        {
            self.problem(format!("`{name}` does not take `{}`", more.name));
        }
        let kind = match name.contains(':') {
            true => ItemKind::Method,
            false => ItemKind::Function,
        };
        let mut item = self.item(name, kind);
        item.owner = name.rsplit_once(['.', ':']).map(|(owner, _)| {
            let class = self.classes.get(owner).map(String::as_str);
            class.unwrap_or(owner).to_owned()
        });
        item.params = params;
        item.returns = std::mem::take(&mut self.block.returns);
        item.generics = std::mem::take(&mut self.block.generics);
        item.overloads = std::mem::take(&mut self.block.overloads);
        item.place = format!("{}:{}", self.file, self.block.line.max(1));
        self.put(item);
    }

    /// `Server = {}`, `local Server = {}`, `mr.text = {}` below a class or a type.
    fn variable(&mut self, name: &str, is_local: bool) {
        if let Some(ty) = self.block.ty.take() {
            let mut value = self.item(name, ItemKind::Value);
            value.ty = ty;
            self.put(value);
        }
        let Some(class) = self.block.class else {
            return;
        };
        let class_name = self.read.items[class].name.clone();
        if is_local || class_name != name {
            self.classes.insert(name.to_owned(), class_name.clone());
        }
        if is_local {
            return;
        }
        if class_name == name {
            let outer = name.rsplit_once('.').map(|(outer, _)| outer.to_owned());
            self.read.items[class].owner = outer;
            return;
        }
        // What shows how it is used is said of the variable, which people type.
        let overloads = std::mem::take(&mut self.block.overloads);
        let examples = std::mem::take(&mut self.read.items[class].examples);
        let class = self.read.items[class].clone();
        self.put(Item {
            name: name.to_owned(),
            kind: ItemKind::Value,
            ty: class_name,
            overloads,
            examples,
            ..class
        });
    }
}

/// `name? type text`
fn param(rest: &str) -> Option<Param> {
    let (name, rest) = rest.split_once(char::is_whitespace)?;
    let (ty, text) = types::split(rest)?;
    let bare = name.trim_end_matches('?');
    Some(Param {
        name: bare.to_owned(),
        optional: bare != name || given(ty) != ty,
        ..value(ty, text)
    })
}

/// A value that has no name.
fn value(ty: &str, text: &str) -> Param {
    Param {
        name: String::new(),
        optional: given(ty) != ty,
        ty: ty.to_owned(),
        text: text.trim_start_matches('#').trim().to_owned(),
    }
}

/// A name without what stands behind it: `T` of `T: table`, `Fleet` of `Fleet<T>`.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-')));
    &text[..end.unwrap_or(text.len())]
}
