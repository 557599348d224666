//! `mroom set`: fields, metadata, tags and passwords of servers.

use super::App;
use super::fields::{Password, change, first_line};
use crate::error::{Error, Result};
use crate::events::Level;
use crate::secret::Secret;
use crate::ui::fold_ids;

/// Change fields, metadata, tags or the password of servers.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom set 'web-*' role=edge --tag web
  mroom set db-01 port=2222 key=")]
pub struct Args {
    /// Which servers.
    #[arg(value_name = "PATTERN")]
    pub pattern: String,
    /// Fields and metadata; nothing after `=` removes.
    ///
    /// Fields are host, user, port, key, description, tunnel, home, retired; any other key is
    /// metadata.
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
    /// Ask for sudo's password, when it is another.
    #[arg(long, conflicts_with_all = ["sudo_password_stdin", "no_sudo_password"])]
    pub ask_sudo_password: bool,
    /// Read that from standard input.
    #[arg(long, conflicts_with_all = ["no_sudo_password", "password_stdin"])]
    pub sudo_password_stdin: bool,
    /// Forget the password for sudo.
    #[arg(long)]
    pub no_sudo_password: bool,
}

/// Changes every server that the pattern selects, or none of them.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let password = match args.no_password {
        true => Some(Secret::new("")),
        false => args.password.read(app)?,
    };
    let for_sudo = match (args.no_sudo_password, args.sudo_password_stdin) {
        (true, _) => Some(Secret::new("")),
        (_, true) => Some(first_line()?),
        _ if args.ask_sudo_password => Some(app.ask.new_secret("Password for sudo")?),
        _ => None,
    };
    let fields = args.fields.len() + args.tag.len() + args.untag.len();
    if fields == 0 && password.is_none() && for_sudo.is_none() {
        return Err(Error::usage("nothing to set").hint("`mroom set ID role=edge --tag web`"));
    }
    let mut servers = app.room.select(&args.pattern)?;
    for server in &mut servers {
        change(server, &args.fields, &args.tag, &args.untag).map_err(|e| e.server(&server.id))?;
    }
    let ids = fold_ids(servers.iter().map(|s| s.id.as_str()));
    let names: Vec<String> = servers.iter().map(|s| s.id.clone()).collect();
    let rows: Vec<_> = servers.into_iter().map(|s| (s, password.clone())).collect();
    app.room.store()?.put_all(&rows)?;
    super::tunnel::tell_missing(app, rows.iter().map(|(server, _)| server))?;
    if let Some(password) = &for_sudo {
        app.room.store()?.set_sudo_password(&names, password)?;
    }
    app.screen.note(Level::Notice, None, &format!("set {ids}"));
    Ok(0)
}
