//! `mroom check`: Lua files looked at without a server.

use std::path::Path;

use serde_json::json;

use super::{App, lua_files, vm};
use crate::error::{Error, Result};
use crate::events::Level;
use crate::lua::{Checker, FOLDER, Finding, Loader, Project, Trust};
use crate::output::Stream;
use crate::ui::sanitize::one_line;
use crate::ui::{Paint, json};

/// Look at playbooks, stages, workflows and specs without touching a server.
///
/// Finds what does not compile, globals, fields, methods, modules and option keys that are not
/// there, and stages that are none. Scripts are not run; stages are loaded where they can reach
/// neither files nor servers, so that code that you do not trust yet can be looked at. Without
/// arguments: the project around the current folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom check site.lua
  mroom check .machineroom
  mroom check stages.env workflows.bringup")]
pub struct Args {
    /// Files, folders, or modules by their names.
    #[arg(value_name = "FILE|MODULE")]
    what: Vec<String>,
}

/// Prints what was found; 2 when something is wrong.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let named = match args.what.as_slice() {
        [] => vec![around()?],
        what => what.to_vec(),
    };
    let paths = named.iter().map(Path::new).find(|p| p.exists());
    let project = project(paths)?;
    let trust = project
        .as_ref()
        .map(|p| p.trust(app.room.config.data_dir()))
        .transpose()?;
    let config = app.room.config.clone();
    let loader = Loader::new(config.config_dir(), project);
    let mut checker = Checker::new(config, loader, app.room.cancel.clone())?;
    for what in &named {
        let path = Path::new(what);
        match path.exists() || is_path(what) {
            false => checker.module(what)?,
            true => {
                for file in lua_files::lua_files(path)? {
                    checker.file(&file)?;
                }
            }
        }
    }
    let (files, findings) = checker.end();
    for finding in &findings {
        let text = match app.json {
            true => json::line(&object(finding)),
            false => line(app, finding),
        };
        app.screen.result(text.as_bytes())?;
    }
    let problems = findings.iter().filter(|f| !f.is_warning).count();
    app.screen.note(
        Level::Notice,
        None,
        &summary(files, problems, findings.len() - problems),
    );
    if trust == Some(Trust::Changed) && problems == 0 {
        let hint =
            "the project has changed since it was trusted: `mroom trust` trusts it as it is now";
        app.screen.note(Level::Notice, None, hint);
    }
    Ok(if problems == 0 { 0 } else { 2 })
}

fn is_path(what: &str) -> bool {
    what.contains('/') || what.ends_with(".lua")
}

/// The folder of the project around the current folder.
fn around() -> Result<String> {
    let here = vm::here()?;
    let root = Project::find(&here).ok_or_else(|| {
        Error::usage(format!("no `{FOLDER}` folder in or above the current one"))
            .hint("name what to look at: `mroom check FILE`; `mroom init` makes a project")
    })?;
    let folder = root.parent().unwrap_or(&root);
    Ok(match folder == here {
        true => ".".to_owned(),
        false => folder.display().to_string(),
    })
}

/// The project that a file belongs to, or the one around the current folder; trusted or not.
fn project(file: Option<&Path>) -> Result<Option<Project>> {
    let root = lua_files::project_of(file.unwrap_or(Path::new(".")))?;
    root.map(|root| Project::read(&root)).transpose()
}

fn line(app: &App, finding: &Finding) -> String {
    let style = app.screen.style(Stream::Stdout);
    let place = match finding.line {
        Some(line) => format!("{}:{line}", finding.file),
        None => finding.file.clone(),
    };
    let word = match finding.is_warning {
        true => format!("{} ", style.paint(Paint::Notable, "warning:")),
        false => String::new(),
    };
    let mut text = format!(
        "{}: {word}{}\n",
        style.paint(Paint::Strong, &one_line(&place)),
        one_line(&finding.message)
    );
    if let Some(hint) = &finding.hint {
        text.push_str(&format!(
            "  {} {}\n",
            style.paint(Paint::Faint, "hint:"),
            one_line(hint)
        ));
    }
    text
}

fn object(finding: &Finding) -> serde_json::Value {
    json!({
        "file": finding.file,
        "line": finding.line,
        "level": if finding.is_warning { "warning" } else { "error" },
        "message": finding.message,
        "hint": finding.hint,
    })
}

fn summary(files: usize, problems: usize, warnings: usize) -> String {
    let count = |n: usize, word: &str| match n {
        1 => format!("1 {word}"),
        n => format!("{n} {word}s"),
    };
    let words: Vec<String> = [(problems, "problem"), (warnings, "warning")]
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| count(*n, word))
        .collect();
    let files = count(files, "file");
    match words.is_empty() {
        true => format!("{files} in order"),
        false => format!("{files}: {}", words.join(", ")),
    }
}
