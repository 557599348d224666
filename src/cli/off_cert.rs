//! `mroom off-cert`: a key off servers, through the stage `off_cert`.

use serde_json::{Map, Value, json};

use super::{App, stage};
use crate::error::Result;

/// Take a server's own key off it, once another login is proven.
///
/// Every line with the key goes, all others stay as they are. Refused where nothing else gets in:
/// nobody is locked out.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom off-cert web-01 --check
  mroom off-cert 'web-*' --key ~/.ssh/old.pub")]
pub struct Args {
    /// Which servers.
    #[arg(value_name = "PATTERN", required = true)]
    pub pattern: Vec<String>,
    /// The public key to take off, instead of that of the server's own key.
    #[arg(long, value_name = "FILE", env = "MROOM_KEY", hide_env = true)]
    pub key: Option<String>,
    /// Only forget that a key is installed; nothing is done on the servers.
    #[arg(long, conflicts_with = "key")]
    pub mark_only: bool,
}

/// Runs it.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let mut options: Map<String, Value> = Map::new();
    if let Some(key) = &args.key {
        options.insert("key".into(), json!(key));
    }
    if args.mark_only {
        options.insert("mark_only".into(), json!(true));
    }
    stage::one(app, "off_cert", options, &args.pattern.join(" "))
}
