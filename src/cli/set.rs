//! `mroom set`: fields, metadata, tags and passwords of servers.

use super::App;
use super::fields::{Password, change};
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

/// Changes every server that the pattern selects, or none of them.
pub fn run(app: &App, args: &Args) -> Result<u8> {
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
