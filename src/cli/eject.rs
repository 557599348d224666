//! `mroom eject`: a shipped Lua file, copied to where the user may edit it.

use std::fs;

use super::{App, vm};
use crate::error::{Error, Result};

/// Copy a shipped stage or workflow to your configuration folder, where it wins.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom eject stages.env")]
pub struct Args {
    /// Its name: `stages.env`, `workflows.bringup`.
    #[arg(value_name = "MODULE")]
    module: String,
}

/// Copies it; a file that is there already stays, unless `-y` says otherwise.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let loader = vm::loader(app)?;
    let shipped = loader.find(&format!("bundled.{}", args.module))?;
    let text = shipped.and_then(|s| s.text).ok_or_else(|| {
        Error::usage(format!("no `{}` is shipped", args.module))
            .hint("`mroom stage --list` and `mroom run --list` show what there is")
    })?;
    let path = loader
        .user_dir()
        .join(args.module.replace('.', "/"))
        .with_extension("lua");
    if path.exists() && !app.yes {
        return Err(
            Error::usage(format!("`{}` is there already", path.display()))
                .hint("`-y` replaces it with the shipped file"),
        );
    }
    let failed = |e: std::io::Error| {
        Error::local(format!("cannot write `{}`: {e}", path.display())).source(e)
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(&path, text).map_err(failed)?;
    app.screen
        .result(format!("{}\n", path.display()).as_bytes())?;
    Ok(0)
}
