//! `mroom sandbox`: real sshd servers on loopback.

use serde_json::json;

use super::App;
use crate::error::Result;
use crate::events::Level;
use crate::sandbox::{Member, Sandbox, TAG};
use crate::ui::json;

/// Start and stop real sshd servers on this machine, to learn and to test with.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom sandbox up 3
  mroom exec @sandbox -- uname -s
  mroom sandbox down")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Start servers and add them to the inventory, tagged `sandbox`.
    ///
    /// They run as you, on 127.0.0.1, each with its own port, host key and home; your own home
    /// and `~/.ssh` stay as they are. Servers that run already are kept, dead ones come back.
    Up {
        /// How many there shall be.
        #[arg(value_name = "N", default_value_t = 3)]
        count: usize,
    },
    /// Stop the servers and remove all that was theirs.
    Down,
}

/// Starts or stops them.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let sandbox = Sandbox::new(app.room.config.data_dir());
    let store = app.room.store()?;
    match args.action {
        Action::Up { count } => {
            let members = sandbox.up(count, store)?;
            app.screen.result(shown(&members, app.json).as_bytes())?;
            let hint =
                format!("`mroom exec @{TAG} -- uptime` asks them, `mroom sandbox down` ends them");
            app.screen.note(Level::Notice, None, &hint);
        }
        Action::Down => {
            let message = match sandbox.down(store)? {
                0 => "no sandbox was up".to_owned(),
                1 => "1 server stopped and removed".to_owned(),
                n => format!("{n} servers stopped and removed"),
            };
            app.screen.note(Level::Notice, None, &message);
        }
    }
    Ok(0)
}

fn shown(members: &[Member], as_json: bool) -> String {
    let line = |member: &Member| {
        let Member { id, port, is_new } = member;
        if as_json {
            let object = json!({ "id": id, "host": "127.0.0.1", "port": port, "started": is_new });
            return json::line(&object);
        }
        let state = if *is_new { "started" } else { "was up" };
        format!("{id}  127.0.0.1:{port}  {state}\n")
    };
    members.iter().map(line).collect()
}
