//! What could stand at the cursor of a text that is being typed, and what comes next.
//!
//! [`place`] finds out where the cursor is, on [`crate::tokens`]; [`chain`] and [`local`] read the
//! expressions around it; [`resolve`] knows what these are, from the VM and the stubs, and [`call`]
//! what calls take. Names of servers, tags and files are not Lua's: for those it says only that they
//! are wanted.

mod call;
mod chain;
mod local;
mod place;
mod resolve;

use mlua::Value;

use super::Vm;
use super::doc::Reference;
use crate::tokens::{KEYWORDS, is_name};
use chain::{Base, Chain, Step};
use place::{Code, Place, Slot, place, slot};
use resolve::Resolver;

/// What could replace the end of a text, from `start` on.
#[derive(Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The byte where it begins.
    pub start: usize,
    /// What is wanted there.
    pub what: What,
}

/// A kind of thing to type.
#[derive(Debug, PartialEq, Eq)]
pub enum What {
    /// One of these words: text, and how it is shown when that is less.
    Words(Vec<(String, String)>),
    /// In a text with that quote: a server's id.
    Id(Option<char>),
    /// A selection of servers.
    Pattern(Option<char>),
    /// The name of a stage.
    Stage(Option<char>),
    /// A tag.
    Tag(Option<char>),
    /// A local file.
    File(Option<char>),
}

impl Vm {
    /// What could stand at the end of `text`, which is Lua that goes on there.
    pub fn wanted(&self, reference: &Reference, text: &str) -> Wanted {
        let resolver = Resolver {
            vm: self,
            reference,
        };
        let (place, code) = place(text);
        let (word, what) = match place {
            Place::Nothing => ("", What::Words(Vec::new())),
            Place::Name(word) => (word, words(word, self.names(&code, word))),
            Place::Key { word, slot, given } => {
                let keys = resolver.keys(&slot, &code).into_iter();
                let keys = keys.filter(|key| !given.contains(&key.name.as_str()));
                let mut list: Vec<(String, String)> = keys
                    .filter(|key| key.name.starts_with(word))
                    .map(|key| (format!("{} = ", key.name), key.name))
                    .collect();
                // An item of a list may be any expression.
                if let What::Words(names) = words(word, self.names(&code, word))
                    && (list.is_empty() || !word.is_empty())
                {
                    list.extend(names);
                }
                (word, What::Words(list))
            }
            Place::Member {
                of,
                is_method,
                word,
            } => {
                let known = resolver.known(&of, &code);
                let names = known.map(|known| resolver.members(&known, is_method));
                (word, words(word, names.unwrap_or_default()))
            }
            Place::Text { typed, quote, slot } => {
                let what = slot.and_then(|slot| in_text(&resolver, &slot, &code, typed, quote));
                (typed, what.unwrap_or(What::File(quote)))
            }
        };
        Wanted {
            start: text.len() - word.len(),
            what,
        }
    }

    /// What the call at the end of `text` still takes, for people: `opts?) -> mr.Result`.
    pub fn signature(&self, reference: &Reference, text: &str) -> Option<String> {
        let resolver = Resolver {
            vm: self,
            reference,
        };
        let (place, code) = place(text);
        let slot = match place {
            Place::Nothing | Place::Text { .. } => return None,
            Place::Member { of, word, .. } if !word.is_empty() => {
                let mut callee = of;
                callee.steps.push(Step::Method(word));
                return whole(&resolver, &callee, &code);
            }
            Place::Key { word, slot, given } => {
                let keys = resolver.keys(&slot, &code).into_iter().map(|key| key.name);
                let keys = keys.filter(|k| !given.contains(&k.as_str()) && word.is_empty());
                let keys: Vec<String> = keys.collect();
                let blank = if text.ends_with(' ') { "" } else { " " };
                return (!keys.is_empty()).then(|| format!("{blank}{}", keys.join(", ")));
            }
            Place::Name(word) if !word.is_empty() => {
                let callee = Chain {
                    base: Base::Name(word),
                    steps: Vec::new(),
                };
                let named = whole(&resolver, &callee, &code);
                return named.or_else(|| rest(&resolver, &slot(&code)?, &code, true));
            }
            Place::Name(_) | Place::Member { .. } => slot(&code)?,
        };
        let is_begun = !matches!(code.last().map(|t| t.text), Some("(" | ","));
        rest(&resolver, &slot, &code, is_begun)
    }

    /// The name under which the stubs tell of something: `Server:run` of `web:run` when `web` is
    /// a server.
    pub fn documented(&self, name: &str) -> String {
        let end = name.find(['.', ':']).unwrap_or(name.len());
        let (variable, rest) = name.split_at(end);
        let value = self.lua.globals().raw_get::<Value>(variable);
        let handle = value.as_ref().ok().and_then(Value::as_userdata);
        match handle.and_then(|handle| handle.type_name().ok()) {
            Some(class) => class.to_string_lossy() + rest,
            None => name.to_owned(),
        }
    }

    /// Variables and words of the language that begin like that.
    fn names(&self, code: &Code<'_>, word: &str) -> Vec<String> {
        let mut names: Vec<String> = local::locals(code).into_iter().map(str::to_owned).collect();
        let globals = self.lua.globals();
        // What cannot be read is not there.
        let _ = globals.for_each(|key: Value, _: Value| {
            let key = key
                .as_string()
                .and_then(|k| k.to_str().ok().map(|k| k.to_owned()));
            names.extend(key.filter(|key| is_name(key)));
            Ok(())
        });
        if !word.is_empty() {
            names.extend(KEYWORDS.map(str::to_owned));
        }
        names
    }
}

/// Those that begin like `word`, in order, each once; names with `_` for who types that.
fn words(word: &str, mut names: Vec<String>) -> What {
    names.retain(|n| n.starts_with(word) && n != word && (!n.starts_with('_') || !word.is_empty()));
    names.sort_unstable();
    names.dedup();
    What::Words(names.into_iter().map(|n| (n.clone(), n)).collect())
}

/// What is wanted in a text that is an argument; `None` when the stubs do not tell.
fn in_text(
    resolver: &Resolver<'_>,
    slot: &Slot<'_>,
    code: &Code<'_>,
    typed: &str,
    quote: Option<char>,
) -> Option<What> {
    let call = resolver.call(&slot.callee, code)?;
    let keys;
    let param = match slot.key {
        Some(key) => {
            keys = resolver.keys(slot, code);
            keys.iter().find(|param| param.name == key)?
        }
        None => call.takes(slot.index)?,
    };
    let choices = resolver.choices(&param.ty);
    if !choices.is_empty() {
        let close = quote.map(String::from).unwrap_or_default();
        let list = choices.into_iter().filter(|c| c.starts_with(typed));
        return Some(What::Words(
            list.map(|c| (format!("{c}{close}"), c)).collect(),
        ));
    }
    let verb = call.name.rsplit([':', '.']).next().unwrap_or_default();
    let nothing = What::Words(Vec::new());
    Some(match (call.owner.as_str(), verb, param.name.as_str()) {
        (_, _, "id" | "jump") => What::Id(quote),
        (_, _, "pattern") => What::Pattern(quote),
        (_, _, "tags") | (_, "tag" | "untag", _) => What::Tag(quote),
        ("Fleet" | "mr.stage", _, "names") => What::Stage(quote),
        (_, "upload", "from") | (_, "download", "to") | ("mr.Ops", _, "from") => What::File(quote),
        // Paths and names on servers are theirs to know.
        ("mr.Ops", ..) | ("mr.Remote" | "Fleet", _, "path" | "from" | "to" | "cwd") => nothing,
        (_, _, "command" | "text" | "message" | "content") => nothing,
        _ => What::File(quote),
    })
}

/// The whole signature of a call that was named.
fn whole(resolver: &Resolver<'_>, callee: &Chain<'_>, code: &Code<'_>) -> Option<String> {
    Some(format!("({}", resolver.call(callee, code)?.rest(0)))
}

/// What a call takes from a slot on, or behind it when its argument is begun.
fn rest(
    resolver: &Resolver<'_>,
    slot: &Slot<'_>,
    code: &Code<'_>,
    is_begun: bool,
) -> Option<String> {
    let call = resolver
        .call(&slot.callee, code)
        .filter(|_| !slot.in_table)?;
    let from = slot.index + usize::from(is_begun);
    let comma = match is_begun && from < call.params.len() {
        true => ", ",
        false => "",
    };
    Some(format!("{comma}{}", call.rest(from)))
}
