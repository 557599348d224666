//! Import: an upsert in one transaction, from whatever format people have their servers in.
//!
//! [`format`] finds out which one it is, a reader for each turns it into [`input::Input`] (records
//! with their lines), and [`apply`] writes what differs. A list file is the truth for host, user,
//! password, port and key; every other format only says what it says: what it does not mention
//! stays, and tags are added. The readers are pure but for the files that theirs includes.

mod ansible;
mod apply;
mod cloud;
mod columns;
mod file;
mod format;
mod input;
mod lines;
mod ssh_config;
mod yaml;

pub use file::read_file;
pub use format::Format;

use std::path::Path;

use super::Store;
use crate::error::{Error, Result};
use crate::secret::DataKey;
use crate::sshconfig::Local;
use input::Input;

/// How an import treats what it finds.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Import the good lines although others are bad.
    pub skip_bad: bool,
    /// Find out what would happen, and write nothing.
    pub check: bool,
    /// What the file is; found out when `None`.
    pub format: Option<Format>,
    /// Put before every id.
    pub prefix: String,
    /// Tags for every server.
    pub tags: Vec<String>,
    /// The user of servers for which the file names none.
    pub user: Option<String>,
    /// The port, likewise.
    pub port: Option<u16>,
    /// The key file, likewise.
    pub key: Option<String>,
    /// Keep plain variables or columns without a meaning of their own as metadata.
    pub vars: bool,
    /// Who runs this: what ssh takes when nothing names a user.
    pub local: Option<Local>,
}

/// What an import did, or (with bad lines or in check mode) would have done.
#[derive(Debug, Default)]
pub struct Summary {
    /// What the file was read as.
    pub format: Option<Format>,
    /// Ids that were not there before.
    pub added: Vec<String>,
    /// Ids that were there and are different now.
    pub changed: Vec<String>,
    /// What is different about those, in words, in the same order. No password is in it.
    pub differences: Vec<String>,
    /// How many were there already, just so.
    pub unchanged: usize,
    /// The tunnel profiles of the file.
    pub tunnels: Vec<String>,
    /// Bad lines, each as `file:line: reason`, in the file's order.
    pub errors: Vec<Error>,
    /// What may be a mistake, such as a key file that does not exist.
    pub warnings: Vec<String>,
    /// What was left out, and comments that look as if they were meant as something else.
    pub notes: Vec<String>,
    /// Whether anything was written.
    pub is_written: bool,
}

/// A file to import.
struct Source<'a> {
    /// What messages call it.
    name: &'a str,
    /// Where it is; `None` for standard input.
    path: Option<&'a Path>,
    bytes: &'a [u8],
}

impl Store {
    /// Imports the `bytes` of the file called `name` (`-` is standard input). With a bad line
    /// nothing is written, unless `options.skip_bad`; look at [`Summary::errors`].
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] when there is no server in the file or nobody can tell what
    /// it is, [`crate::error::Kind::Locked`] when passwords are to be sealed and the secrets are
    /// locked, [`crate::error::Kind::Local`] when the database fails.
    pub fn import(&self, name: &str, bytes: &[u8], options: &ImportOptions) -> Result<Summary> {
        let source = Source {
            name: if name == "-" { "standard input" } else { name },
            path: (name != "-").then(|| Path::new(name)),
            bytes,
        };
        let format = format::decide(&source, options.format)?;
        let mut input = format::read(format, &source, options)
            .with(options)
            .refuse_duplicates();
        if input.is_empty() {
            let error = Error::usage(format!("`{}`: no server in it", source.name));
            return Err(error.hint(format.hint()));
        }
        input.absorb_files(source.path);
        let mut summary = Summary {
            format: Some(format),
            ..Summary::default()
        };
        // Opened before the write lock is taken: it may take a person's time.
        let key = self.import_key(&input, options)?;
        let mut is_undone = false;
        let written = self.db.write(|conn| {
            apply::records(conn, &mut input, key.as_ref(), &mut summary)?;
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
        input.tell(&mut summary);
        Ok(summary)
    }

    /// The data key, when there are passwords to seal.
    fn import_key(&self, input: &Input, options: &ImportOptions) -> Result<Option<DataKey>> {
        let servers = input
            .records
            .iter()
            .flat_map(|(_, r)| [&r.password, &r.sudo_password])
            .flatten();
        let tunnels = input.tunnels.iter().flat_map(|(_, t)| t.secrets());
        let has_passwords = servers.chain(tunnels).any(|p| !p.is_empty());
        // What will be undone makes no key; without one there is nothing sealed to compare with.
        let may_open = !input.is_undone(options) || !self.secrets_status()?.recipients.is_empty();
        match has_passwords && may_open {
            true => self.keys.key(&self.db).map(Some),
            false => Ok(None),
        }
    }
}
