//! `mroom tunnel down`: takes tunnels down, also those that ended processes have left.

use serde_json::json;

use super::super::App;
use crate::error::Result;
use crate::events::Level;
use crate::tunnel::keeper::folder::Holder;
use crate::tunnel::keeper::status::{Down, down, list};
use crate::ui::json::line;

/// Take tunnels down. One in use goes down with its last user.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom tunnel down office
  mroom tunnel down --all --force")]
pub struct Args {
    /// Their names.
    #[arg(value_name = "TUNNEL", required_unless_present = "all")]
    names: Vec<String>,
    /// All that are there.
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// At once, whoever uses them.
    #[arg(long)]
    force: bool,
}

/// Takes them down; the exit code.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    app.block_on(async {
        let tools = app.room.tunnels().tools().clone();
        let names = match args.all {
            true => list(&tools.folder)
                .into_iter()
                .map(|s| s.record.name)
                .collect(),
            false => args.names.clone(),
        };
        for name in &names {
            let went = down(&tools, name, args.force)?;
            tell(app, name, &went)?;
        }
        Ok(0)
    })
}

fn tell(app: &App, name: &str, went: &Down) -> Result<()> {
    let (word, holders): (_, &[Holder]) = match went {
        Down::None => ("none", &[]),
        Down::Down => ("down", &[]),
        Down::Left => ("left", &[]),
        Down::InUse(holders) => ("in use", holders),
    };
    if app.json {
        let holders: Vec<_> = holders
            .iter()
            .map(|h| json!({"pid": h.pid, "for": h.what}))
            .collect();
        let object = json!({"tunnel": name, "state": word, "holders": holders});
        return app.screen.result(line(&object).as_bytes());
    }
    let text = match went {
        Down::None => format!("the tunnel `{name}` is not up"),
        Down::Down => format!("the tunnel `{name}` is down"),
        Down::Left => format!("the tunnel `{name}` was up before, and is left up"),
        Down::InUse(holders) => {
            let users = holders.iter().map(|h| format!("{} ({})", h.pid, h.what));
            let users = users.collect::<Vec<_>>().join(", ");
            format!("the tunnel `{name}` is in use, and goes down with its last user: {users}")
        }
    };
    app.screen.note(Level::Notice, None, &text);
    Ok(())
}
