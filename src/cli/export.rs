//! `mroom export`: the inventory as a list file or as JSON lines, passwords included.

use std::io::Write as _;
use std::path::Path;

use super::{App, ls};
use crate::config::expand_tilde;
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::output::Stream;

/// Write servers as a list file, or with `--json` with everything that is known of them.
///
/// Passwords are in it in the clear: it goes to a file or a pipe, onto a terminal only with `-y`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom export > servers.txt
  mroom export --json 'web-*'")]
pub struct Args {
    /// Which servers; all, retired ones too, when left out.
    #[arg(value_name = "PATTERN")]
    pub pattern: Vec<String>,
    /// Write this file (mode 0600) instead of standard output.
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "MROOM_OUTPUT",
        hide_env = true
    )]
    pub output: Option<String>,
}

/// Writes it.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let to_terminal = args.output.is_none() && app.screen.is_terminal(Stream::Stdout);
    if to_terminal && !app.yes {
        let error = Error::usage("passwords are not shown on a terminal");
        return Err(error.hint("`-o FILE` writes a file; `-y` shows them all the same"));
    }
    let servers = ls::select(app, &args.pattern)?;
    let store = app.room.store()?;
    let text = match app.json {
        true => store.export_json(&servers)?,
        false => store.export_list(&servers)?,
    };
    match &args.output {
        None => app.screen.result(text.reveal().as_bytes())?,
        Some(file) => {
            let path = expand_tilde(file);
            write_private(&path, text.reveal().as_bytes()).map_err(|e| {
                Error::new(Kind::Local, format!("cannot write `{file}`: {e}")).source(e)
            })?;
            let message = format!("{} servers written to `{file}`", servers.len());
            app.screen.note(Level::Notice, None, &message);
        }
    }
    Ok(0)
}

/// Writes a file that only its owner may read: to a temporary name, then over the old one.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // A device or a pipe is written to, never replaced.
    if path.metadata().is_ok_and(|m| !m.is_file()) {
        return std::fs::OpenOptions::new()
            .write(true)
            .open(path)?
            .write_all(bytes);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let write = || {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    };
    write().inspect_err(|_| drop(std::fs::remove_file(&part)))
}
