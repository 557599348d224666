//! `mroom eject`: a shipped Lua file, copied to where the user may edit it.

use std::fs;

use super::new::Place;
use super::{App, vm};
use crate::error::{Error, Result};
use crate::lua::Project;

/// Copy a shipped stage or workflow to your configuration folder, or a project, where it wins.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom eject stages.env
  mroom eject --here workflows.update")]
pub struct Args {
    /// Its name: `stages.env`, `workflows.bringup`.
    #[arg(value_name = "MODULE")]
    module: String,
    /// Into the project around the current folder.
    #[arg(long)]
    here: bool,
}

/// Copies it; a file that is there already stays, unless `-y` says otherwise.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let loader = vm::loader(app)?;
    let shipped = loader.find(&format!("bundled.{}", args.module))?;
    let text = shipped.and_then(|s| s.text).ok_or_else(|| {
        Error::usage(format!("no `{}` is shipped", args.module))
            .hint("`mroom stage --list` and `mroom run --list` show what there is")
    })?;
    let place = match args.here {
        true => Place::in_project(app, project()?)?,
        false => Place::own(app),
    };
    let path = place
        .root()
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
    place.end(app)?;
    Ok(0)
}

fn project() -> Result<std::path::PathBuf> {
    Project::find(&vm::here()?).ok_or_else(|| {
        Error::usage("there is no project around the current folder")
            .hint("`mroom init` makes one; without `--here` the file is your own")
    })
}
