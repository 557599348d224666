//! `mroom doctor`: what is there on this machine, and how far a connection gets.
//!
//! Looks and changes nothing: an unknown host key is told, not accepted, and a database that
//! another command would make or upgrade stays as it is.

mod data;
mod here;
mod inside;
mod probe;
mod report;
mod tunnel;
mod way;

use std::sync::Arc;

use super::App;
use crate::error::{Error, Result};
use crate::ui::Screen;
use report::{Report, Row};

/// Look for what is wrong, here, on the way to a server, or with a tunnel.
///
/// Without an id: the settings, the database, the keys, the agent, known_hosts, the terminal, the
/// limits, the Lua files. With one: each step of a connection, how long it takes, where it ends,
/// and what to do about it. `tunnel NAME`: what the profile lacks, what could make it here, which
/// package is missing, and the commands that would be run. Nothing is changed, here or there.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom doctor
  mroom doctor web-01
  mroom doctor tunnel office")]
pub struct Args {
    /// A server; its connection is tried step by step.
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// After `tunnel`: a profile.
    #[arg(value_name = "TUNNEL")]
    name: Option<String>,
}

/// Looks; the exit code is 0 when nothing fails.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let mut report = Report::new(app.screen.clone(), app.json);
    match (args.id.as_deref(), args.name.as_deref()) {
        (None, _) => here::look(app, &mut report)?,
        (Some(id), None) => way::try_out(app, id, &mut report)?,
        (Some("tunnel"), Some(name)) => tunnel::look(app, name, &mut report)?,
        (Some(id), Some(_)) => {
            let error = Error::usage("`mroom doctor` looks at one server at a time");
            return Err(error.hint(format!(
                "`mroom doctor {id}`, or `mroom doctor tunnel NAME`"
            )));
        }
    }
    Ok(report.code())
}

/// Tells of settings without which nothing else can be looked at; gives the exit code.
pub fn without_settings(screen: Arc<Screen>, json: bool, error: &Error) -> Result<u8> {
    let mut report = Report::new(screen, json);
    report.add(Row::error("settings", error))?;
    Ok(report.code())
}
