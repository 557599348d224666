//! What a compiled text uses: globals, fields of libraries, methods, modules, option keys; each
//! with its line. Only what is certain is told: where ways through the code join, nothing is
//! known of the registers any more. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::compiled::{Compiled, Instruction, op};

/// One use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Use {
    pub what: What,
    pub line: u32,
    /// Not in the main function: it happens later, if at all.
    pub is_inner: bool,
}

/// What is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A global is read.
    Reads(String),
    /// A global is set.
    Sets(String),
    /// A field is read: the global's path, and the field.
    Field(String, String),
    /// `value:name`
    Method(String),
    /// `require "name"`
    Requires(String),
    /// A key of the table that is the n-th argument of a call: of `mr.retry`, or of `:run`.
    Option(String, usize, String),
    /// A key that a table gets: the code may define a method so.
    Names(String),
}

/// What is known of a register.
#[derive(Debug, Clone)]
enum Known {
    /// The table of globals.
    Globals,
    /// A global or a field of one.
    Path(String),
    Text(String),
    Method(String),
    /// A table with these keys, made here.
    Table(Vec<(String, u32)>),
}

/// Everything that a text uses, in the order of its functions.
pub(super) fn uses(main: &Compiled) -> Vec<Use> {
    let mut found = Vec::new();
    let mut open = vec![(main, false)];
    while let Some((function, is_inner)) = open.pop() {
        let mut walk = Walk {
            function,
            known: BTreeMap::new(),
            found: &mut found,
            is_inner,
        };
        walk.all();
        open.extend(function.inner.iter().rev().map(|inner| (inner, true)));
    }
    found
}

struct Walk<'a> {
    function: &'a Compiled,
    known: BTreeMap<usize, Known>,
    found: &'a mut Vec<Use>,
    is_inner: bool,
}

impl Walk<'_> {
    fn all(&mut self) {
        let code = &self.function.code;
        let joins = joins(code);
        for (pc, instruction) in code.iter().enumerate() {
            if joins.contains(&(pc as i64)) {
                self.known.clear();
            }
            self.one(*instruction, code.get(pc + 1).copied());
        }
    }

    fn text(&self, index: usize) -> Option<String> {
        self.function.texts.get(index)?.clone()
    }

    fn tell(&mut self, what: What, line: u32) {
        let is_inner = self.is_inner;
        self.found.push(Use {
            what,
            line,
            is_inner,
        });
    }

    fn set(&mut self, register: usize, known: Option<Known>) {
        match known {
            Some(known) => self.known.insert(register, known),
            None => self.known.remove(&register),
        };
    }

    fn forget_from(&mut self, register: usize) {
        self.known.retain(|r, _| *r < register);
    }

    fn is_globals(&self, upvalue: usize) -> bool {
        self.function
            .upvalues
            .get(upvalue)
            .is_some_and(|n| n == "_ENV")
    }

    /// The text in a register, as a key that did not fit the instruction.
    fn text_in(&self, register: usize) -> Option<String> {
        match self.known.get(&register) {
            Some(Known::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    fn one(&mut self, i: Instruction, next: Option<Instruction>) {
        let line = i.line;
        match i.op() {
            op::GETTABUP => {
                let name = self.text(i.c()).filter(|_| self.is_globals(i.b()));
                self.read_global(i.a(), name, line);
            }
            op::GETUPVAL => {
                let known = self.is_globals(i.b()).then_some(Known::Globals);
                self.set(i.a(), known);
            }
            op::GETTABLE => match (self.known.get(&i.b()), self.text_in(i.c())) {
                (Some(Known::Globals), name) => self.read_global(i.a(), name, line),
                _ => self.set(i.a(), None),
            },
            op::GETFIELD => match (self.known.get(&i.b()), self.text(i.c())) {
                (Some(Known::Globals), name) => self.read_global(i.a(), name, line),
                (Some(Known::Path(path)), Some(key)) => {
                    let path = path.clone();
                    self.set(i.a(), Some(Known::Path(format!("{path}.{key}"))));
                    self.tell(What::Field(path, key), line);
                }
                _ => self.set(i.a(), None),
            },
            op::SETTABUP => {
                if let Some(name) = self.text(i.b()).filter(|_| self.is_globals(i.a())) {
                    self.tell(What::Sets(name), line);
                }
                self.moved(i);
            }
            op::SETTABLE | op::SETI | op::SETFIELD => {
                let key = match i.op() {
                    op::SETFIELD => self.text(i.b()),
                    op::SETTABLE => self.text_in(i.b()),
                    _ => None,
                };
                self.set_key(i, key);
            }
            op::LOADK => {
                let known = self.text(i.bx()).map(Known::Text);
                self.set(i.a(), known);
            }
            op::LOADKX => {
                let text = next.and_then(|next| self.text(next.ax()));
                self.set(i.a(), text.map(Known::Text));
            }
            op::MOVE => {
                let known = match self.known.get(&i.b()) {
                    Some(known @ (Known::Path(_) | Known::Text(_))) => Some(known.clone()),
                    _ => None,
                };
                self.set(i.a(), known);
            }
            op::NEWTABLE => self.set(i.a(), Some(Known::Table(Vec::new()))),
            op::SETLIST => self.known.retain(|r, _| *r <= i.a()),
            op::SELF => {
                let name = match i.k() {
                    true => self.text(i.c()),
                    false => self.text_in(i.c()),
                };
                self.set(i.a() + 1, None);
                self.set(i.a(), name.clone().map(Known::Method));
                if let Some(name) = name {
                    self.tell(What::Method(name), line);
                }
            }
            op::CALL | op::TAILCALL => {
                self.call(i);
                self.forget_from(i.a());
            }
            op::LOADNIL => self.known.retain(|r, _| *r < i.a() || *r > i.a() + i.b()),
            op::VARARG => self.forget_from(i.a()),
            op::TFORCALL => self.forget_from(i.a() + 4),
            // They read, compare or jump.
            op::SETUPVAL
            | op::MMBIN..=op::MMBINK
            | op::CLOSE..=op::TEST
            | op::RETURN..=op::RETURN1
            | op::EXTRAARG => {}
            _ => self.set(i.a(), None),
        }
    }

    fn read_global(&mut self, register: usize, name: Option<String>, line: u32) {
        self.set(register, name.clone().map(Known::Path));
        if let Some(name) = name {
            self.tell(What::Reads(name), line);
        }
    }

    /// A value went into a table: it is no argument any more.
    fn moved(&mut self, i: Instruction) {
        if !i.k() {
            self.known.remove(&i.c());
        }
    }

    fn set_key(&mut self, i: Instruction, key: Option<String>) {
        self.moved(i);
        let Some(key) = key else { return };
        match self.known.get_mut(&i.a()) {
            Some(Known::Globals) => return self.tell(What::Sets(key), i.line),
            Some(Known::Table(keys)) => keys.push((key.clone(), i.line)),
            _ => {}
        }
        self.tell(What::Names(key), i.line);
    }

    fn call(&mut self, i: Instruction) {
        let (callee, first) = match self.known.get(&i.a()) {
            Some(Known::Path(path)) => (path.clone(), i.a() + 1),
            // The value before the colon is the first argument.
            Some(Known::Method(name)) => (format!(":{name}"), i.a() + 2),
            _ => return,
        };
        let end = match i.b() {
            0 => usize::MAX,
            count => i.a() + count,
        };
        if callee == "require" {
            if let Some(module) = self.text_in(first) {
                self.tell(What::Requires(module), i.line);
            }
            return;
        }
        let mut found = Vec::new();
        for (register, known) in self.known.range(first..).take_while(|(r, _)| **r < end) {
            if let Known::Table(keys) = known {
                let option = |(key, line): &(String, u32)| {
                    let what = What::Option(callee.clone(), register - first, key.clone());
                    (what, *line)
                };
                found.extend(keys.iter().map(option));
            }
        }
        for (what, line) in found {
            self.tell(what, line);
        }
    }
}

/// Where jumps lead to.
fn joins(code: &[Instruction]) -> BTreeSet<i64> {
    let target = |(pc, i): (usize, &Instruction)| {
        let next = pc as i64 + 1;
        let far = i.bx() as i64;
        match i.op() {
            op::JMP => Some(next + i.jump()),
            op::FORPREP => Some(next + far + 1),
            op::TFORPREP => Some(next + far),
            op::FORLOOP | op::TFORLOOP => Some(next - far),
            _ => None,
        }
    };
    code.iter().enumerate().filter_map(target).collect()
}
