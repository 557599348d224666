//! `mroom tunnel set`: fields, login and server of a profile.

use super::super::App;
use super::super::fields::Password;
use super::words::{self, Stdin};
use crate::error::{Error, Result};
use crate::events::Level;
use crate::secret::Secret;
use crate::tunnel::keeper::{mark, status};

/// Change a profile.
///
/// `server=`, `user=` and the fields of its type; nothing after `=` removes. Secrets are asked for
/// (`psk` alone) or read from a file (`psk=@FILE`) or standard input (`psk=-`).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom tunnel set office routes=10.20.0.0/16 dns=10.20.0.53
  mroom tunnel set office psk ca=ca.pem
  mroom tunnel set office isolate=true probe=")]
pub struct Args {
    /// The profile.
    #[arg(value_name = "TUNNEL")]
    pub name: String,
    /// What to change: `mroom help tunnels` lists the fields.
    #[arg(value_name = "FIELD=VALUE")]
    pub fields: Vec<String>,
    #[command(flatten)]
    pub password: Password,
    /// Forget the password.
    #[arg(long, conflicts_with_all = ["ask_password", "password_stdin"])]
    pub no_password: bool,
}

/// Changes it.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let mut tunnel = super::find(app, &args.name)?;
    let asks = args.password.ask_password || args.password.password_stdin || args.no_password;
    if args.fields.is_empty() && !asks {
        let hint = format!(
            "`mroom tunnel set {} mtu=1400`",
            crate::quote::typed(&args.name)
        );
        return Err(Error::usage("nothing to set").hint(hint));
    }
    let mut stdin = Stdin::new(args.password.password_stdin);
    words::apply(app, &mut tunnel, &args.fields, &mut stdin)?;
    if let Some(password) = args.password.read(app)? {
        tunnel.password = password;
    }
    if args.no_password {
        tunnel.password = Secret::new("");
    }
    app.room.store()?.put_tunnel(&tunnel)?;
    let message = format!("set the tunnel profile {}", tunnel.name);
    app.screen.note(Level::Notice, None, &message);
    let folder = app.room.config.data_dir().join("tunnels");
    if let Some(up) = status::of(&folder, &tunnel.name)
        && up.record.mark.is_some_and(|m| m != mark(&tunnel))
    {
        let message = match up.holders.is_empty() {
            true => "it is up as it was: the next command that needs it brings it up anew",
            false => "it is in use as it was: the change counts when its users are done",
        };
        app.screen.note(Level::Notice, None, message);
    }
    super::tell_lacks(app, &tunnel);
    Ok(0)
}
