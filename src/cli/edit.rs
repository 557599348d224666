//! `mroom add`, `set` and `rm`: the inventory by hand.

use serde_json::Value;

use super::App;
use crate::error::{Error, Result};
use crate::events::Level;
use crate::inventory::Server;
use crate::secret::Secret;
use crate::ui::fold_ids;

/// Where a password comes from; it is never typed on the command line.
#[derive(Debug, clap::Args)]
pub struct Password {
    /// Ask for the password.
    #[arg(long, conflicts_with = "password_stdin")]
    pub ask_password: bool,
    /// Read the password from the first line of standard input.
    #[arg(long)]
    pub password_stdin: bool,
}

/// Add a server.
#[derive(Debug, clap::Args)]
pub struct Add {
    /// The name by which it will be called.
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where it is: `host`, `user@host`, `user@host:port`; an IPv6 address with a port as `[::1]:22`.
    #[arg(value_name = "[USER@]HOST[:PORT]")]
    pub place: String,
    /// Fields and metadata: `port=22 key=~/.ssh/id description='the edge' role=edge`.
    #[arg(value_name = "KEY=VALUE")]
    pub fields: Vec<String>,
    /// Give it this tag; may be repeated.
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    #[command(flatten)]
    pub password: Password,
}

/// Change fields, metadata, tags or the password of servers.
#[derive(Debug, clap::Args)]
pub struct Set {
    /// Which servers.
    #[arg(value_name = "PATTERN")]
    pub pattern: String,
    /// Fields (host user port key description tunnel home) and metadata; nothing after `=` removes.
    #[arg(value_name = "KEY=VALUE")]
    pub fields: Vec<String>,
    /// Add this tag; may be repeated.
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Take this tag off; may be repeated.
    #[arg(long, value_name = "TAG")]
    pub untag: Vec<String>,
    #[command(flatten)]
    pub password: Password,
    /// Forget the password.
    #[arg(long, conflicts_with_all = ["ask_password", "password_stdin"])]
    pub no_password: bool,
}

/// Remove servers from the inventory; nothing is done on them.
#[derive(Debug, clap::Args)]
pub struct Rm {
    /// Which servers.
    #[arg(value_name = "PATTERN", required = true)]
    pub pattern: Vec<String>,
}

/// Adds the server.
pub fn add(app: &App, args: &Add) -> Result<u8> {
    let store = app.room.store()?;
    if store.get(&args.id)?.is_some() {
        let error = Error::usage(format!("there is a server `{}` already", args.id));
        return Err(error.hint(format!("`mroom set {} KEY=VALUE` changes it", args.id)));
    }
    let (user, host, port) = place(&args.place)?;
    let mut server = Server::new(&args.id, host, user, 22);
    if let Some(port) = port {
        server.set("port", port)?;
    }
    change(&mut server, &args.fields, &args.tag, &[])?;
    let password = args.password.read(app)?;
    store.put(&server, password.as_ref())?;
    app.screen
        .note(Level::Notice, None, &format!("added {}", args.id));
    Ok(0)
}

/// Changes every server that the pattern selects, or none of them.
pub fn set(app: &App, args: &Set) -> Result<u8> {
    let password = match args.no_password {
        true => Some(Secret::new("")),
        false => args.password.read(app)?,
    };
    if args.fields.is_empty() && args.tag.is_empty() && args.untag.is_empty() && password.is_none()
    {
        return Err(Error::usage("nothing to set").hint("`mroom set ID role=edge --tag web`"));
    }
    let mut servers = app.room.select(&args.pattern)?;
    for server in &mut servers {
        change(server, &args.fields, &args.tag, &args.untag).map_err(|e| e.server(&server.id))?;
    }
    let ids = fold_ids(servers.iter().map(|s| s.id.as_str()));
    let rows: Vec<_> = servers.into_iter().map(|s| (s, password.clone())).collect();
    app.room.store()?.put_all(&rows)?;
    app.screen.note(Level::Notice, None, &format!("set {ids}"));
    Ok(0)
}

/// Removes them when a person agrees.
pub fn rm(app: &App, args: &Rm) -> Result<u8> {
    let servers = app.room.select(&args.pattern.join(" "))?;
    let ids = fold_ids(servers.iter().map(|s| s.id.as_str()));
    let question = match servers.len() {
        1 => format!("remove {ids} from the inventory?"),
        n => format!("remove {n} servers from the inventory: {ids}?"),
    };
    if !app.room.interact.confirm(&question) {
        let error = Error::local(format!("{ids} not removed: nobody agreed"));
        return Err(error.hint("`-y` agrees without a question"));
    }
    let store = app.room.store()?;
    for server in &servers {
        store.remove(&server.id)?;
    }
    app.screen
        .note(Level::Notice, None, &format!("removed {ids}"));
    Ok(0)
}

impl Password {
    fn read(&self, app: &App) -> Result<Option<Secret>> {
        if self.ask_password {
            return app.ask.new_secret("Password").map(Some);
        }
        if !self.password_stdin {
            return Ok(None);
        }
        let mut line = zeroize::Zeroizing::new(String::new());
        std::io::stdin().read_line(&mut line).map_err(|e| {
            Error::usage(format!("cannot read the password from standard input: {e}")).source(e)
        })?;
        match line.trim_end_matches(['\r', '\n']) {
            "" => Err(Error::usage("there is no password on standard input")),
            text => Ok(Some(Secret::new(text))),
        }
    }
}

fn change(server: &mut Server, fields: &[String], add: &[String], remove: &[String]) -> Result<()> {
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

/// Splits `[USER@]HOST[:PORT]`; without a user it is the one who runs this.
fn place(text: &str) -> Result<(String, &str, Option<&str>)> {
    let (user, rest) = match text.rsplit_once('@') {
        Some((user, rest)) => (user.to_owned(), rest),
        None => (local_user()?, text),
    };
    let bracketed = rest.strip_prefix('[').and_then(|r| r.split_once(']'));
    let (host, port) = match bracketed {
        Some((host, "")) => (host, None),
        Some((host, port)) => match port.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None => {
                return Err(Error::usage(format!(
                    "`{text}` is not `[USER@]HOST[:PORT]`"
                )));
            }
        },
        // More than one colon: an IPv6 address without a port.
        None => match rest.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (rest, None),
        },
    };
    match host.is_empty() || user.is_empty() || port == Some("") {
        true => Err(Error::usage(format!(
            "`{text}` is not `[USER@]HOST[:PORT]`"
        ))),
        false => Ok((user, host, port)),
    }
}

fn local_user() -> Result<String> {
    let name = ["LOGNAME", "USER"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    name.filter(|n| !n.is_empty())
        .ok_or_else(|| Error::usage("no user: write `user@host`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        for (text, user, host, port) in [
            ("root@10.0.0.1", "root", "10.0.0.1", None),
            ("root@web:2222", "root", "web", Some("2222")),
            ("root@[::1]:22", "root", "::1", Some("22")),
            ("root@[fe80::1]", "root", "fe80::1", None),
            ("root@fe80::1", "root", "fe80::1", None),
            ("a@b@host", "a@b", "host", None),
        ] {
            assert_eq!(
                place(text).unwrap(),
                (user.to_owned(), host, port),
                "{text}"
            );
        }
        for text in [
            "",
            "@",
            "root@",
            "@host",
            "root@:22",
            "root@host:",
            "root@[::1]22",
        ] {
            assert!(place(text).is_err(), "{text}");
        }
    }

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
