//! Selection patterns: parsed to terms, then evaluated on servers. Pure; reading the id files that
//! a pattern names is handed in.
//!
//! Words are joined by `,` or space. Plain words add servers, `&x` keeps only those of `x`, `!x`
//! takes those of `x` away, wherever they stand. A word is, in this order: the exact id of a
//! server; `all` or `*`; `-` (ids from standard input); `@./file`, `@../file`, `@/file` or `@~/file`
//! (those of a file), also without the `@` when it has a `/` or is named like a list file; `@tag`;
//! `key=value` on a field, metadata or (`facts.os.id=debian`) a fact; `key>4G`, `key<=8` on
//! numbers; an id with wildcards ([`super::Glob`]). Retired servers are left out unless their exact
//! id, a file or `retired=` selects them.

use std::collections::HashMap;
use std::path::PathBuf;

use super::facts::PREFIX;
use super::store::{EMPTY, unknown};
use super::{Glob, Server, compare::Comparison, idfile};
use crate::config::{expand_tilde, nearest};
use crate::error::{Error, Result};

/// How a pattern is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection {
    /// Include retired servers even when they are not named.
    pub retired: bool,
}

/// Where ids come from that are not in the pattern itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// A file, one id a line; `#` begins a comment.
    File(PathBuf),
    /// Standard input, in the same form.
    Stdin,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::File(path) => write!(f, "{}", path.display()),
            Source::Stdin => f.write_str("standard input"),
        }
    }
}

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    text: String,
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq)]
struct Term {
    op: Op,
    word: String,
    atom: Atom,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Or,
    And,
    Not,
}

#[derive(Debug, Clone, PartialEq)]
enum Atom {
    All,
    Id(Glob),
    Tag(Glob),
    Ids(Source),
    Field(String, Glob),
    Number(Comparison),
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for an empty pattern, one that only takes away, or a word that
    /// cannot be read.
    pub fn parse(text: &str) -> Result<Self> {
        let explained = |e: Error| match e.hint_text() {
            Some(_) => e,
            None => e.hint("`mroom help patterns` explains them"),
        };
        let terms = words(text).map(|word| term(word).map_err(explained));
        let terms: Vec<Term> = terms.collect::<Result<_>>()?;
        if terms.is_empty() {
            return Err(Error::usage("the pattern is empty").hint("`all` selects every server"));
        }
        if terms.iter().all(|t| t.op != Op::Or) {
            return Err(
                Error::usage(format!("pattern `{text}` only takes servers away"))
                    .hint(format!("write `all {}`", text.trim())),
            );
        }
        Ok(Pattern {
            text: text.trim().to_owned(),
            terms,
        })
    }

    /// Whether it asks for facts, which have to be loaded then.
    pub fn needs_facts(&self) -> bool {
        let keys = self.terms.iter().filter_map(|term| match &term.atom {
            Atom::Field(key, _) => Some(key),
            Atom::Number(comparison) => Some(comparison.key()),
            _ => None,
        });
        keys.into_iter().any(|key| key.starts_with(PREFIX))
    }

    /// The servers that it selects, in their order. `read` gives the bytes of an id file.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] when nothing is selected, or a plain id (also one in an id
    /// file) is not in the inventory; errors of `read`.
    pub fn evaluate(
        &self,
        servers: &[Server],
        how: Selection,
        read: &mut dyn FnMut(&Source) -> Result<Vec<u8>>,
    ) -> Result<Vec<Server>> {
        let index: HashMap<&str, usize> = servers
            .iter()
            .enumerate()
            .map(|(i, s)| (s.id.as_str(), i))
            .collect();
        let mut chosen = vec![false; servers.len()];
        let mut named = vec![how.retired; servers.len()];
        let mut kept = vec![true; servers.len()];
        for term in &self.terms {
            let found = term.find(servers, &index, read)?;
            for (i, hit) in found.hits.into_iter().enumerate() {
                match term.op {
                    Op::Or => chosen[i] |= hit,
                    Op::And => kept[i] &= hit,
                    Op::Not => kept[i] &= !hit,
                }
                named[i] |= hit && found.is_naming && term.op != Op::Not;
            }
        }
        let hits = |i: &usize| chosen[*i] && kept[*i];
        let all: Vec<usize> = (0..servers.len()).filter(hits).collect();
        let selected: Vec<Server> = all
            .iter()
            .filter(|i| named[**i] || !servers[**i].is_retired())
            .map(|i| servers[*i].clone())
            .collect();
        match selected.is_empty() {
            true => Err(self.nothing(servers, all.len())),
            false => Ok(selected),
        }
    }

    fn nothing(&self, servers: &[Server], retired: usize) -> Error {
        let error = Error::usage(format!("pattern `{}` matches no server", self.text));
        if servers.is_empty() {
            return error.hint(EMPTY);
        }
        if self.needs_facts() && servers.iter().all(|s| s.facts.is_null()) {
            return error.hint("no facts are kept yet: `mroom facts all` gathers them");
        }
        if retired > 0 {
            return error.hint(format!(
                "{retired} retired left out: name them exactly, or give `--retired`"
            ));
        }
        let known = || ids_of(servers);
        let tags = || {
            servers
                .iter()
                .flat_map(|s| s.tags.iter().map(String::as_str))
        };
        let near = self.terms.iter().find_map(|term| match &term.atom {
            Atom::Id(_) => nearest(&term.word, known()).map(str::to_owned),
            Atom::Tag(_) => nearest(&term.word[1..], tags()).map(|t| format!("@{t}")),
            _ => None,
        });
        match near {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("`mroom ls` lists the servers"),
        }
    }
}

/// Which servers a term hits, and whether it names them one by one.
struct FoundServers {
    hits: Vec<bool>,
    is_naming: bool,
}

impl Term {
    fn find(
        &self,
        servers: &[Server],
        index: &HashMap<&str, usize>,
        read: &mut dyn FnMut(&Source) -> Result<Vec<u8>>,
    ) -> Result<FoundServers> {
        let found = |is_naming: bool, hit: &dyn Fn(&Server) -> bool| FoundServers {
            hits: servers.iter().map(hit).collect(),
            is_naming,
        };
        if self.atom != Atom::All && index.contains_key(self.word.as_str()) {
            return Ok(found(true, &|s| s.id == self.word));
        }
        Ok(match &self.atom {
            Atom::All => found(false, &|_| true),
            Atom::Id(glob) if glob.has_wildcards() => found(false, &|s| glob.matches(&s.id)),
            // A typing error in an id must not quietly select (or spare) fewer servers.
            Atom::Id(_) => return Err(unknown(&self.word, ids_of(servers))),
            Atom::Tag(glob) => found(false, &|s| s.tags.iter().any(|t| glob.matches(t))),
            Atom::Number(comparison) => found(false, &|s| comparison.holds(s)),
            Atom::Field(key, glob) => found(key == "retired", &|s| s.has_field(key, glob)),
            Atom::Ids(source) => {
                let ids = idfile::ids(&read(source)?, source, servers, index)?;
                found(true, &|s| ids.contains(s.id.as_str()))
            }
        })
    }
}

pub(super) fn ids_of(servers: &[Server]) -> impl Iterator<Item = &str> {
    servers.iter().map(|s| s.id.as_str())
}

/// Splits at commas and spaces that are not inside brackets.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_u32;
    text.split(move |c: char| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (c == ',' || c.is_whitespace())
    })
    .filter(|word| !word.is_empty())
}

fn term(word: &str) -> Result<Term> {
    let (op, word) = match word.split_at_checked(1) {
        Some(("!", rest)) => (Op::Not, rest),
        Some(("&", rest)) => (Op::And, rest),
        _ => (Op::Or, word),
    };
    let is_path = |p: &str| {
        ["/", "./", "../", "~"]
            .iter()
            .any(|start| p.starts_with(start))
    };
    let atom = match word {
        "" => return Err(Error::usage("`!` and `&` need a word right behind them")),
        "all" | "*" => Atom::All,
        "-" => Atom::Ids(Source::Stdin),
        "@" => return Err(Error::usage("`@` needs a tag or a path behind it")),
        _ if let Some(comparison) = Comparison::parse(word) => Atom::Number(comparison),
        _ if is_list_file(word) => Atom::Ids(Source::File(expand_tilde(word))),
        _ => match (word.strip_prefix('@'), word.split_once('=')) {
            (Some(path), _) if is_path(path) => Atom::Ids(Source::File(expand_tilde(path))),
            (Some(tag), _) => Atom::Tag(Glob::parse(tag)?),
            (None, Some(("", _))) => {
                return Err(Error::usage(format!("`{word}` has no key before its `=`")));
            }
            (None, Some((key, value))) => Atom::Field(key.to_owned(), Glob::parse(value)?),
            (None, None) => Atom::Id(Glob::parse(word)?),
        },
    };
    Ok(Term {
        op,
        word: word.to_owned(),
        atom,
    })
}

/// A path, or the name of a list file: the original's commands took one for their servers.
fn is_list_file(word: &str) -> bool {
    let has_no_wildcards = !word.contains(['*', '?', '[', '=', '@']);
    has_no_wildcards && (word.contains('/') || word.ends_with(".txt") || word.ends_with(".list"))
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
