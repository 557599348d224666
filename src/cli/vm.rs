//! The Lua VM of a command: where `print` writes, and where Lua files come from.

use std::io;
use std::rc::Rc;

use super::App;
use crate::error::{Error, Result};
use crate::events::Level;
use crate::lua::{Loader, Out, Project, Trust, Vm};
use crate::output::Stream;
use crate::ui::sanitize::visible;

/// A VM over the command's room.
///
/// # Errors
/// A project folder or the record of trusted ones cannot be read.
pub fn open(app: &App) -> Result<Vm> {
    let loader = Loader::new(app.room.config.config_dir(), project(app)?);
    Vm::new(app.room.clone(), out(app), loader)
}

/// Results go out byte by byte as they are, unless a terminal would obey them.
fn out(app: &App) -> Out {
    let screen = app.screen.clone();
    let watched = screen.is_terminal(Stream::Stdout);
    Rc::new(move |text| {
        let done = match watched {
            true => screen.result(visible(text.as_bytes()).as_bytes()),
            false => screen.result(text.as_bytes()),
        };
        done.map_err(io::Error::other)
    })
}

/// The project around the current folder, when somebody has trusted it as it is now.
fn project(app: &App) -> Result<Option<Project>> {
    let here = std::env::current_dir()
        .map_err(|e| Error::local(format!("the current folder is gone: {e}")).source(e))?;
    let Some(root) = Project::find(&here) else {
        return Ok(None);
    };
    let project = Project::read(&root)?;
    let (level, state) = match project.trust(app.room.config.data_dir())? {
        Trust::Trusted => return Ok(Some(project)),
        Trust::Changed => (Level::Warning, "has changed since it was trusted"),
        Trust::Unknown => (Level::Notice, "is not trusted"),
    };
    let message = format!("`{}` {state}: its Lua is left out", root.display());
    app.screen.note(level, None, &message);
    Ok(None)
}
