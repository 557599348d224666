//! The Lua VM of a command: where `print` writes, and where Lua files come from.

use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use super::App;
use crate::cancel::Cancel;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::events::{Level, Nobody, Silent};
use crate::fleet::{Room, RunOptions};
use crate::lua::{Loader, Out, Project, Trust, Vm};
use crate::output::Stream;
use crate::secret::Redactor;
use crate::ssh::fake::FakeConnector;
use crate::ui::sanitize::visible;

/// A VM over the command's room.
///
/// # Errors
/// A project folder or the record of trusted ones cannot be read.
pub fn open(app: &App) -> Result<Vm> {
    Vm::new(app.room.clone(), out(app), loader(app)?)
}

/// Where this command finds Lua files.
///
/// # Errors
/// As [`open`], and a trusted project that has changed.
pub fn loader(app: &App) -> Result<Loader> {
    Ok(Loader::new(app.room.config.config_dir(), project(app)?))
}

/// The same without a word or a question: for looking. With it comes the project around the
/// current folder; its Lua is left out unless it is trusted as it is now.
///
/// # Errors
/// A project folder or the record of trusted ones cannot be read.
pub fn quiet_loader(config: &Config) -> Result<(Loader, Option<(PathBuf, Trust)>)> {
    let here = std::env::current_dir().ok();
    let Some(root) = here.and_then(|here| Project::find(&here)) else {
        return Ok((Loader::new(config.config_dir(), None), None));
    };
    let project = Project::read(&root)?;
    let trust = project.trust(config.data_dir())?;
    let trusted = (trust == Trust::Trusted).then_some(project);
    Ok((
        Loader::new(config.config_dir(), trusted),
        Some((root, trust)),
    ))
}

/// A VM that looks and never acts: it says nothing, asks nobody and reaches no server.
///
/// # Errors
/// As [`quiet_loader`].
pub fn quiet(config: Config) -> Result<Vm> {
    let loader = quiet_loader(&config)?.0;
    let room = Room::new(
        config,
        RunOptions::default(),
        (Arc::new(Silent), Arc::new(Nobody)),
        (Arc::new(Redactor::new()), Cancel::new()),
        Arc::new(FakeConnector::new()),
    );
    Vm::new(room, Rc::new(|_| Ok(())), loader)
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

/// The current folder.
///
/// # Errors
/// [`Kind::Local`] when it is gone.
pub fn here() -> Result<PathBuf> {
    std::env::current_dir()
        .map_err(|e| Error::local(format!("the current folder is gone: {e}")).source(e))
}

/// The project around the current folder, when somebody has trusted it as it is now; a change
/// asks again.
pub fn project(app: &App) -> Result<Option<Project>> {
    let Some(root) = Project::find(&here()?) else {
        return Ok(None);
    };
    let project = Project::read(&root)?;
    let data = app.room.config.data_dir();
    match project.trust(data)? {
        Trust::Trusted => Ok(Some(project)),
        Trust::Unknown => {
            let message = format!("`{}` is not trusted: its Lua is left out", root.display());
            app.screen.note(Level::Notice, None, &message);
            Ok(None)
        }
        // Going on with the shipped stages would run other code than the person expects.
        Trust::Changed => {
            let message = format!("`{}` has changed since it was trusted", root.display());
            if !app
                .room
                .interact
                .confirm(&format!("{message}; trust it as it is now?"))
            {
                return Err(Error::new(Kind::Locked, message)
                    .hint("look at what changed, then `mroom trust`"));
            }
            project.record(data)?;
            Ok(Some(project))
        }
    }
}
