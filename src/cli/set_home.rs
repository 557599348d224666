//! `mroom set-home`: the folder in which sessions on a server start.

use serde_json::json;

use super::App;
use super::exec::end;
use super::outcomes::error_json;
use crate::error::{Error, Result};
use crate::fleet::{Outcome, Status, map};
use crate::inventory::Server;
use crate::quote;
use crate::ssh::Exec;
use crate::ui::{json as form, outcome, sanitize::one_line};

/// Longest path that is believed, bytes (Linux's `PATH_MAX`).
const LONGEST: usize = 4096;

/// Set the folder in which sessions start, as it is found on each server.
///
/// `~` and what stands below it is each login's own; the absolute path is kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom set-home 'web-*' /srv/app
  mroom set-home db-01 '~/work'
  mroom set db-01 home=      # forget it")]
pub struct Args {
    /// Which servers.
    #[arg(value_name = "PATTERN")]
    pub pattern: String,
    /// The folder on the servers.
    #[arg(value_name = "PATH")]
    pub path: String,
    /// Do not connect; keep the absolute path as it is given.
    #[arg(long)]
    pub no_verify: bool,
}

/// Looks and sets; the exit code is that of the run.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let room = &app.room;
    let command = command(&args.path)?;
    if args.no_verify && !is_path(&args.path) {
        let message = format!("`{}` is not an absolute path", args.path.escape_debug());
        return Err(Error::usage(message).hint("without `--no-verify` the server resolves it"));
    }
    let one = async |server: Server| -> Result<(Status, String)> {
        let path = match args.no_verify {
            true => args.path.clone(),
            false => found(app, &server, &command, &args.path).await?,
        };
        if server.home() == Some(path.as_str()) {
            return Ok((Status::Ok, path));
        }
        if !room.options.check {
            let value = json!(path);
            room.store()?.update(&server.id, |row| {
                row.set_meta("home_path", value);
                Ok(())
            })?;
        }
        Ok((Status::Changed, path))
    };
    let done = |one: &Outcome<String>| {
        let text = match (&one.value, app.json) {
            (path, true) => form::line(&json!({
                "server": one.server, "status": one.status.as_str(), "home": path,
                "error": error_json(app, one),
            })),
            (Some(path), false) => format!("{}: {}\n", one_line(&one.server), one_line(path)),
            (None, false) => return outcome(&app.screen, one, false),
        };
        // What cannot be written the screen remembers, and `end` tells.
        let _ = app.screen.result(text.as_bytes());
    };
    let servers = room.select(&args.pattern)?;
    let outcomes = app.block_on(async {
        Ok(map(room, "set-home", servers, &room.options.policy, one, done).await)
    })?;
    Ok(end(app, &outcomes))
}

/// The folder's absolute path, as the server says.
async fn found(app: &App, server: &Server, command: &str, path: &str) -> Result<String> {
    let request = Exec {
        timeout: app.room.options.command_timeout,
        max_output: LONGEST + 1,
        ..Exec::reader(command)
    };
    let output = app.room.transport(server).await?.exec(request).await?;
    if !output.is_success() {
        let error = Error::exit(command, output);
        return Err(error.context(format!("`{}` is no folder to enter", path.escape_debug())));
    }
    // Whatever a login prints stands before it.
    let answer = output.stdout_trimmed();
    match answer.lines().next_back() {
        Some(path) if is_path(path) => Ok(path.to_owned()),
        _ => Err(Error::new(
            crate::error::Kind::Script,
            "the server did not say where the folder is",
        )),
    }
}

/// Enters the folder and says where it is. `~` at the beginning is left to the server.
fn command(path: &str) -> Result<String> {
    let folder = match path {
        "" => return Err(Error::usage("the path is empty").hint("`mroom set ID home=` forgets it")),
        "~" => return Ok("cd && pwd".to_owned()),
        path => match path.strip_prefix("~/") {
            Some(rest) => format!("./{rest}"),
            // `cd -` means something else.
            None if path == "-" => "./-".to_owned(),
            None => path.to_owned(),
        },
    };
    let home = if folder.starts_with('/') {
        ""
    } else {
        "cd && "
    };
    Ok(format!("{home}cd -- {} && pwd", quote::word(&folder)?))
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && text.len() <= LONGEST && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_of_the_server() {
        for (path, asked) in [
            ("/srv/app", "cd -- /srv/app && pwd"),
            ("~", "cd && pwd"),
            ("~/my work", "cd && cd -- './my work' && pwd"),
            ("work", "cd && cd -- work && pwd"),
            ("$(reboot)", "cd && cd -- '$(reboot)' && pwd"),
            ("-", "cd && cd -- ./- && pwd"),
        ] {
            assert_eq!(command(path).unwrap(), asked, "{path}");
        }
        assert!(command("").is_err() && command("a\0b").is_err());
        assert!(!is_path("srv") && !is_path("/a\nb") && is_path("/srv/a b"));
    }
}
