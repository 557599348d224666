//! Import of a list file or of JSON lines: an upsert in one transaction.
//!
//! A list file is the truth for host, user, password, port and key; metadata, tags and description
//! of a server that is there already stay. JSON lines say what they say ([`super::record`]).

use std::collections::HashMap;
use std::path::Path;

use rusqlite::Connection;
use zeroize::Zeroizing;

use super::record::{self, Line, Record};
use super::store::check_fields;
use super::{Server, Store, Tunnel, listfile, pass_place, rows};
use crate::config::expand_tilde;
use crate::error::{Error, Result};
use crate::secret::{DataKey, Secret};

/// Most bytes that an import reads.
const LARGEST_FILE: u64 = 256 << 20;

/// How an import treats what it finds.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// Import the good lines although others are bad.
    pub skip_bad: bool,
    /// Find out what would happen, and write nothing.
    pub check: bool,
}

/// What an import did, or (with bad lines or in check mode) would have done.
#[derive(Debug, Default)]
pub struct Summary {
    /// Ids that were not there before.
    pub added: Vec<String>,
    /// Ids that were there and are different now.
    pub changed: Vec<String>,
    /// How many were there already, just so.
    pub unchanged: usize,
    /// The tunnel profiles of the file.
    pub tunnels: Vec<String>,
    /// Bad lines, each as `file:line: reason`, in the file's order.
    pub errors: Vec<Error>,
    /// What may be a mistake, such as a key file that does not exist.
    pub warnings: Vec<String>,
    /// Comments that look as if they were meant as something else.
    pub notes: Vec<String>,
    /// Whether anything was written.
    pub is_written: bool,
}

/// Reads the bytes of a file to import; `-` is standard input.
///
/// # Errors
/// [`crate::error::Kind::Usage`], naming the file: not there, a folder, not readable, too large.
pub fn read_file(name: &str) -> Result<Zeroizing<Vec<u8>>> {
    use std::io::Read as _;
    let mut bytes = Zeroizing::new(Vec::new());
    let mut read = || match name {
        "-" => std::io::stdin()
            .lock()
            .take(LARGEST_FILE + 1)
            .read_to_end(&mut bytes),
        path => {
            let file = std::fs::File::open(expand_tilde(path))?;
            file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)
        }
    };
    match read() {
        Err(e) if Path::new(name).is_dir() => {
            Err(Error::usage(format!("`{name}` is a folder, not a list file")).source(e))
        }
        Err(e) => Err(Error::usage(format!("`{name}`: {e}")).source(e)),
        Ok(_) if bytes.len() as u64 > LARGEST_FILE => {
            Err(Error::usage(format!("`{name}` is larger than 256 MiB")))
        }
        Ok(_) => Ok(bytes),
    }
}

/// A file, read into records.
#[derive(Default)]
struct Input {
    records: Vec<(usize, Record)>,
    tunnels: Vec<(usize, Tunnel)>,
    errors: Vec<(usize, Error)>,
    notes: Vec<(usize, String)>,
}

impl Input {
    /// Whether nothing of it may stay.
    fn is_undone(&self, options: ImportOptions) -> bool {
        options.check || (!self.errors.is_empty() && !options.skip_bad)
    }

    /// Turns every further line of an id into an error.
    fn refuse_duplicates(mut self) -> Self {
        let mut first_lines: HashMap<String, usize> = HashMap::new();
        for (line, record) in std::mem::take(&mut self.records) {
            match first_lines.get(&record.id) {
                Some(first) => {
                    let message = format!("id `{}` is on line {first} already", record.id);
                    self.errors.push((line, Error::usage(message)));
                }
                None => {
                    first_lines.insert(record.id.clone(), line);
                    self.records.push((line, record));
                }
            }
        }
        self
    }

    /// Puts the findings into the summary, in the file's order and with its name.
    fn tell(mut self, name: &str, summary: &mut Summary) {
        self.errors.sort_by_key(|(line, _)| *line);
        for (line, e) in self.errors {
            summary
                .errors
                .push(without_server(e).context(format!("{name}:{line}")));
        }
        for (line, note) in self.notes {
            summary.notes.push(format!("{name}:{line}: {note}"));
        }
        for (line, record) in &self.records {
            if let Some(key) = record.key().filter(|key| !expand_tilde(key).exists()) {
                let warning = format!("{name}:{line}: key file `{key}` does not exist");
                summary.warnings.push(warning);
            }
        }
    }
}

impl Store {
    /// Imports the `bytes` of the file called `name` (`-` is standard input): a list file, or JSON
    /// lines as [`Store::export_json`] writes them. With a bad line nothing is written, unless
    /// `options.skip_bad`; look at [`Summary::errors`].
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] when there is no server in the file,
    /// [`crate::error::Kind::Locked`] when passwords are to be sealed and the secrets are locked,
    /// [`crate::error::Kind::Local`] when the database fails.
    pub fn import(&self, name: &str, bytes: &[u8], options: ImportOptions) -> Result<Summary> {
        let name = if name == "-" { "standard input" } else { name };
        let mut input = read_input(bytes).refuse_duplicates();
        if input.records.is_empty() && input.errors.is_empty() && input.tunnels.is_empty() {
            return Err(Error::usage(format!("`{name}`: no server in it"))
                .hint("a line is `id--host--user--password--port--key`"));
        }
        let mut summary = Summary::default();
        // Opened before the write lock is taken: it may take a person's time.
        let key = self.import_key(&input, options)?;
        let mut is_undone = false;
        let written = self.db.write(|conn| {
            write_records(conn, &mut input, key.as_ref(), &mut summary)?;
            for (_, tunnel) in &input.tunnels {
                self.write_tunnel(conn, tunnel, key.as_ref())?;
                summary.tunnels.push(tunnel.name.clone());
            }
            is_undone = input.is_undone(options);
            match is_undone {
                // An error is what undoes a transaction; this one is nobody's.
                true => Err(Error::usage("not imported")),
                false => Ok(()),
            }
        });
        if !is_undone {
            written?;
        }
        summary.is_written = !is_undone;
        input.tell(name, &mut summary);
        Ok(summary)
    }

    /// The data key, when there are passwords to seal.
    fn import_key(&self, input: &Input, options: ImportOptions) -> Result<Option<DataKey>> {
        let servers = input
            .records
            .iter()
            .filter_map(|(_, r)| r.password.as_ref());
        let tunnels = input.tunnels.iter().map(|(_, t)| &t.password);
        let has_passwords = servers.chain(tunnels).any(|p| !p.is_empty());
        // What will be undone makes no key; without one there is nothing sealed to compare with.
        let may_open = !input.is_undone(options) || !self.secrets_status()?.recipients.is_empty();
        match has_passwords && may_open {
            true => self.keys.key(&self.db).map(Some),
            false => Ok(None),
        }
    }
}

/// Writes what differs. A record that cannot be applied becomes an error of its line.
fn write_records(
    conn: &Connection,
    input: &mut Input,
    key: Option<&DataKey>,
    summary: &mut Summary,
) -> Result<()> {
    let old = rows::all(conn)?.into_iter().map(|s| (s.id.clone(), s));
    let old: HashMap<String, Server> = old.collect();
    for (line, record) in &input.records {
        let old = old.get(&record.id);
        let applied = record.apply(old).and_then(|mut server| {
            check_fields(&server, old)?;
            seal_into(&mut server, record.password.as_ref(), old, key)?;
            Ok(server)
        });
        let server = match applied {
            Ok(server) => server,
            Err(e) => {
                input.errors.push((*line, e));
                continue;
            }
        };
        match old {
            None => summary.added.push(server.id.clone()),
            Some(old) if *old == server => summary.unchanged += 1,
            Some(_) => summary.changed.push(server.id.clone()),
        }
        if old != Some(&server) {
            rows::write(conn, &server, old)?;
        }
        for (key, time) in &record.updated_at {
            if server.meta.contains_key(key) {
                rows::write_time(conn, &server.id, key, *time)?;
            }
        }
    }
    Ok(())
}

/// Puts the record's password into the server, sealed; the stored one stays when it is the same.
fn seal_into(
    server: &mut Server,
    password: Option<&Secret>,
    old: Option<&Server>,
    key: Option<&DataKey>,
) -> Result<()> {
    let place = pass_place(&server.id);
    server.sealed_pass = match (password, key) {
        (None, _) => return Ok(()),
        (Some(password), _) if password.is_empty() => String::new(),
        (Some(password), Some(key)) => {
            let stored = old.and_then(|o| key.open(place, &o.sealed_pass).ok());
            if stored.as_ref() == Some(password) {
                return Ok(());
            }
            key.seal(place, password)?
        }
        // Check mode on a database without a key: counted, then undone.
        (Some(_), None) => "unsealed".to_owned(),
    };
    Ok(())
}

/// The line says which server it is; its id need not be said again.
fn without_server(e: Error) -> Error {
    let error = Error::new(e.kind(), e.message());
    match e.hint_text() {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn read_input(bytes: &[u8]) -> Input {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if text.trim_ascii_start().first() == Some(&b'{') {
        return read_json(text);
    }
    let file = listfile::parse(bytes);
    let profile = file.tunnel.as_ref().map(|t| t.name.clone());
    let record = |(line, entry)| (line, Record::of_entry(entry, profile.as_deref()));
    Input {
        records: file.entries.into_iter().map(record).collect(),
        tunnels: file.tunnel.into_iter().map(|t| (1, t)).collect(),
        errors: file.errors,
        notes: file.notes,
    }
}

fn read_json(bytes: &[u8]) -> Input {
    let mut input = Input::default();
    for (i, raw) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = i + 1;
        let read = match std::str::from_utf8(raw) {
            Ok(text) if text.trim().is_empty() => continue,
            Ok(text) => record::parse_json(text),
            Err(_) => Err(Error::usage("the line is not valid UTF-8")),
        };
        match read {
            Err(e) => input.errors.push((line, e)),
            Ok(Line::Tunnel(tunnel)) => input.tunnels.push((line, tunnel)),
            Ok(Line::Server(record)) => input.records.push((line, *record)),
        }
    }
    input
}
