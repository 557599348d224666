//! [`Input`]: a file, read into records, whatever its format was.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::Value;

use super::{ImportOptions, Source, Summary};
use crate::config::expand_tilde;
use crate::error::Error;
use crate::inventory::Tunnel;
use crate::inventory::record::Record;
use crate::sshconfig::At;

/// A file, read into records.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// The names of the files that were read; [`At::file`] counts in it.
    pub files: Vec<String>,
    pub records: Vec<(At, Record)>,
    pub tunnels: Vec<(At, Tunnel)>,
    pub errors: Vec<(At, Error)>,
    /// Line 0 is the file as a whole.
    pub notes: Vec<(At, String)>,
}

/// `1 host`, `2 hosts`.
pub(super) fn hosts(count: usize) -> String {
    match count {
        1 => "1 host".to_owned(),
        count => format!("{count} hosts"),
    }
}

/// A line of the file itself, from 1; 0 is the file as a whole.
pub(super) fn line(line: usize) -> At {
    At { file: 0, line }
}

impl Input {
    /// An empty one.
    pub fn new(source: &Source<'_>) -> Self {
        Input {
            files: vec![source.name.to_owned()],
            ..Input::default()
        }
    }

    /// Whether there was nothing in the file.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.errors.is_empty() && self.tunnels.is_empty()
    }

    /// Whether nothing of it may stay.
    pub fn is_undone(&self, options: &ImportOptions) -> bool {
        options.check || (!self.errors.is_empty() && !options.skip_bad)
    }

    /// With what the options say of every record.
    pub fn with(mut self, options: &ImportOptions) -> Self {
        let own: HashSet<String> = self.records.iter().map(|(_, r)| r.id.clone()).collect();
        for (_, record) in &mut self.records {
            if !options.prefix.is_empty() {
                record.id.insert_str(0, &options.prefix);
                // A jump host of the same file gets its new name too.
                for (_, value) in record.set.iter_mut().filter(|(key, _)| key == "jump") {
                    if let Value::String(hops) = value {
                        let hop = |hop: &str| match own.contains(hop) {
                            true => format!("{}{hop}", options.prefix),
                            false => hop.to_owned(),
                        };
                        *hops = hops.split(',').map(hop).collect::<Vec<_>>().join(",");
                    }
                }
            }
            record.add_tags.extend(options.tags.iter().cloned());
            record.user = record.user.take().or_else(|| options.user.clone());
            record.port = record.port.or(options.port);
            if let (None, Some(key)) = (record.key(), &options.key) {
                record.set.retain(|(name, _)| name != "local_cert_path");
                record.set("local_cert_path", Value::String(key.clone()));
            }
        }
        self
    }

    /// Turns every further line of an id into an error.
    pub fn refuse_duplicates(mut self) -> Self {
        let mut first: HashMap<String, At> = HashMap::new();
        for (at, record) in std::mem::take(&mut self.records) {
            match first.get(&record.id) {
                Some(first) => {
                    let place = match first.file == at.file {
                        true => format!("on line {}", first.line),
                        false => format!("in {}", self.shown(*first)),
                    };
                    let message = format!("id `{}` is {place} already", record.id);
                    self.errors.push((at, Error::usage(message)));
                }
                None => {
                    first.insert(record.id.clone(), at);
                    self.records.push((at, record));
                }
            }
        }
        self
    }

    /// Takes the files that tunnel profiles name into them; a profile that is not good then is an error.
    pub fn absorb_files(&mut self, path: Option<&Path>) {
        let folder = path.and_then(Path::parent);
        for (at, mut tunnel) in std::mem::take(&mut self.tunnels) {
            match tunnel.absorb(folder).and_then(|()| tunnel.check()) {
                Ok(()) => self.tunnels.push((at, tunnel)),
                Err(e) => self.errors.push((at, e)),
            }
        }
    }

    /// `file:line`, or the file alone.
    fn shown(&self, at: At) -> String {
        let file = self.files.get(at.file).map_or("", String::as_str);
        match at.line {
            0 => file.to_owned(),
            line => format!("{file}:{line}"),
        }
    }

    /// Puts the findings into the summary, in the files' order and with their names.
    pub fn tell(mut self, summary: &mut Summary) {
        self.errors.sort_by_key(|(at, _)| *at);
        for (at, e) in &self.errors {
            let error = without_server(e).context(self.shown(*at));
            summary.errors.push(error);
        }
        for (at, note) in &self.notes {
            summary.notes.push(format!("{}: {note}", self.shown(*at)));
        }
        // One warning for a key, however many servers have it.
        let mut missing: Vec<(&str, At, usize)> = Vec::new();
        let mut known: HashMap<&str, Option<usize>> = HashMap::new();
        for (at, record) in &self.records {
            let Some(key) = record.key() else {
                continue;
            };
            match known.get(key) {
                Some(Some(place)) => missing[*place].2 += 1,
                Some(None) => {}
                None => {
                    let is_missing = !expand_tilde(key).exists();
                    known.insert(key, is_missing.then_some(missing.len()));
                    missing.extend(is_missing.then_some((key, *at, 1)));
                }
            }
        }
        for (key, at, count) in missing {
            let more = match count {
                1 => String::new(),
                count => format!(" ({count} servers have it)"),
            };
            let at = self.shown(at);
            let warning = format!("{at}: key file `{key}` does not exist{more}");
            summary.warnings.push(warning);
        }
    }
}

/// The line says which server it is; its id need not be said again.
fn without_server(e: &Error) -> Error {
    let error = Error::new(e.kind(), e.message());
    match e.hint_text() {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
