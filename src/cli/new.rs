//! `mroom new`: a stage, a workflow or an operation with its spec, to begin with.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::json;

use super::{App, vm};
use crate::error::{Error, Result};
use crate::events::Level;
use crate::lua::{self, Project, Trust};
use crate::ui::json;

/// Make a stage, a workflow or an operation with its spec, ready to run and to be changed.
///
/// In the project around the current folder, or with `--own`, and where there is no project, in
/// your configuration folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom new stage motd
  mroom new workflow kernels --own")]
pub struct Args {
    /// What to make.
    #[arg(value_name = "KIND")]
    kind: Kind,
    /// Its name: small letters, digits and `_`.
    #[arg(value_name = "NEW-NAME")]
    name: String,
    /// In your configuration folder, for all your projects.
    #[arg(long)]
    own: bool,
}

/// What can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    // No doc comments: they would spread out the help.
    Stage,
    Workflow,
    Op,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Stage => "stage",
            Kind::Workflow => "workflow",
            Kind::Op => "op",
        }
    }
}

/// Longest name, characters.
const LONGEST: usize = 40;

/// Makes them.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let (kind, name) = (args.kind, args.name.as_str());
    valid(name)?;
    let root = match args.own {
        true => None,
        false => Project::find(&vm::here()?),
    };
    let mut place = match root {
        Some(root) => Place::in_project(app, root)?,
        None => Place::own(app),
    };
    let module = format!("{}s.{name}", kind.word());
    let shipped = vm::quiet_loader(&app.room.config)?.0;
    let shipped = match kind {
        Kind::Op => shipped.find(&format!("mr.ops.{name}"))?,
        Kind::Stage | Kind::Workflow => shipped.find(&format!("bundled.{module}"))?,
    };
    if shipped.is_some_and(|found| found.text.is_some()) {
        let error = Error::usage(format!("`{module}` comes along with mroom"));
        return Err(match kind {
            Kind::Op => error.hint("take another name"),
            _ => error.hint(format!(
                "`mroom eject {module}` copies it to where you may change it"
            )),
        });
    }
    let files = place.files(kind, name);
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(
            Error::usage(format!("`{}` is there already", path.display()))
                .hint("remove it first, or take another name"),
        );
    }
    for (path, text) in &files {
        place.make(app, path, text)?;
    }
    place.end(app)?;
    let spec = shown(&files[1].0);
    let act = match kind {
        Kind::Stage => format!("mroom stage {name} PATTERN --check"),
        Kind::Workflow => format!("mroom run {name} PATTERN"),
        Kind::Op => format!("s:ops():{name}(…) in a playbook"),
    };
    let next = format!(
        "next: mroom check {module}; mroom test {}; {act}",
        spec.display()
    );
    app.screen.note(Level::Notice, None, &next);
    Ok(0)
}

/// Refuses what cannot be a module's name, or reads badly as one.
fn valid(name: &str) -> Result<()> {
    let is_valid = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= LONGEST
        && !name.ends_with("_spec")
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    match is_valid {
        true => Ok(()),
        false => Err(Error::usage(format!("`{name}` cannot be its name")).hint(format!(
            "small letters, digits and `_`, a letter first, at most {LONGEST}, without `_spec` at the end"
        ))),
    }
}

/// The folder in which files are made, and what is to be said of it.
pub(super) struct Place {
    /// With `stages/`, `workflows/` and `tests/` in it.
    root: PathBuf,
    /// Whether it was trusted before: what we make ourselves changes nothing about that.
    trust: Option<Trust>,
}

impl Place {
    /// A project that is there.
    pub fn in_project(app: &App, root: PathBuf) -> Result<Self> {
        let trust = Project::read(&root)?.trust(app.room.config.data_dir())?;
        Ok(Place {
            root,
            trust: Some(trust),
        })
    }

    /// A project that is made now, by nobody else.
    pub fn new_project(root: PathBuf) -> Self {
        Place {
            root,
            trust: Some(Trust::Trusted),
        }
    }

    /// The person's own folder, which needs no trust.
    pub fn own(app: &App) -> Self {
        Place {
            root: app.room.config.config_dir().to_owned(),
            trust: None,
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The files of a new stage or workflow: itself, then its spec.
    pub fn files(&self, kind: Kind, name: &str) -> [(PathBuf, String); 2] {
        let word = kind.word();
        let text = |template: &str| lua::template(template).replace("NAME", name);
        [
            (
                self.root.join(format!("{word}s/{name}.lua")),
                text(&format!("{word}.lua")),
            ),
            (
                self.root.join(format!("tests/{name}_spec.lua")),
                text(&format!("{word}_spec.lua")),
            ),
        ]
    }

    /// Makes a file unless there is one, and says so.
    pub fn make(&mut self, app: &App, path: &Path, text: &str) -> Result<()> {
        let made = write_new(path, text)?;
        say(app, path, if made { "made" } else { "kept" })
    }

    /// Trusts what was made, when what was there before is trusted.
    pub fn end(&self, app: &App) -> Result<()> {
        match self.trust {
            None => Ok(()),
            Some(Trust::Trusted) => Project::read(&self.root)?.record(app.room.config.data_dir()),
            Some(Trust::Changed | Trust::Unknown) => {
                let message = format!(
                    "`{}` is not trusted as it is: `mroom trust` trusts it",
                    shown(&self.root).display()
                );
                app.screen.note(Level::Notice, None, &message);
                Ok(())
            }
        }
    }
}

/// Writes a file that is not there yet; false when it is.
fn write_new(path: &Path, text: &str) -> Result<bool> {
    let failed = |e: std::io::Error| {
        Error::local(format!("cannot write `{}`: {e}", path.display())).source(e)
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    match fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
    {
        Ok(mut file) => file
            .write_all(text.as_bytes())
            .map_err(failed)
            .map(|()| true),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(failed(e)),
    }
}

/// A line about a file.
pub(super) fn say(app: &App, path: &Path, what: &str) -> Result<()> {
    let path = shown(path);
    let text = match app.json {
        true => json::line(&json!({ "path": path, "done": what })),
        false => format!("{what:<8} {}\n", path.display()),
    };
    app.screen.result(text.as_bytes())
}

/// The path from here, when it lies below.
pub(super) fn shown(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names() {
        for name in ["motd", "a", "web_2"] {
            assert!(valid(name).is_ok(), "{name}");
        }
        for name in [
            "", "_", "2a", "Motd", "a-b", "a.b", "../x", "a/b", "a b", "é", "x_spec", "a\n", "-a",
        ] {
            assert!(valid(name).is_err(), "{name:?}");
        }
        assert!(valid(&"a".repeat(LONGEST + 1)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_valid_leads_nowhere_else(name in ".{0,20}") {
            if valid(&name).is_ok() {
                prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
            }
        }
    }
}
