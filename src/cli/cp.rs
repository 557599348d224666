//! `mroom cp`: files and folders between this machine and many servers.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;

use super::copies::{Copy, plan};
use super::exec::{end, skipped};
use super::outcomes::error_json;
use super::{App, values};
use crate::error::Result;
use crate::events::Level;
use crate::fleet::{Outcome, Status, map};
use crate::inventory::Server;
use crate::ssh::{CopyOptions, Sudo, Transport, elevated};
use crate::ui::{fold_ids, json, outcome};

/// Copy files and folders to or from servers.
///
/// A remote side is `PATTERN:PATH`, as with scp; a local file whose name holds a colon is written
/// `./a:b`. A relative remote path is below the login's home. A trailing `/` on a folder copies what
/// is in it. What comes from several servers, or goes to a DEST that ends with `/`, goes into
/// DEST/ID/; what comes from one server goes to DEST.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom cp nginx.conf 'web-*:/etc/nginx/'
  mroom cp 'all:/var/log/syslog' logs/")]
pub struct Args {
    /// What to copy: paths on this machine, or `PATTERN:PATH` on servers.
    #[arg(value_name = "SOURCE", required = true)]
    pub sources: Vec<String>,
    /// Where to, on the other side.
    #[arg(value_name = "DEST")]
    pub dest: String,
    /// Permission bits of the files, in octal; otherwise the source's.
    #[arg(long, value_name = "MODE", env = "MROOM_MODE", hide_env = true, value_parser = values::mode)]
    pub mode: Option<u32>,
}

/// Copies; the exit code is that of the run.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let plan = plan(app, &args.sources, &args.dest)?;
    let servers: Vec<Server> = plan.iter().map(|(server, _)| server.clone()).collect();
    if app.room.options.check {
        return Ok(check(app, &servers, args));
    }
    let plan: HashMap<String, Vec<Copy>> = plan.into_iter().map(|(s, c)| (s.id, c)).collect();
    let one = async |server: Server| -> Result<(Status, u64)> {
        let sudo = app.room.default_sudo(&server)?;
        let transport = app.room.transport(&server).await?;
        let mut ended = (Status::Skipped, 0);
        for copy in plan.get(&server.id).into_iter().flatten() {
            let (status, bytes) = copy
                .run(app, &server.id, (&*transport, sudo.clone()), args.mode)
                .await?;
            ended = (status, ended.1 + bytes);
        }
        Ok(ended)
    };
    let policy = &app.room.options.policy;
    let outcomes = app.block_on(async {
        Ok(map(&app.room, "cp", servers, policy, one, |o| tell(app, o)).await)
    })?;
    Ok(end(app, &outcomes))
}

impl Copy {
    /// What was written to a server has changed it; what was read from one has not.
    async fn run(
        &self,
        app: &App,
        id: &str,
        (transport, sudo): (&dyn Transport, Option<Sudo>),
        mode: Option<u32>,
    ) -> Result<(Status, u64)> {
        let options = |name: String| {
            let (events, id) = (app.room.events.clone(), id.to_owned());
            CopyOptions {
                mode,
                progress: Some(Arc::new(move |done, total| {
                    events.transfer(&id, &name, done, total);
                })),
            }
        };
        match self {
            Copy::Up { from, to } => {
                let options = options(from.display().to_string());
                let from = from.clone();
                let bytes = match sudo {
                    Some(sudo) => elevated::upload(transport, sudo, from, to, options).await?,
                    None => transport.upload(from, to, options).await?,
                };
                Ok((Status::Changed, bytes))
            }
            Copy::Down { from, to } => {
                let options = options(from.clone());
                let to = to.clone();
                let bytes = match sudo {
                    Some(sudo) => elevated::download(transport, sudo, from, to, options).await?,
                    None => transport.download(from, to, options).await?,
                };
                Ok((Status::Ok, bytes))
            }
        }
    }
}

/// Check mode: nothing is reached, and nothing is written here either.
fn check(app: &App, servers: &[Server], args: &Args) -> u8 {
    let outcomes = skipped(servers);
    if !app.json {
        let ids = fold_ids(servers.iter().map(|s| s.id.as_str()));
        let text = format!(
            "would copy {} to {} ({ids})",
            args.sources.join(" "),
            args.dest
        );
        app.screen.note(Level::Notice, None, &text);
    }
    outcomes.iter().for_each(|o| tell(app, o));
    end(app, &outcomes)
}

/// Tells how one server's part ended.
fn tell(app: &App, ended: &Outcome<u64>) {
    if !app.json {
        return outcome(&app.screen, ended, true);
    }
    let object = json!({
        "server": ended.server,
        "status": ended.status.as_str(),
        "bytes": ended.value,
        "duration": ended.duration.as_secs_f64(),
        "error": error_json(app, ended),
    });
    // A reader who went away ends the run by the screen's own means.
    let _ = app.screen.result(json::line(&object).as_bytes());
}
