//! `mroom tunnel socks`: programs of this machine through a tunnel, by SOCKS5, until Ctrl-C.

use super::super::App;
use super::listening::{Place, serve};
use crate::error::Result;
use crate::tunnel::listen::Purpose;

/// Let programs of this machine through a tunnel by SOCKS5, until Ctrl-C.
///
/// For tunnels that are no route of this machine: SSH, mroom's own WireGuard, isolated ones. Names are
/// resolved behind the tunnel. Nobody is asked for a password: whoever may connect to ADDRESS gets through.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom tunnel socks office
  mroom tunnel socks office --listen 9050
  curl -x socks5h://127.0.0.1:1080 http://intranet/")]
pub struct Args {
    /// The profile.
    #[arg(value_name = "TUNNEL")]
    pub name: String,
    /// Where to listen: a port of loopback, or an address with a port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:1080")]
    pub listen: String,
}

/// Listens until Ctrl-C.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let place = Place {
        listen: &args.listen,
        purpose: Purpose::Socks,
        what: format!("tunnel `{}`", args.name),
        to: format!("through the tunnel {}", args.name),
    };
    let opened = async { app.room.open_tunnel(&args.name, "socks").await };
    app.block_on(serve(app, place, opened))
}
