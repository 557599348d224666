//! Line 1 of a list file: `#name--TYPE--server--user--password`, and behind it fields as
//! `--key=value`. Pure.
//!
//! Name, type, server and user come from the left, the fields from the right, as long as they have the
//! form of one that the type has; what is between is the password, which may hold the separator. What
//! looks like a misspelt field is an error: it would be a part of the password otherwise.

use super::{Tunnel, TunnelKind, fields};
use crate::config::nearest;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// How it is written.
const FORM: &str = "`#name--TYPE--server--user--password`";

/// The type words in lower case, for finding what a misspelt one meant. The short ones are left
/// out: host names are too like them.
const KNOWN_LOWER: [&str; 6] = [
    "l2tp/ipsec",
    "cisco/ipsec",
    "ikev2",
    "wireguard",
    "openvpn",
    "ipvanish",
];

/// What a comment of a list file is.
pub(in crate::inventory) enum Comment {
    /// The tunnel in front of the file's servers, and what there is to say of it.
    Tunnel(Box<Tunnel>, Option<String>),
    /// One that looks as if it were meant as something else.
    Note(String),
    /// A tunnel's line that is wrong.
    Bad(Error),
    /// A comment.
    Plain,
}

/// Reads a comment without its `#`: `separator` is its first run of dashes, `number` its line.
pub(in crate::inventory) fn read(comment: &str, separator: Option<&str>, number: usize) -> Comment {
    let Some(separator) = separator else {
        return Comment::Plain;
    };
    let mut parts = comment.splitn(3, separator).map(trim);
    let (Some(name), Some(word), rest) = (parts.next(), parts.next(), parts.next()) else {
        return Comment::Plain;
    };
    let rest = rest.unwrap_or_default();
    let Some(kind) = TunnelKind::from_word(word) else {
        return misspelt(word, rest.contains(separator) && number == 1);
    };
    let Some((server, rest)) = rest.split_once(separator) else {
        return Comment::Note(format!(
            "comment ignored: a tunnel is declared as {FORM}, with all its fields"
        ));
    };
    if number != 1 {
        return Comment::Note("comment ignored: a tunnel is declared on line 1 only".to_owned());
    }
    let mut tunnel = Tunnel::new(name, kind, trim(server));
    match tunnel
        .take_login(rest, separator)
        .and_then(|()| tunnel.check_names())
    {
        Err(e) => Comment::Bad(e),
        Ok(()) => {
            let note = kind.refusal().map(|(why, instead)| {
                format!("the tunnel `{name}` will not be made: {why}; {instead}")
            });
            Comment::Tunnel(Box::new(tunnel), note)
        }
    }
}

/// A comment whose second word is no type. Only near misses are worth a word: a server's line that was
/// commented out looks the same.
fn misspelt(word: &str, is_likely: bool) -> Comment {
    match nearest(&word.to_lowercase(), KNOWN_LOWER) {
        Some(near) if is_likely && word.len() > 2 => Comment::Note(format!(
            "comment ignored: no tunnel type `{}`; was `{near}` meant?",
            word.escape_debug()
        )),
        _ => Comment::Plain,
    }
}

impl Tunnel {
    /// User, password and fields.
    fn take_login(&mut self, rest: &str, separator: &str) -> Result<()> {
        let (user, rest) = rest.split_once(separator).unwrap_or((rest, ""));
        self.user = trim(user).to_owned();
        let mut pieces: Vec<&str> = rest.split(separator).collect();
        let mut tail = Vec::new();
        // The first is the password, whatever it looks like.
        while pieces.len() > 1
            && let Some((key, value)) = pieces.last().and_then(|p| trim(p).split_once('='))
            && fields::find(self.kind, trim(key)).is_some()
        {
            tail.push((trim(key), trim(value)));
            pieces.pop();
        }
        for (key, _) in pieces
            .iter()
            .skip(1)
            .filter_map(|p| trim(p).split_once('='))
        {
            self.refuse_near(trim(key), separator)?;
        }
        for (key, value) in tail.into_iter().rev() {
            if self.field(key).is_some() {
                return Err(Error::usage(format!("`{key}` is there twice")));
            }
            self.set(key, value)?;
        }
        self.password = Secret::new(trim(&pieces.join(separator)));
        Ok(())
    }

    /// Refuses a piece of the password that must have been meant as a field. The piece itself is not
    /// shown: it may be a password after all.
    fn refuse_near(&self, key: &str, separator: &str) -> Result<()> {
        let kind = self.kind.as_str();
        let error = if fields::find(self.kind, key).is_some() {
            Error::usage(format!(
                "the value of `{key}`, or what stands after it, holds the separator `{separator}`"
            ))
        } else if fields::is_known(key) {
            return fields::get(self.kind, key).map(drop);
        } else {
            // Short keys are near to anything.
            let known = fields::of(self.kind).map(|f| f.key).filter(|k| k.len() > 2);
            match nearest(key, known) {
                Some(near) if key.len() > 2 => Error::usage(format!(
                    "{kind} tunnels have no such field; was `{near}` meant?"
                )),
                _ => return Ok(()),
            }
        };
        Err(error
            .hint("separate this line's fields with `----` when a password or a value holds `--`"))
    }

    /// What a list file must say well even before its files are read.
    fn check_names(&self) -> Result<()> {
        let mut named = self.clone();
        named.fields.retain(|key, _| {
            let field = fields::find(self.kind, key);
            !field.is_some_and(|field| field.is_file)
        });
        let is_elsewhere = self.server.is_empty() && self.field("config").is_some();
        if is_elsewhere {
            named.server = "named.in.its.config".to_owned();
        }
        named.check()
    }
}

/// The line of a profile with that separator, without a line break. Whether it reads back to the same
/// is for the caller to see.
pub(in crate::inventory) fn write(tunnel: &Tunnel, s: &str) -> String {
    let Tunnel {
        name, server, user, ..
    } = tunnel;
    let (kind, password) = (tunnel.kind.as_str(), tunnel.password.reveal());
    let mut line = format!("#{name}{s}{kind}{s}{server}{s}{user}{s}{password}");
    for (field, value) in tunnel.fields() {
        line.push_str(&format!("{s}{}={}", field.key, value.reveal()));
    }
    line
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
