//! `mroom init`: a project folder to begin with.

use std::fs;
use std::path::{Path, PathBuf};

use super::new::{Kind, Place, say, shown};
use super::{App, vm};
use crate::config::expand_tilde;
use crate::error::{Error, Result};
use crate::events::Level;
use crate::lua::{self, FOLDER, STUBS};

/// Make a project: a list of servers, a playbook, a stage with its spec, types for your editor.
///
/// What is there already is left as it is; only the types for editors are brought up to date. The
/// project is trusted as it was made; when its files change, `mroom trust` trusts them again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom init
  mroom init ~/src/edge")]
pub struct Args {
    /// The folder, made when it is not there; without it, the current one.
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Makes the files, and says what to type next.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let here = vm::here()?;
    let folder = match &args.folder {
        Some(folder) => here.join(expand_tilde(&folder.display().to_string())),
        None => here.clone(),
    };
    let failed = |e: std::io::Error| {
        Error::local(format!("cannot make `{}`: {e}", folder.display())).source(e)
    };
    fs::create_dir_all(&folder).map_err(failed)?;
    let folder = fs::canonicalize(&folder).map_err(failed)?;
    if fs::canonicalize(expand_tilde("~")).is_ok_and(|home| home == folder) {
        return Err(Error::usage(
            "a project in the home folder would be around every folder in it",
        )
        .hint("`mroom init FOLDER` makes one in a folder of its own"));
    }
    let root = folder.join(FOLDER);
    let mut place = match root.is_dir() {
        true => Place::in_project(app, root.clone())?,
        false => Place::new_project(root.clone()),
    };
    for (name, template) in [
        ("servers.txt", "servers.txt"),
        ("site.lua", "site.lua"),
        (".luarc.json", "luarc.json"),
        (".gitignore", "gitignore"),
    ] {
        place.make(app, &folder.join(name), &lua::template(template))?;
    }
    for (path, text) in &place.files(Kind::Stage, "hello") {
        place.make(app, path, text)?;
    }
    stubs(app, &root.join(STUBS))?;
    place.end(app)?;
    next(
        app,
        &folder,
        folder == fs::canonicalize(&here).unwrap_or(here),
    );
    Ok(0)
}

/// The types for editors are ours: they are those of this program.
fn stubs(app: &App, folder: &Path) -> Result<()> {
    let failed = |e: std::io::Error| {
        Error::local(format!("cannot write `{}`: {e}", folder.display())).source(e)
    };
    let mut done = "kept";
    fs::create_dir_all(folder).map_err(failed)?;
    for (name, text) in lua::stubs() {
        let path = folder.join(name);
        let old = fs::read(&path).ok();
        if old.as_deref() != Some(&*text) {
            fs::write(&path, &text).map_err(failed)?;
            done = if old.is_some() { "renewed" } else { "made" };
        }
    }
    say(app, folder, done)
}

/// What to type next, in the order in which it makes sense.
fn next(app: &App, folder: &Path, is_here: bool) {
    let mut lines = vec!["next:".to_owned()];
    if !is_here {
        let folder = shown(folder).display().to_string();
        let word = crate::quote::word(&folder).unwrap_or(folder);
        lines.push(format!("  cd {word}"));
    }
    for (command, about) in [
        (
            "mroom sandbox up 2",
            "two servers to try things on; your own go into servers.txt",
        ),
        ("mroom check", "looks at what is here, after each change"),
        (
            "mroom run --check site.lua @sandbox",
            "tells what it would do",
        ),
        ("mroom run site.lua @sandbox", "does it"),
        ("mroom test", "runs the specs, without any server"),
        ("mroom new stage NAME", "makes another stage"),
    ] {
        lines.push(format!("  {command:<36} {about}"));
    }
    app.screen.note(Level::Notice, None, &lines.join("\n"));
}
