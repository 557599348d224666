//! `mroom trust`: a project's own Lua, allowed to run.

use std::path::PathBuf;

use super::App;
use crate::error::{Error, Result};
use crate::events::Level;
use crate::lua::Project;

/// Trust the Lua of the project around the current folder, as it is now.
///
/// Until then its `.machineroom` folder is left out. Trust is for these very files, templates and
/// the like among them: when one changes, it asks again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom trust
  mroom trust --forget ~/src/edge")]
pub struct Args {
    /// A folder in the project, instead of the current one.
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Take the trust back.
    #[arg(long)]
    forget: bool,
}

/// Records it, and prints what is trusted.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let from = args.folder.clone().unwrap_or_else(|| PathBuf::from("."));
    let from = std::path::absolute(&from)
        .map_err(|e| Error::usage(format!("`{}`: {e}", from.display())).source(e))?;
    let root = Project::find(&from).ok_or_else(|| {
        Error::usage(format!(
            "no `{}` folder in or above `{}`",
            crate::lua::FOLDER,
            from.display()
        ))
        .hint("`mroom init` makes a project")
    })?;
    let project = Project::read(&root)?;
    let data = app.room.config.data_dir();
    if args.forget {
        let message = match project.forget(data)? {
            true => format!("`{}` is not trusted any more", root.display()),
            false => format!("`{}` was not trusted", root.display()),
        };
        app.screen.note(Level::Notice, None, &message);
        return Ok(0);
    }
    project.record(data)?;
    for path in project.paths() {
        app.screen
            .result(format!("{}\n", project.root.join(path).display()).as_bytes())?;
    }
    let message = format!(
        "`{}` is trusted until one of its files changes",
        root.display()
    );
    app.screen.note(Level::Notice, None, &message);
    Ok(0)
}
