//! `mroom secrets`: who can open the sealed passwords.

use serde_json::json;

use super::App;
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::fleet::passphrase;
use crate::inventory::SecretsStatus;
use crate::secret::Secret;
use crate::ui::json as form;

/// See and change what opens the stored passwords.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom secrets status
  mroom secrets lock")]
pub struct Args {
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with the secrets.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Tell what opens them and how many there are.
    Status,
    /// From now on they open with a passphrase only; the identity file is removed.
    ///
    /// The passphrase is asked for, or taken from MROOM_PASSPHRASE or the file that
    /// MROOM_PASSPHRASE_FILE names.
    Lock,
    /// Back to the identity file beside the database: no passphrase any more.
    Unlock,
}

/// Does it.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let store = app.room.store()?;
    match args.action {
        Action::Status => {
            let status = store.secrets_status()?;
            let text = if app.json {
                form::line(&object(&status))
            } else {
                sentences(&status)
            };
            app.screen.result(text.as_bytes())?;
        }
        Action::Lock => {
            store.secrets_lock(&new_passphrase(app)?)?;
            app.screen.note(
                Level::Notice,
                None,
                "the secrets open with the passphrase only now",
            );
        }
        Action::Unlock => {
            if !store.secrets_status()?.is_locked() {
                return Err(Error::usage("the secrets are not locked")
                    .hint("`mroom secrets status` tells what opens them"));
            }
            let given = passphrase(&*app.room.interact)?.ok_or_else(|| {
                Error::new(Kind::Locked, "there is no passphrase to unlock with")
                    .hint("set MROOM_PASSPHRASE or MROOM_PASSPHRASE_FILE, or run on a terminal")
            })?;
            app.room.redactor.add(&given);
            store.secrets_unlock(&given)?;
            let file = store.secrets_status()?.identity_file;
            let message = format!("the secrets open with `{}` now", file.display());
            app.screen.note(Level::Notice, None, &message);
        }
    }
    Ok(0)
}

/// From the environment; a person types it twice.
fn new_passphrase(app: &App) -> Result<Secret> {
    match passphrase(&crate::events::Nobody)? {
        Some(given) => {
            app.room.redactor.add(&given);
            Ok(given)
        }
        None => app.ask.new_secret("New passphrase").map_err(|e| {
            let hint = "set MROOM_PASSPHRASE or MROOM_PASSPHRASE_FILE, or run on a terminal";
            if e.kind() == Kind::Locked {
                e.hint(hint)
            } else {
                e
            }
        }),
    }
}

fn sentences(status: &SecretsStatus) -> String {
    let state = match (status.recipients.is_empty(), status.is_locked()) {
        (true, _) => "no secret is stored yet",
        (_, true) => "locked: they open with the passphrase only",
        (_, false) => "open: they open with the identity file",
    };
    let mut text = format!("{state}\nsealed values: {}\n", status.sealed);
    for (kind, recipient) in &status.recipients {
        text.push_str(&format!("recipient: {} {recipient}\n", kind.as_str()).replace(" \n", "\n"));
    }
    let there = if status.has_identity_file {
        ""
    } else {
        " (not there)"
    };
    text.push_str(&format!(
        "identity file: {}{there}\n",
        status.identity_file.display()
    ));
    text
}

fn object(status: &SecretsStatus) -> serde_json::Value {
    let recipients: Vec<_> = status
        .recipients
        .iter()
        .map(|(kind, recipient)| json!({ "kind": kind.as_str(), "recipient": recipient }))
        .collect();
    json!({
        "locked": status.is_locked(),
        "sealed": status.sealed,
        "recipients": recipients,
        "identity_file": status.identity_file,
        "has_identity_file": status.has_identity_file,
    })
}
