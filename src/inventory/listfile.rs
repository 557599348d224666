//! The list file: one server a line, `id--host--user--password--port--key`. Pure, on bytes.
//!
//! The first run of two or more dashes (or of em dashes) is that line's separator. id, host and
//! user come from the left. A fourth field that is the last is the password, whatever it looks
//! like. Otherwise an optional key path (begins with `/`, `~` or `.`) and then the port come from
//! the right, and what is left in the middle is the password, which may hold the separator; blank
//! fields alone are an empty password. Spaces around fields, CRLF and a byte order mark are
//! accepted. `#` begins a comment, but line 1 may declare the tunnel in front of the file's
//! servers: `#name--TYPE--server--user--password`, with fields as `--key=value` at its end.
//!
//! No message shows more of a line than its id: the rest may be a password.

use super::check;
use super::tunnel::Tunnel;
use super::tunnel::line::{self, Comment};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// Longest line, in bytes.
const LONGEST_LINE: usize = 64 << 10;

/// Separators that [`write_entry`] tries, in this order.
const SEPARATORS: [&str; 4] = ["--", "----", "——", "————"];

/// One server's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The server's id.
    pub id: String,
    /// Host name or address.
    pub host: String,
    /// Login name.
    pub user: String,
    /// Password; may be empty.
    pub password: Secret,
    /// TCP port.
    pub port: u16,
    /// Path of the private key, as written.
    pub key: Option<String>,
}

/// What is in a list file. Errors, warnings and notes come with their line, from 1.
#[derive(Debug, Default)]
pub struct ListFile {
    /// The tunnel that line 1 declares.
    pub tunnel: Option<Tunnel>,
    /// The good lines.
    pub entries: Vec<(usize, Entry)>,
    /// The bad lines.
    pub errors: Vec<(usize, Error)>,
    /// Comments that look as if they were meant as something else.
    pub notes: Vec<(usize, String)>,
}

/// Reads a list file. Never fails as a whole: what is wrong is in [`ListFile::errors`]. That an id
/// is there twice is for the import to find.
pub fn parse(bytes: &[u8]) -> ListFile {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut file = ListFile::default();
    for (i, raw) in bytes.split(|b| *b == b'\n').enumerate() {
        let number = i + 1;
        let line = match decode(raw) {
            Ok(line) => line,
            Err(e) => {
                file.errors.push((number, e));
                continue;
            }
        };
        if line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix('#') {
            match line::read(comment, separator(comment), number) {
                Comment::Tunnel(tunnel, note) => {
                    file.tunnel = Some(*tunnel);
                    file.notes.extend(note.map(|note| (number, note)));
                }
                Comment::Note(note) => file.notes.push((number, note)),
                Comment::Bad(e) => file.errors.push((number, e)),
                Comment::Plain => {}
            }
            continue;
        }
        match parse_entry(line) {
            Err(e) => file.errors.push((number, e)),
            Ok(entry) => file.entries.push((number, entry)),
        }
    }
    file
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn decode(raw: &[u8]) -> Result<&str> {
    let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
    if raw.len() > LONGEST_LINE {
        return Err(Error::usage(format!(
            "the line is {} bytes long; {LONGEST_LINE} are allowed",
            raw.len()
        )));
    }
    let line = std::str::from_utf8(raw).map_err(|e| {
        let at = e.valid_up_to() + 1;
        Error::usage(format!("byte {at} of the line is not valid UTF-8"))
            .hint("save the file as UTF-8")
    })?;
    match line.chars().find(|c| c.is_control() && *c != '\t') {
        Some(c) => Err(Error::usage(format!(
            "the line holds {}",
            check::shown_char(c)
        ))),
        None => Ok(trim(line)),
    }
}

/// The first run of two or more dashes, or of em dashes.
fn separator(line: &str) -> Option<&str> {
    let mut chars = line.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        if c != '-' && c != '—' {
            continue;
        }
        let mut end = start + c.len_utf8();
        while let Some((_, next)) = chars.next_if(|(_, next)| *next == c) {
            end += next.len_utf8();
        }
        if end - start > c.len_utf8() {
            return Some(&line[start..end]);
        }
    }
    None
}

/// Does the line have the form of an entry, good or bad: three fields or more, the first without
/// blanks?
pub fn is_entry(line: &str) -> bool {
    let is_id = |id: &str| !id.is_empty() && !id.contains([' ', '\t', '=', ',', '[']);
    separator(line).is_some_and(|s| {
        let mut fields = line.splitn(3, s);
        fields.next().is_some_and(|id| is_id(trim(id))) && fields.nth(1).is_some()
    })
}

/// The id of a line in the form of an entry.
pub fn id_of(line: &str) -> Option<&str> {
    let separator = separator(line).filter(|_| is_entry(line))?;
    line.split(separator).next().map(trim)
}

/// Could the line have been meant as an entry?
pub fn is_near_entry(line: &str) -> bool {
    separator(line).is_some_and(|s| line.split(s).filter(|f| !trim(f).is_empty()).count() > 2)
}

fn parse_entry(line: &str) -> Result<Entry> {
    let form = "a line is `id--host--user--password--port--key`; port and key may be left out";
    let Some(separator) = separator(line) else {
        return Err(Error::usage("no separator: two or more dashes").hint(form));
    };
    let mut fields = line.splitn(4, separator);
    let mut next = || fields.next().map(trim);
    let (Some(id), Some(host), Some(user)) = (next(), next(), next()) else {
        let message = format!("too few fields between the separators `{separator}`");
        return Err(Error::usage(message).hint(format!(
            "{form}; no field of id, host and user may be empty"
        )));
    };
    check::id(id)?;
    check::host(host)?;
    check::user(user)?;
    let Some(rest) = fields.next() else {
        return Err(
            Error::usage(format!("`{id}` has no password field")).hint(format!(
                "end the line with `{separator}` when it has no password"
            )),
        );
    };
    let (password, port, key) = parse_rest(rest, separator)?;
    Ok(Entry {
        id: id.to_owned(),
        host: host.to_owned(),
        user: user.to_owned(),
        password: Secret::new(password),
        port,
        key: key.map(str::to_owned),
    })
}

/// Password, port and key from what follows the user.
fn parse_rest<'a>(rest: &'a str, separator: &str) -> Result<(&'a str, u16, Option<&'a str>)> {
    let Some((left, last)) = rest.rsplit_once(separator) else {
        return Ok((trim(rest), 22, None));
    };
    let is_key = trim(last).starts_with(['/', '~', '.']);
    let (key, (middle, port)) = match is_key {
        true => (
            Some(trim(last)),
            left.rsplit_once(separator).unwrap_or(("", left)),
        ),
        false => (None, (left, last)),
    };
    let port = check::port(trim(port)).map_err(|e| {
        e.hint(format!(
            "write the port (`{separator}22`) when the password holds the separator"
        ))
    })?;
    let is_blank = middle.split(separator).all(|field| trim(field).is_empty());
    Ok((if is_blank { "" } else { trim(middle) }, port, key))
}

/// The line for a server, always with its port; `None` when no separator carries it so that
/// [`parse`] gives it back.
pub fn write_entry(entry: &Entry) -> Option<String> {
    SEPARATORS.iter().find_map(|s| {
        let Entry { id, host, user, .. } = entry;
        let (password, port) = (entry.password.reveal(), entry.port);
        let key = entry.key.as_ref().map(|key| format!("{s}{key}"));
        let key = key.unwrap_or_default();
        let line = format!("{id}{s}{host}{s}{user}{s}{password}{s}{port}{key}");
        let back = parse(line.as_bytes());
        let is_same = matches!(back.entries.as_slice(), [(1, same)] if same == entry);
        (is_same && back.errors.is_empty()).then_some(line)
    })
}

/// Line 1 for a tunnel; `None` as in [`write_entry`].
pub fn write_tunnel(tunnel: &Tunnel) -> Option<String> {
    let lines = SEPARATORS.iter().map(|s| line::write(tunnel, s));
    let is_same = |line: &String| parse(line.as_bytes()).tunnel.as_ref() == Some(tunnel);
    { lines }.find(is_same)
}

#[cfg(test)]
#[path = "listfile_tests.rs"]
mod tests;
