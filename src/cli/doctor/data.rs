//! The data folder, the database, the stored secrets; none is made, mended or upgraded.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::report::Row;
use crate::cli::App;
use crate::db::{Peek, State};
use crate::error::{Error, Result};
use crate::inventory::Server;
use crate::quote::word;

/// The checks, as far as they lead.
pub(super) fn look(app: &App) -> Vec<Row> {
    let config = &app.room.config;
    let path = config.database();
    if !path.exists() {
        let message = format!("`{}` is not there yet", path.display());
        let hint = "`mroom import FILE` or `mroom add` makes it";
        return vec![Row::ok("database", message).hint(hint)];
    }
    let mut rows = Vec::new();
    let open = [(config.data_dir(), 0o022, "700"), (&path, 0o077, "600")];
    let open = open
        .iter()
        .filter(|(path, others, _)| mode(path) & others != 0);
    let mut private = true;
    for (path, _, wanted) in open {
        private = false;
        let shown = format!("`{}` has mode {:04o}", path.display(), mode(path));
        rows.push(Row::warn("data folder", shown).hint(chmod(wanted, path)));
    }
    if private {
        let shown = format!("`{}`, for you alone", config.data_dir().display());
        rows.push(Row::ok("data folder", shown));
    }
    let examined = Peek::open(&path).and_then(|peek| {
        let gone = || Error::local(format!("`{}` is no file", path.display()));
        peek.ok_or_else(gone)?.examine()
    });
    let examined = match examined {
        Ok(examined) => examined,
        Err(error) => {
            rows.push(Row::error("database", &error));
            return rows;
        }
    };
    if let Some(damage) = examined.damage.first() {
        let hint = "put the file back from a backup, or save what can be: `mroom export --json`";
        rows.push(Row::fail("database", format!("damaged: {damage}")).hint(hint));
        return rows;
    }
    let shown = format!("{} servers, {}", examined.servers, examined.journal_mode);
    rows.push(match examined.state {
        State::Current => Row::ok("database", format!("{shown}, sound")),
        State::Empty => Row::ok("database", "empty"),
        State::Older => {
            let hint = "the next command brings it to this version: `mroom ls`";
            Row::warn("database", format!("{shown}, of an older version")).hint(hint)
        }
    });
    // Opening it would mend its mode, and upgrade it.
    if examined.state == State::Current && private {
        rows.push(secrets(app).unwrap_or_else(|e| Row::error("secrets", &e)));
    }
    rows
}

fn secrets(app: &App) -> Result<Row> {
    let store = app.room.store()?;
    let status = store.secrets_status()?;
    if status.sealed == 0 {
        return Ok(Row::ok("secrets", "none are stored"));
    }
    let count = format!("{} sealed", status.sealed);
    if status.is_locked() {
        let given = ["MROOM_PASSPHRASE", "MROOM_PASSPHRASE_FILE"];
        return Ok(
            match given.iter().any(|name| std::env::var_os(name).is_some()) {
                true => Row::ok(
                    "secrets",
                    format!("{count}; a variable gives the passphrase"),
                ),
                false => Row::ok("secrets", format!("{count}; they open with a passphrase")),
            },
        );
    }
    let sealed = |s: &Server| !s.sealed_pass.is_empty();
    if let Some(server) = store.list()?.iter().find(|s| sealed(s)) {
        store.password(server)?;
    }
    let file = &status.identity_file;
    Ok(match mode(file) & 0o077 {
        0 => Row::ok("secrets", format!("{count}; the identity file opens them")),
        _ => {
            let shown = format!("others can read the identity file `{}`", file.display());
            Row::warn("secrets", shown).hint(chmod("600", file))
        }
    })
}

/// A path's permission bits; 0 when there is no such path.
fn mode(path: &Path) -> u32 {
    path.metadata()
        .map_or(0, |m| m.permissions().mode() & 0o777)
}

fn chmod(mode: &str, path: &Path) -> String {
    let path = word(&path.display().to_string()).unwrap_or_default();
    format!("`chmod {mode} {path}`")
}
