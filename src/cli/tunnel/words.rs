//! Fields of a profile as they are typed: `mtu=1400`, `ca=FILE`; of secrets `psk` (asked for),
//! `psk=@FILE` and `psk=-`, never themselves.

use std::io::Read as _;

use zeroize::Zeroizing;

use super::super::App;
use super::super::fields::first_line;
use crate::error::{Error, Kind, Result};
use crate::inventory::{FIELDS, Field, Tunnel};
use crate::secret::Secret;

/// Most bytes that are read from standard input for a field.
const LARGEST: u64 = 256 << 10;

/// Standard input, which can be read for one thing only.
pub(super) struct Stdin {
    taken: bool,
}

impl Stdin {
    /// `taken`: the password comes from it.
    pub fn new(taken: bool) -> Self {
        Stdin { taken }
    }

    fn take(&mut self, field: &Field) -> Result<Secret> {
        if std::mem::replace(&mut self.taken, true) {
            let error = Error::usage("standard input can be read for one secret only");
            return Err(error.hint(format!("`{}=@FILE` reads a file", field.key)));
        }
        if !field.is_file {
            return first_line();
        }
        let mut text = Zeroizing::new(String::new());
        let read = std::io::stdin().take(LARGEST + 1).read_to_string(&mut text);
        let failed = |what: String| Error::usage(format!("`{}=-`: {what}", field.key));
        read.map_err(|e| failed(e.to_string()))?;
        match text.len() as u64 > LARGEST {
            true => Err(failed("it is larger than 256 KiB".to_owned())),
            // Contents have a line break; a path has none.
            false => Ok(Secret::new(format!("{}\n", text.trim_end()))),
        }
    }
}

/// Sets what the words say, and takes in the files that they name.
///
/// # Errors
/// [`crate::error::Kind::Usage`], naming the word; no secret is shown.
pub(super) fn apply(
    app: &App,
    tunnel: &mut Tunnel,
    words: &[String],
    stdin: &mut Stdin,
) -> Result<()> {
    let is_config = |word: &&String| word.starts_with("config=");
    // What is typed beside a configuration goes before what that says.
    for word in words.iter().filter(is_config) {
        one(app, tunnel, word, stdin)?;
        tunnel.absorb(None)?;
    }
    for word in words.iter().filter(|word| !is_config(word)) {
        one(app, tunnel, word, stdin)?;
    }
    tunnel.absorb(None)
}

fn one(app: &App, tunnel: &mut Tunnel, word: &str, stdin: &mut Stdin) -> Result<()> {
    let (key, value) = match word.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (word, None),
    };
    match (key, value) {
        ("server", Some(value)) => {
            tunnel.server = value.to_owned();
            return Ok(());
        }
        ("user", Some(value)) => {
            tunnel.user = value.to_owned();
            return Ok(());
        }
        ("password" | "pass", _) => {
            let error = Error::usage("a password is not set on the command line");
            return Err(error.hint("`--ask-password` asks for it; `--password-stdin` reads it"));
        }
        ("name" | "type" | "kind", _) => {
            let error = Error::usage(format!("the {key} of a profile does not change"));
            return Err(error.hint("`mroom tunnel add` makes another profile"));
        }
        _ => {}
    }
    let field = FIELDS
        .iter()
        .find(|field| field.key == key && field.kinds.contains(&tunnel.kind));
    let Some(field) = field else {
        // Names the key, and those that there are.
        return tunnel.set(key, value.unwrap_or("x"));
    };
    let secret = match value {
        Some("-") if field.is_secret || field.is_file => stdin.take(field)?,
        Some(value) if field.is_file => Secret::new(value.strip_prefix('@').unwrap_or(value)),
        Some("") => Secret::new(""),
        Some(value) if field.is_secret => from_file(field, value)?,
        Some(value) => Secret::new(value),
        None if field.is_secret && !field.is_file => {
            let asked = app.ask.new_secret(field.help);
            asked.map_err(|e| match e.kind() {
                Kind::Locked => e.hint(format!("`{key}=@FILE` and `{key}=-` read it")),
                _ => e,
            })?
        }
        None => {
            let error = Error::usage(format!("`{key}` needs a value"));
            return Err(error.hint(format!("such as {key}={}", field.example)));
        }
    };
    // A file's path is no secret, and an error about the file must name it.
    if field.is_secret && (!field.is_file || value == Some("-")) {
        app.room.redactor.add(&secret);
    }
    tunnel.set(key, secret.reveal())
}

/// A secret from the file that `@FILE` names: all of it but the line break at its end.
fn from_file(field: &Field, value: &str) -> Result<Secret> {
    let key = field.key;
    let Some(name) = value.strip_prefix('@') else {
        let error = Error::usage(format!(
            "`{key}` is a secret, which is not typed on the command line"
        ));
        return Err(error.hint(format!(
            "`{key}` alone asks for it; `{key}=@FILE` and `{key}=-` read it"
        )));
    };
    let path = crate::config::expand_tilde(name);
    let mut text = Zeroizing::new(String::new());
    let read =
        std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
    read.map_err(|e| Error::usage(format!("`{key}=@{name}`: {e}")).source(e))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(Error::usage(format!("`{key}=@{name}`: the file is empty"))),
        text => Ok(Secret::new(text)),
    }
}
