//! `mroom run`: a Lua script, or a workflow by its name.

use std::path::Path;

use super::{App, outcomes, vm};
use crate::error::{Error, Result};

/// Run a Lua script or a workflow.
///
/// A name with a `/` or ending in `.lua` is a file; any other is a workflow: the project's (when
/// trusted), yours, or a shipped one. A script that gives back the outcomes of a fleet call ends
/// with their exit code; of others, what went wrong on servers is told, and counts.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom run -e limit=80 disk 'web-*'
  mroom run --check reboot_rolling @web
  mroom run bringup all")]
pub struct Args {
    /// The file or the workflow.
    #[arg(value_name = "FILE|NAME", required_unless_present = "list")]
    name: Option<String>,
    /// Handed to it, as `...` and in `arg`; what looks like a flag goes behind `--`.
    // `mroom run play.lua web --check` must not run for real because the flag came last.
    #[arg(value_name = "ARGS")]
    args: Vec<String>,
    /// List the workflows.
    #[arg(long)]
    list: bool,
}

/// Runs it.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let vm = vm::open(app)?;
    let Some(name) = args.name.as_ref().filter(|_| !args.list) else {
        return list(app, &vm);
    };
    let result = app.block_on(async {
        match is_file(name) {
            true => vm.exec_file(Path::new(name), &args.args).await,
            false => vm
                .exec_workflow(name, &args.args)
                .await
                .map_err(|e| here(name, e)),
        }
    });
    if let Some(code) = vm.exit_code() {
        return Ok(code);
    }
    let values = result?;
    if let [first, rest @ ..] = values.as_slice()
        && !is_file(name)
        && !vm.are_outcomes(first)
        && let Some(text) = vm.told(name, first)?
    {
        let code = rest.first().and_then(|code| code.as_integer());
        return outcomes::listed(app, &vm, first, text, code);
    }
    // A script's other values are its own business; outcomes are what it did.
    let values: Vec<_> = values.into_iter().filter(|v| vm.are_outcomes(v)).collect();
    if let [only] = values.as_slice()
        && !app.json
        && !is_file(name)
        && let Some(text) = vm.told(name, only)?
    {
        return outcomes::told(app, &vm, only, text);
    }
    match values.is_empty() {
        true => outcomes::unreturned(app, &vm.ended()),
        false => outcomes::returned(app, &vm, &values),
    }
}

fn is_file(name: &str) -> bool {
    name.contains('/') || name.ends_with(".lua")
}

/// A file of that name lies here, but only its path would run it.
fn here(name: &str, error: Error) -> Error {
    match Path::new(name).is_file() && error.message().starts_with("no script and no workflow") {
        true => error.hint(format!("to run the file here: `mroom run ./{name}`")),
        false => error,
    }
}

fn list(app: &App, vm: &crate::lua::Vm) -> Result<u8> {
    for workflow in vm.workflows()? {
        let line = match app.json {
            true => crate::ui::json::line(&serde_json::json!({
                "name": workflow.name, "args": workflow.args, "summary": workflow.summary,
            })),
            false => {
                let call = format!("{} {}", workflow.name, workflow.args);
                format!("{:<24} {}\n", call.trim_end(), workflow.summary)
            }
        };
        app.screen.result(line.as_bytes())?;
    }
    Ok(0)
}
