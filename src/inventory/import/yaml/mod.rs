//! YAML as a tree that knows its lines and tags. Pure.
//!
//! The events are granit-parser's; what they mean is decided here, because an inventory needs
//! what a data type does not keep: the line of each value and the tag `!vault`. As in YAML 1.1,
//! which Ansible reads, `<<` merges a mapping and `yes` is true.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::Value as Json;
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Tag};

/// Most nodes of one file, aliases counted as often as they are used.
const MOST_NODES: usize = 2_000_000;
/// Deepest nesting.
const DEEPEST: usize = 100;

/// A value and the line on which it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub line: usize,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Text as written, whether it was quoted, and its tag (`!vault`) without YAML's own.
    Scalar {
        text: String,
        quoted: bool,
        tag: Option<String>,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The text of a scalar that is no null.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// An empty value, `~` or `null`.
    pub fn is_null(&self) -> bool {
        let words = ["", "~", "null", "Null", "NULL"];
        matches!(&self.value, Value::Scalar { text, quoted: false, tag: None } if words.contains(&text.as_str()))
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> Option<&[(Node, Node)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let mut entries = self.entries()?.iter();
        entries.find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v)
    }

    /// A scalar as the JSON value that it means; `None` for the others.
    pub fn json(&self) -> Option<Json> {
        let Value::Scalar { text, quoted, .. } = &self.value else {
            return None;
        };
        if self.is_null() {
            return Some(Json::Null);
        }
        let plain = match text.to_lowercase().as_str() {
            "true" | "yes" | "on" => Some(Json::Bool(true)),
            "false" | "no" | "off" => Some(Json::Bool(false)),
            _ => super::ansible::number(text),
        };
        let plain = plain.filter(|_| !quoted);
        Some(plain.unwrap_or_else(|| Json::String(text.clone())))
    }

    fn depth(&self) -> usize {
        1 + match &self.value {
            Value::Scalar { .. } => 0,
            Value::List(items) => items.iter().map(Node::depth).max().unwrap_or(0),
            Value::Map(entries) => {
                let depths = entries.iter().map(|(k, v)| k.depth().max(v.depth()));
                depths.max().unwrap_or(0)
            }
        }
    }

    fn size(&self) -> usize {
        1 + match &self.value {
            Value::Scalar { .. } => 0,
            Value::List(items) => items.iter().map(Node::size).sum(),
            Value::Map(entries) => entries.iter().map(|(k, v)| k.size() + v.size()).sum(),
        }
    }
}

/// Reads the one document of a text; `None` when there is nothing in it.
///
/// # Errors
/// The line and what is wrong there.
pub(super) fn parse(text: &str) -> Result<Option<Node>, (usize, String)> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|e| (e.marker().line(), e.info().to_string()))?;
        let line = span.start.line();
        builder.take(event, line)?;
    }
    Ok(builder.root)
}

/// A collection that is not complete yet.
struct Open {
    anchor: usize,
    line: usize,
    /// Items; keys and values by turns in a mapping.
    nodes: Vec<Node>,
    is_map: bool,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    nodes: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), (usize, String)> {
        let taken = match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                Err("there is more than one document".to_owned())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = Value::Scalar {
                    text: text.into_owned(),
                    quoted: style != ScalarStyle::Plain,
                    tag: tag.as_deref().and_then(own_tag),
                };
                self.push(Node { line, value }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.open(anchor, line, false),
            Event::MappingStart(_, anchor, _) => self.open(anchor, line, true),
            Event::SequenceEnd | Event::MappingEnd => return self.close(),
            Event::Alias(anchor) => self.alias(anchor),
            _ => Ok(()),
        };
        taken.map_err(|message| (line, message))
    }

    fn alias(&mut self, anchor: usize) -> Result<(), String> {
        // One that is not there yet stands inside itself.
        let node = self.anchors.get(&anchor).cloned();
        let node = node.ok_or("an alias stands inside what it names")?;
        if self.open.len() + node.depth() > DEEPEST {
            return Err(format!("nested more than {DEEPEST} deep"));
        }
        self.nodes += node.size();
        self.push(node, 0)
    }

    fn open(&mut self, anchor: usize, line: usize, is_map: bool) -> Result<(), String> {
        if self.open.len() >= DEEPEST {
            return Err(format!("nested more than {DEEPEST} deep"));
        }
        self.open.push(Open {
            anchor,
            line,
            nodes: Vec::new(),
            is_map,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), (usize, String)> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let value = match open.is_map {
            true => Value::Map(entries(open.nodes)?),
            false => Value::List(open.nodes),
        };
        let line = open.line;
        let pushed = self.push(Node { line, value }, open.anchor);
        pushed.map_err(|message| (line, message))
    }

    fn push(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(format!("more than {MOST_NODES} values"));
        }
        if anchor != 0 {
            self.nodes += node.size();
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(open) => open.nodes.push(node),
            None => self.root = Some(node),
        }
        Ok(())
    }
}

/// The entries of a mapping: a later one of the same key counts, and `<<` gives what is not there.
fn entries(nodes: Vec<Node>) -> Result<Vec<(Node, Node)>, (usize, String)> {
    let (mut entries, mut merged): (Vec<(Node, Node)>, Vec<Node>) = Default::default();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut nodes = nodes.into_iter();
    while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
        let is_merge =
            matches!(&key.value, Value::Scalar { text, quoted: false, .. } if text == "<<");
        if is_merge {
            match value.value {
                Value::List(several) => merged.extend(several),
                _ => merged.push(value),
            }
            continue;
        }
        let Value::Scalar { text, .. } = &key.value else {
            return Err((key.line, "a key of a mapping is no text".to_owned()));
        };
        match places.get(text) {
            Some(place) => entries[*place] = (key, value),
            None => {
                places.insert(text.clone(), entries.len());
                entries.push((key, value));
            }
        }
    }
    for node in merged {
        let Value::Map(from) = node.value else {
            return Err((node.line, "`<<` merges a mapping".to_owned()));
        };
        for (key, value) in from {
            let name = key.text().unwrap_or_default().to_owned();
            if let Entry::Vacant(place) = places.entry(name) {
                place.insert(entries.len());
                entries.push((key, value));
            }
        }
    }
    Ok(entries)
}

/// A tag that is not YAML's own.
fn own_tag(tag: &Tag) -> Option<String> {
    let is_own = !tag.is_yaml_core_schema() && !tag.suffix().is_empty();
    is_own.then(|| tag.suffix().to_owned())
}
