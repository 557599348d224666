//! `mroom test`: the specs of a person's own stages, workflows and modules.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;

use super::{App, lua_files, vm};
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::lua::{FOLDER, Project, SpecOptions, SpecResult, run_specs};
use crate::output::Stream;
use crate::ui::sanitize::{one_line, visible};
use crate::ui::{Paint, json};

/// Run specs: tests of stages, workflows and modules, in Lua, on pretended servers.
///
/// Each case begins with an empty inventory; nothing of yours is seen but the project that the
/// file belongs to. With `--sandbox` the servers are real sshd servers on this machine, and
/// commands really run, as you; cases that script answers are skipped then. Without arguments: the
/// specs of the trusted project around the current folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom test
  mroom test .machineroom/tests/hello_spec.lua
  mroom test --filter greeting --sandbox .machineroom")]
pub struct Args {
    /// Specs, or folders that hold some.
    #[arg(value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// Only cases whose names have this in them.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Real servers of a sandbox instead of pretended ones.
    #[arg(long)]
    sandbox: bool,
}

/// How many cases ended in which way.
#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// Runs them; 1 when one fails.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let files = files(app, &args.paths)?;
    if args.sandbox {
        warn(app)?;
    }
    let (mut counts, begun) = (Counts::default(), Instant::now());
    for file in &files {
        let project = lua_files::project_of(file)?;
        let options = SpecOptions {
            project: match own(app, file) {
                Some(root) => Some(Project::read(&root)?),
                None => project.map(|root| Project::read(&root)).transpose()?,
            },
            filter: args.filter.clone(),
            is_real: args.sandbox,
            cancel: app.room.cancel.clone(),
        };
        let folder = tempfile::tempdir()
            .map_err(|e| Error::local(format!("cannot make a folder: {e}")).source(e))?;
        match app.block_on(run_specs(file, folder.path(), &options)) {
            Ok(results) => told(app, file, &results, &mut counts)?,
            Err(error) if error.kind() == Kind::Cancelled => return Err(error),
            Err(error) => {
                counts.failed += 1;
                app.screen.problem(&error);
            }
        }
    }
    if counts.passed + counts.failed + counts.skipped == 0 {
        let filter = args.filter.as_deref().unwrap_or_default();
        return Err(Error::usage(format!("no case has `{filter}` in its name")));
    }
    let text = format!(
        "passed {}  failed {}  skipped {}  in {:.2} s",
        counts.passed,
        counts.failed,
        counts.skipped,
        begun.elapsed().as_secs_f64()
    );
    app.screen.note(Level::Notice, None, &text);
    Ok(if counts.failed == 0 { 0 } else { 1 })
}

/// The specs that are meant. What is named is trusted so; what is only around is not.
fn files(app: &App, paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    if !paths.is_empty() {
        let mut all = Vec::new();
        for path in paths {
            all.extend(lua_files::specs(path)?);
        }
        return Ok(all);
    }
    let name_it = "name what to run: `mroom test FILE`";
    let root = Project::find(&vm::here()?).ok_or_else(|| {
        Error::usage(format!("no `{FOLDER}` folder in or above the current one")).hint(name_it)
    })?;
    match vm::project(app)? {
        Some(_) => lua_files::specs(&shown(&root)),
        None => Err(
            Error::new(Kind::Locked, format!("`{}` is not trusted", root.display())).hint(format!(
                "`mroom trust` trusts it as it is now; or {name_it}"
            )),
        ),
    }
}

/// The path from here, when it lies below.
fn shown(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).to_owned()
}

/// The person's own folder, for a spec that lies in it.
fn own(app: &App, file: &Path) -> Option<PathBuf> {
    let own = std::fs::canonicalize(app.room.config.config_dir()).ok()?;
    let file = std::fs::canonicalize(file).ok()?;
    file.starts_with(&own).then_some(own)
}

/// Commands that really run should be no surprise to root.
fn warn(app: &App) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let message = "the commands of these specs will run on this machine as root";
    match app.room.interact.confirm(&format!("{message}; go on?")) {
        true => Ok(()),
        false => Err(Error::new(Kind::Locked, message).hint("`-y` says that this is meant")),
    }
}

fn told(app: &App, file: &Path, results: &[SpecResult], counts: &mut Counts) -> Result<()> {
    let file = file.display().to_string();
    let style = app.screen.style(Stream::Stdout);
    if !app.json && !results.is_empty() && !app.screen.is_quiet() {
        let line = format!("{}\n", style.paint(Paint::Strong, &one_line(&file)));
        app.screen.result(line.as_bytes())?;
    }
    for result in results {
        let (word, paint, why) = match (&result.failure, &result.skipped) {
            (Some(failure), _) => ("failed", Paint::Bad, Some(failure)),
            (None, Some(reason)) => ("skipped", Paint::Notable, Some(reason)),
            (None, None) => ("passed", Paint::Good, None),
        };
        match word {
            "failed" => counts.failed += 1,
            "skipped" => counts.skipped += 1,
            _ => counts.passed += 1,
        }
        let text = match app.json {
            true => json::line(&json!({
                "file": file, "name": result.name, "place": result.place, "status": word,
                "message": why, "duration": result.duration,
            })),
            false if app.screen.is_quiet() && word != "failed" => continue,
            false => {
                let mut text = format!(
                    "  {} {}  {}\n",
                    style.paint(paint, &format!("{word:<7}")),
                    one_line(&result.name),
                    style.paint(Paint::Faint, &format!("{:.2}s", result.duration)),
                );
                for line in why.iter().flat_map(|why| why.lines()) {
                    text.push_str(&format!("            {}\n", visible(line.as_bytes())));
                }
                text
            }
        };
        app.screen.result(text.as_bytes())?;
    }
    Ok(())
}
