//! What `add` and `set` share: fields typed as `key=value`, places, and where a password comes from.

use serde_json::Value;

use super::App;
use crate::error::{Error, Result};
use crate::inventory::Server;
use crate::secret::Secret;

/// Where a password comes from; it is never typed on the command line.
#[derive(Debug, Clone, clap::Args)]
pub struct Password {
    /// Ask for the password.
    #[arg(long, conflicts_with = "password_stdin")]
    pub ask_password: bool,
    /// Read the password from standard input.
    ///
    /// Its first line.
    #[arg(long)]
    pub password_stdin: bool,
}

impl Password {
    /// The password; `None` when no flag asks for one.
    pub(super) fn read(&self, app: &App) -> Result<Option<Secret>> {
        if self.ask_password {
            return app.ask.new_secret("Password").map(Some);
        }
        match self.password_stdin {
            true => first_line().map(Some),
            false => Ok(None),
        }
    }
}

/// A password from the first line of standard input.
///
/// # Errors
/// [`crate::error::Kind::Usage`] when there is none.
pub(super) fn first_line() -> Result<Secret> {
    let mut line = zeroize::Zeroizing::new(String::new());
    std::io::stdin().read_line(&mut line).map_err(|e| {
        Error::usage(format!("cannot read the password from standard input: {e}")).source(e)
    })?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => Err(Error::usage("there is no password on standard input")),
        text => Ok(Secret::new(text)),
    }
}

/// Sets fields and metadata from `key=value` words (nothing after `=` removes), and adds and takes
/// off tags.
///
/// # Errors
/// [`crate::error::Kind::Usage`], naming the word.
pub(super) fn change(
    server: &mut Server,
    fields: &[String],
    add: &[String],
    remove: &[String],
) -> Result<()> {
    for field in fields {
        let (key, value) = super::vars::pair(field)?;
        match value {
            "" if !matches!(key, "host" | "user" | "port") && server.meta.contains_key(key) => {
                server.set_meta(key, Value::Null);
            }
            value => server.set(key, value)?,
        }
    }
    let name = |tag: &String| tag.strip_prefix('@').unwrap_or(tag).to_owned();
    server.tags.extend(add.iter().map(name));
    for tag in remove {
        server.tags.remove(&name(tag));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_tags() {
        let mut server = Server::new("a", "h", "root", 22);
        let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let fields = words(&["port=2222", "role=edge", "n=3", "key=~/k"]);
        change(&mut server, &fields, &words(&["@web", "db"]), &[]).unwrap();
        assert_eq!((server.port, server.key()), (2222, Some("~/k")));
        assert_eq!(server.meta["role"], "edge");
        assert_eq!(server.meta["n"], 3);
        change(
            &mut server,
            &words(&["role=", "key="]),
            &[],
            &words(&["db"]),
        )
        .unwrap();
        assert_eq!((server.key(), server.meta.get("role")), (None, None));
        assert_eq!(server.tags.into_iter().collect::<Vec<_>>(), ["web"]);
    }
}
