//! The readers of the project's own two formats: list files and JSON lines.

use super::Source;
use super::input::{Input, line};
use crate::error::Error;
use crate::inventory::listfile;
use crate::inventory::record::{self, Line, Record};

/// Reads a list file.
pub(super) fn list(source: &Source<'_>) -> Input {
    let file = listfile::parse(source.bytes);
    let profile = file.tunnel.as_ref().map(|t| t.name.clone());
    let record = |(at, entry)| (line(at), Record::of_entry(entry, profile.as_deref()));
    Input {
        records: file.entries.into_iter().map(record).collect(),
        tunnels: file.tunnel.into_iter().map(|t| (line(1), t)).collect(),
        errors: file
            .errors
            .into_iter()
            .map(|(at, e)| (line(at), e))
            .collect(),
        notes: file
            .notes
            .into_iter()
            .map(|(at, n)| (line(at), n))
            .collect(),
        ..Input::new(source)
    }
}

/// Reads JSON lines as an export writes them.
pub(super) fn json(source: &Source<'_>) -> Input {
    let mut input = Input::new(source);
    let bytes = source.bytes;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for (i, raw) in bytes.split(|b| *b == b'\n').enumerate() {
        let at = line(i + 1);
        let read = match std::str::from_utf8(raw) {
            Ok(text) if text.trim().is_empty() => continue,
            Ok(text) => record::parse_json(text),
            Err(_) => Err(Error::usage("the line is not valid UTF-8")),
        };
        match read {
            Err(e) => input.errors.push((at, e)),
            Ok(Line::Tunnel(tunnel)) => input.tunnels.push((at, *tunnel)),
            Ok(Line::Server(record)) => input.records.push((at, *record)),
        }
    }
    input
}
