//! `mroom tunnel forward`: a port of this machine that leads to one behind a server, until Ctrl-C.

use super::super::{App, show};
use super::listening::{Place, serve};
use crate::error::Result;
use crate::tunnel::listen::{Purpose, destination};

/// Listen here, connect to HOST:PORT from a server, until Ctrl-C.
///
/// HOST is as the server knows it. The server is reached as ever: through its tunnel and its jump hosts.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom tunnel forward db-01 127.0.0.1:5432
  mroom tunnel forward web-01 intranet:80 --listen 8080")]
pub struct Args {
    /// The server that connects.
    #[arg(value_name = "ID")]
    pub server: String,
    /// Where it connects to.
    #[arg(value_name = "HOST:PORT")]
    pub to: String,
    /// Where to listen: a port of loopback, or an address with a port; any free port unless given.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: String,
}

/// Listens until Ctrl-C.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let (host, port) = destination(&args.to)?;
    let server = show::find(app, &args.server)?;
    let place = Place {
        listen: &args.listen,
        purpose: Purpose::To(host, port),
        what: format!("forward {}: {}", server.id, args.to),
        to: format!("to {} from {}", args.to, server.id),
    };
    let opened = async { app.room.open_gate(&server, "forward").await };
    app.block_on(serve(app, place, opened))
}
