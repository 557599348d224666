//! `mroom tunnel up`: brings tunnels up, and holds them or leaves them up.

use super::super::App;
use crate::error::{Error, Result};
use crate::events::Level;
use crate::tunnel::keeper::status::{Status, of};
use crate::ui::json as lines;

/// For what a tunnel is held, as others see it.
const HOLDER: &str = "mroom tunnel up";

/// Bring tunnels up, and hold them until Ctrl-C.
///
/// Routes lead to the servers that have the tunnel, to its `routes`, and to nothing else. One that is up
/// already is used, and left as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom tunnel up office
  mroom tunnel up office lab --keep    # and come back; `mroom tunnel down` ends them")]
pub struct Args {
    /// Their names.
    #[arg(value_name = "TUNNEL", required = true)]
    names: Vec<String>,
    /// Leave them up, and come back at once.
    #[arg(long)]
    keep: bool,
}

/// Brings them up; the exit code.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    app.block_on(async {
        for name in &args.names {
            app.room.open_tunnel(name, HOLDER).await?;
            let tunnels = app.room.tunnels();
            if args.keep {
                tunnels.keep(name).await?;
            }
            let there = of(&tunnels.tools().folder, name);
            let Some(status) = there.filter(|s| !s.record.is_alone()) else {
                return Err(inside(name));
            };
            show(app, &status)?;
        }
        if !args.keep {
            app.screen.note(Level::Notice, None, "up until Ctrl-C");
            app.room.cancel.cancelled().await;
        }
        Ok(0)
    })
}

/// One that only this process could use.
fn inside(name: &str) -> Error {
    let message =
        format!("the tunnel `{name}` lives inside of a process: nobody else could use it");
    let word = crate::quote::typed(name);
    Error::usage(message).hint(format!(
        "`mroom tunnel socks {word}` opens it to other programs"
    ))
}

fn show(app: &App, status: &Status) -> Result<()> {
    if app.json {
        return app.screen.result(lines::line(&status.object()).as_bytes());
    }
    let ranges = status.record.ranges.iter().map(ToString::to_string);
    let text = format!(
        "{}  up  {}\n",
        status.record.name,
        ranges.collect::<Vec<_>>().join(" ")
    );
    app.screen.result(text.as_bytes())
}
