//! `.dockerignore`: what of a folder is not sent. Pure, but for reading the file.
//!
//! The rules are those of docker's reference: a pattern for each line, as Go's `filepath.Match`
//! takes them, `**` for any number of folders, `!` for exceptions; the last that fits counts, and
//! what is in a folder that is left out is left out too.

use std::path::Path;

use crate::error::{Error, Kind, Result};

/// The patterns of a folder.
#[derive(Debug, Default)]
pub struct Ignore {
    rules: Vec<(bool, Vec<String>)>,
    /// Names that are sent whatever the patterns say.
    always: Vec<String>,
}

impl Ignore {
    /// The patterns of a build context whose Dockerfile is `file`.
    ///
    /// # Errors
    /// [`Kind::Transfer`] when the file is there and cannot be read.
    pub fn of(folder: &Path, file: &str) -> Result<Self> {
        let path = folder.join(".dockerignore");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => {
                let message = format!("cannot read `{}`: {e}", path.display());
                return Err(Error::new(Kind::Transfer, message).source(e));
            }
        };
        let mut ignore = Ignore::parse(&text);
        ignore.always = vec![
            file.trim_start_matches("./").to_owned(),
            ".dockerignore".to_owned(),
        ];
        Ok(ignore)
    }

    /// The patterns of that text.
    pub fn parse(text: &str) -> Self {
        let mut rules = Vec::new();
        for line in text.lines() {
            let line = line.trim_start_matches('\u{feff}');
            if line.starts_with('#') {
                continue;
            }
            let line = line.trim();
            let (is_exception, pattern) = match line.strip_prefix('!') {
                Some(rest) => (true, rest.trim()),
                None => (false, line),
            };
            let parts = pattern
                .split('/')
                .filter(|part| !part.is_empty() && *part != ".");
            let parts: Vec<String> = parts.map(str::to_owned).collect();
            if !parts.is_empty() {
                rules.push((is_exception, parts));
            }
        }
        Ignore {
            rules,
            always: Vec::new(),
        }
    }

    /// Is that path, below the folder, left out?
    pub fn leaves_out(&self, path: &str) -> bool {
        if self
            .always
            .iter()
            .any(|one| one == path || one.starts_with(&format!("{path}/")))
        {
            return false;
        }
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |pattern: &[String]| (1..=parts.len()).any(|n| is_like(&parts[..n], pattern));
        let last = self.rules.iter().rev().find(|(_, pattern)| fits(pattern));
        last.is_some_and(|(is_exception, _)| !is_exception)
    }

    /// Can something be sent of a folder that is left out?
    pub fn has_exceptions(&self) -> bool {
        self.rules.iter().any(|(is_exception, _)| *is_exception)
    }
}

/// Does the whole path fit the whole pattern?
fn is_like(path: &[&str], pattern: &[String]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((first, rest)) if first == "**" => (0..=path.len()).any(|n| is_like(&path[n..], rest)),
        Some((first, rest)) => match path.split_first() {
            Some((name, more)) => {
                let (name, first): (Vec<char>, Vec<char>) =
                    (name.chars().collect(), first.chars().collect());
                part_is_like(&name, &first) && is_like(more, rest)
            }
            None => false,
        },
    }
}

/// One name and one part of a pattern: `*`, `?`, `[a-z]`, `\x`.
fn part_is_like(name: &[char], pattern: &[char]) -> bool {
    match (pattern.first(), name.first()) {
        (None, first) => first.is_none(),
        (Some('*'), _) => (0..=name.len()).any(|n| part_is_like(&name[n..], &pattern[1..])),
        (Some(_), None) => false,
        (Some('?'), Some(_)) => part_is_like(&name[1..], &pattern[1..]),
        (Some('['), Some(c)) => match class(&pattern[1..], *c) {
            Some((fits, end)) => fits && part_is_like(&name[1..], &pattern[1 + end..]),
            None => *c == '[' && part_is_like(&name[1..], &pattern[1..]),
        },
        (Some('\\'), Some(c)) if pattern.len() > 1 => {
            pattern[1] == *c && part_is_like(&name[1..], &pattern[2..])
        }
        (Some(p), Some(c)) => p == c && part_is_like(&name[1..], &pattern[1..]),
    }
}

/// Is the character in the class, and where does that end? `None` for one without an end.
fn class(pattern: &[char], c: char) -> Option<(bool, usize)> {
    let is_not = pattern.first() == Some(&'^');
    let start = usize::from(is_not);
    let end = start + 1 + pattern.get(start + 1..)?.iter().position(|p| *p == ']')?;
    let (mut at, mut found) = (start, false);
    while at < end {
        match pattern.get(at + 1) {
            Some('-') if at + 2 < end => {
                found |= (pattern[at]..=pattern[at + 2]).contains(&c);
                at += 3;
            }
            _ => {
                found |= pattern[at] == c;
                at += 1;
            }
        }
    }
    Some((found != is_not, end + 1))
}
