//! `mroom add`: one server into the inventory.

use super::App;
use super::fields::{Password, change};
use crate::error::{Error, Result};
use crate::events::Level;
use crate::inventory::{Server, place};

/// Add a server.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom add web-03 admin@203.0.113.13 --tag web --ask-password
  mroom add db-02 root@[2001:db8::1]:2222 key=~/.ssh/db role=db")]
pub struct Args {
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

/// Adds the server.
pub fn run(app: &App, args: &Args) -> Result<u8> {
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
