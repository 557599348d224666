//! `mroom eval`: one piece of Lua from the command line.

use super::{App, outcomes, vm};
use crate::error::Result;

/// Run a piece of Lua and print what it gives: `mroom eval '#server.list()'`.
#[derive(Debug, clap::Args)]
#[command(after_help = r#"Examples:
  mroom eval '#server.list()'
  mroom eval 'server("web-01"):capture "uptime"'"#)]
pub struct Args {
    /// An expression, or statements.
    #[arg(value_name = "LUA")]
    text: String,
    /// Handed to it, as `...` and in `arg`; what looks like a flag goes behind `--`.
    #[arg(value_name = "ARGS")]
    args: Vec<String>,
}

/// Runs it. A text is printed as it is, all else as Lua writes it.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let vm = vm::open(app)?;
    let result = app.block_on(vm.eval(&args.text, &args.args));
    if let Some(code) = vm.exit_code() {
        return Ok(code);
    }
    outcomes::returned(app, &vm, &result?)
}
