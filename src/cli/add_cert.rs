//! `mroom add-cert`: a public key onto servers, through the stage `add_cert`.

use serde_json::{Map, Value, json};

use super::{App, stage};
use crate::error::Result;

/// Install a public key on servers, and reach them with it from then on.
///
/// The key is believed only after a second login with it alone, from the private key beside it
/// or from the agent; one that does not open a server is taken back.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom add-cert 'web-*' ~/.ssh/team.pub --check
  mroom add-cert db-01 ~/.ssh/team.pub --name team")]
pub struct Args {
    /// Which servers.
    #[arg(value_name = "PATTERN")]
    pub pattern: String,
    /// The public key file.
    #[arg(value_name = "KEY.pub")]
    pub key: String,
    /// The mark is `custom_cert_TEXT` [default: the last word of the key's comment].
    #[arg(long, value_name = "TEXT", env = "MROOM_NAME", hide_env = true)]
    pub name: Option<String>,
}

/// Runs it.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let mut options: Map<String, Value> = Map::new();
    options.insert("key".into(), json!(args.key));
    if let Some(name) = &args.name {
        options.insert("name".into(), json!(name));
    }
    stage::one(app, "add_cert", options, &args.pattern)
}
