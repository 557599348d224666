//! Lua values as Lua source that a person can read and, unless something was left out, run.

use mlua::{Function, Table, Value};

use super::text::{Clean, INNER_LINES, INNER_TEXT, OUTER_TEXT, long_text, quoted, visible};
use crate::tokens::is_name;

/// Deepest nesting that is shown.
const DEPTH: usize = 8;
/// Entries of one table that are shown.
const ENTRIES: usize = 200;
/// Values that one printed value may hold in all: shared tables can multiply without end.
const BUDGET: usize = 5_000;
/// A value taken apart, so that it can be laid out once its size is known.
enum Node {
    /// A text or a number; when it has several lines, so has all around it.
    Leaf(String),
    /// `name {entries}`; the entries are `key = ` (or nothing) and a value.
    Table(String, Vec<(String, Node)>),
}

/// `value` as a Lua literal in lines of at most `width` columns where that is possible.
pub(in crate::lua) fn literal(value: &Value, width: usize, clean: Clean) -> String {
    if let Value::String(text) = value {
        let bytes = text.as_bytes();
        return long_text(&bytes, OUTER_TEXT, clean)
            .unwrap_or_else(|| quoted(&bytes, OUTER_TEXT, clean));
    }
    let mut reader = Reader {
        clean,
        left: BUDGET,
        path: Vec::new(),
    };
    let mut text = String::new();
    lay_out(&reader.node(value), 0, 0, width, &mut text);
    text
}

/// Takes values apart within the bounds.
struct Reader<'a> {
    clean: Clean<'a>,
    left: usize,
    /// The tables that are being looked into, to see a cycle.
    path: Vec<*const std::ffi::c_void>,
}

impl Reader<'_> {
    fn node(&mut self, value: &Value) -> Node {
        self.left = self.left.saturating_sub(1);
        match value {
            Value::String(text) => {
                let bytes = text.as_bytes();
                let lines = long_text(&bytes, INNER_LINES, self.clean);
                Node::Leaf(lines.unwrap_or_else(|| quoted(&bytes, INNER_TEXT, self.clean)))
            }
            Value::Table(table) => self.table(value, table),
            other => Node::Leaf(self.scalar(other)),
        }
    }

    /// One line for what is neither a text nor a table.
    fn scalar(&self, value: &Value) -> String {
        match value {
            Value::Nil => "nil".to_owned(),
            Value::Boolean(b) => b.to_string(),
            Value::Integer(i64::MIN) => "math.mininteger".to_owned(),
            Value::Integer(n) => n.to_string(),
            Value::Number(n) => float(*n),
            Value::Function(function) => function_name(function),
            Value::Thread(_) => "<thread>".to_owned(),
            Value::LightUserData(data) if data.0.is_null() => "null".to_owned(),
            Value::LightUserData(_) => "<lightuserdata>".to_owned(),
            other => self
                .spoken(other)
                .unwrap_or_else(|| format!("<{}>", other.type_name())),
        }
    }

    /// What the value says of itself: `__tostring`, without the address that is Lua's own answer.
    fn spoken(&self, value: &Value) -> Option<String> {
        let text = value.to_string().ok()?;
        let text = match text.rsplit_once(": 0x") {
            Some((name, _)) => format!("<{name}>"),
            None => text,
        };
        Some(visible((self.clean)(&text).as_bytes()))
    }

    fn table(&mut self, value: &Value, table: &Table) -> Node {
        let meta = table.metatable();
        let name = meta
            .as_ref()
            .and_then(|m| m.raw_get::<String>("__name").ok());
        let speaks =
            meta.is_some_and(|m| m.raw_get::<Value>("__tostring").is_ok_and(|v| !v.is_nil()));
        // An error's text leaves out most of what it knows.
        if speaks && name.as_deref() != Some("err") {
            return Node::Leaf(self.spoken(value).unwrap_or_else(|| "<table>".to_owned()));
        }
        let name = name.map_or_else(String::new, |n| visible(n.as_bytes()) + " ");
        let address = table.to_pointer();
        if self.path.contains(&address) {
            return Node::Leaf("<cycle>".to_owned());
        }
        if self.path.len() >= DEPTH && !table.is_empty() {
            return Node::Leaf(name + "{…}");
        }
        self.path.push(address);
        let entries = self.entries(table);
        self.path.pop();
        Node::Table(name, entries)
    }

    fn entries(&mut self, table: &Table) -> Vec<(String, Node)> {
        let length = table.raw_len();
        let in_list = |key: &Value| match key {
            Value::Integer(i) => usize::try_from(*i).is_ok_and(|i| (1..=length).contains(&i)),
            _ => false,
        };
        let mut pairs: Vec<(Rank, Value)> = Vec::new();
        let mut count = length;
        // Raw: looking at a table must run none of its code.
        let _ = table.for_each(|key: Value, value: Value| {
            if !in_list(&key) {
                count += 1;
                pairs.push((Rank::of(&key, self), value));
            }
            Ok(())
        });
        pairs.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(std::cmp::Ordering::Equal));
        let mut entries = Vec::new();
        let items = (1..=length).map(|i| (String::new(), table.raw_get(i).unwrap_or(Value::Nil)));
        let fields = pairs
            .into_iter()
            .map(|(rank, value)| (rank.shown() + " = ", value));
        for (key, value) in items.chain(fields) {
            if entries.len() == ENTRIES || self.left == 0 {
                break;
            }
            entries.push((key, self.node(&value)));
        }
        if entries.len() < count {
            let more = format!("… {} more", count - entries.len());
            entries.push((String::new(), Node::Leaf(more)));
        }
        entries
    }
}

/// A key with its place in the order: numbers, then texts, then all else by how it looks.
#[derive(PartialEq, PartialOrd)]
enum Rank {
    Number(f64, String),
    Text(Vec<u8>, String),
    Other(String),
}

impl Rank {
    fn of(key: &Value, reader: &Reader) -> Self {
        match key {
            Value::Integer(n) => Rank::Number(*n as f64, format!("[{}]", reader.scalar(key))),
            Value::Number(n) => Rank::Number(*n, format!("[{}]", reader.scalar(key))),
            Value::String(text) => {
                let bytes = text.as_bytes();
                let shown = match std::str::from_utf8(&bytes) {
                    Ok(word) if is_name(word) => word.to_owned(),
                    _ => format!("[{}]", quoted(&bytes, INNER_TEXT, reader.clean)),
                };
                Rank::Text(bytes.to_vec(), shown)
            }
            Value::Table(_) => Rank::Other("[<table>]".to_owned()),
            other => Rank::Other(format!("[{}]", reader.scalar(other))),
        }
    }

    fn shown(self) -> String {
        match self {
            Rank::Number(_, shown) | Rank::Text(_, shown) | Rank::Other(shown) => shown,
        }
    }
}

/// Writes a node: on one line when it fits between column `at` and `width`, else one entry a line.
fn lay_out(node: &Node, indent: usize, at: usize, width: usize, text: &mut String) {
    let (name, entries) = match node {
        Node::Leaf(leaf) => return text.push_str(leaf),
        Node::Table(name, entries) => (name, entries),
    };
    text.push_str(name);
    if entries.is_empty() {
        return text.push_str("{}");
    }
    let mut flat = String::new();
    // One column for the comma that may follow.
    if flat_into(node, width.saturating_sub(at + 1), &mut flat) {
        return text.push_str(&flat[name.len()..]);
    }
    text.push_str("{\n");
    let inner = indent + 2;
    for (key, value) in entries {
        text.extend(std::iter::repeat_n(' ', inner));
        text.push_str(key);
        lay_out(value, inner, inner + key.chars().count(), width, text);
        text.push_str(",\n");
    }
    text.extend(std::iter::repeat_n(' ', indent));
    text.push('}');
}

/// Writes a node on one line; false as soon as it turns out longer than `most`.
fn flat_into(node: &Node, most: usize, text: &mut String) -> bool {
    match node {
        Node::Leaf(leaf) if leaf.contains('\n') => return false,
        Node::Leaf(leaf) => text.push_str(leaf),
        Node::Table(name, entries) if entries.is_empty() => {
            text.push_str(name);
            text.push_str("{}");
        }
        Node::Table(name, entries) => {
            text.push_str(name);
            for (i, (key, value)) in entries.iter().enumerate() {
                text.push_str(if i == 0 { "{ " } else { ", " });
                text.push_str(key);
                if !flat_into(value, most, text) {
                    return false;
                }
            }
            text.push_str(" }");
        }
    }
    text.chars().count() <= most
}

/// A number that Lua reads back as the same float.
fn float(n: f64) -> String {
    match n {
        n if n.is_nan() => "0/0".to_owned(),
        f64::INFINITY => "math.huge".to_owned(),
        f64::NEG_INFINITY => "-math.huge".to_owned(),
        n => format!("{n:?}"),
    }
}

fn function_name(function: &Function) -> String {
    let info = function.info();
    match (info.short_src, info.line_defined) {
        (Some(source), Some(line)) if info.what != "C" => {
            format!("<function {}:{line}>", visible(source.as_bytes()))
        }
        _ => "<function>".to_owned(),
    }
}
