//! `mroom stage`: servers brought through stages.

use serde_json::{Map, Value, json};

use super::exec::end;
use super::outcomes::error_json;
use super::{App, vm};
use crate::error::{Error, Result};
use crate::fleet::Outcome;
use crate::inventory::Server;
use crate::lua::{StageInfo, StageResult, Vm};
use crate::ui::{self, json};

/// Bring servers through stages, and through what these need.
///
/// Everything is loaded and checked before a server is touched. With `--check`, nothing is
/// changed and what would be done is said.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom stage cert,env 'web-*' --check
  mroom stage env all --set strict=true --set cert.key=~/.ssh/id.pub
  mroom help stage env")]
pub struct Args {
    /// The stages, joined by commas: `cert,env`.
    #[arg(value_name = "NAMES", required_unless_present = "list")]
    names: Option<String>,
    /// Which servers, as with `exec`.
    #[arg(value_name = "PATTERN", required_unless_present = "list")]
    pattern: Vec<String>,
    /// An option of a stage; `mroom help stage NAME` shows them.
    ///
    /// Without `STAGE.` it is for all that have it.
    #[arg(
        short,
        long = "set",
        alias = "option",
        value_name = "[STAGE.]KEY=VALUE"
    )]
    options: Vec<String>,
    /// Too little RAM or disk is a failure: the option `strict`.
    #[arg(long)]
    strict: bool,
    /// List the stages and their options.
    #[arg(long)]
    list: bool,
}

/// Runs them.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let vm = vm::open(app)?;
    if args.list {
        return list(app, &vm);
    }
    let names = args.names.iter().flat_map(|n| n.split(',')).map(str::trim);
    let names: Vec<_> = names.filter(|n| !n.is_empty()).map(str::to_owned).collect();
    let mut pairs = args.options.clone();
    if args.strict {
        pairs.push("strict=true".to_owned());
    }
    let options = options(&vm, &names, &pairs)?;
    bring(app, &vm, &names, &options, &args.pattern.join(" "))
}

/// Brings servers through one stage that has a command of its own.
pub(super) fn one(app: &App, name: &str, options: Map<String, Value>, pattern: &str) -> Result<u8> {
    let vm = vm::open(app)?;
    let options = Map::from_iter([(name.to_owned(), Value::Object(options))]);
    bring(app, &vm, &[name.to_owned()], &options, pattern)
}

fn bring(
    app: &App,
    vm: &Vm,
    names: &[String],
    options: &Map<String, Value>,
    pattern: &str,
) -> Result<u8> {
    let servers = app.room.select(pattern)?;
    app.block_on(through(app, vm, names, options, servers))
}

/// Brings these servers through stages and tells of it; gives the exit code.
pub(super) async fn through(
    app: &App,
    vm: &Vm,
    names: &[String],
    options: &Map<String, Value>,
    servers: Vec<Server>,
) -> Result<u8> {
    let done = |outcome: &Outcome<StageResult>| {
        if app.json {
            let _ = app
                .screen
                .result(json::line(&object(app, outcome)).as_bytes());
        }
        ui::outcome(&app.screen, outcome, true);
    };
    let outcomes = vm.stage(names, options, servers, done).await?;
    if !app.json {
        let text = app.screen.redactor().clean(&table(&outcomes)).into_owned();
        app.screen.result(text.as_bytes())?;
    }
    Ok(end(app, &outcomes))
}

/// `[STAGE.]KEY=VALUE` as `{STAGE: {KEY: VALUE}}`.
fn options(vm: &Vm, names: &[String], pairs: &[String]) -> Result<Map<String, Value>> {
    let mut options = Map::new();
    if pairs.is_empty() {
        return Ok(options);
    }
    let plan = vm.planned(names)?;
    for pair in pairs {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| Error::usage(format!("`{pair}` is not an option: write `KEY=VALUE`")))?;
        let (stage, key) = match key.split_once('.') {
            Some((stage, key)) => (Some(stage), key),
            None => (None, key),
        };
        let takes = |info: &&StageInfo| match stage {
            Some(stage) => info.name == stage,
            None => info.options.contains_key(key),
        };
        let takers: Vec<_> = plan.iter().filter(takes).collect();
        if takers.is_empty() {
            let known = plan
                .iter()
                .map(|s| s.name.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            return Err(
                Error::usage(format!("no stage of this run takes `{pair}`")).hint(format!(
                    "stages of this run: {known}; `mroom help stage NAME` shows options"
                )),
            );
        }
        for info in takers {
            let inner = options.entry(&info.name).or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                inner.insert(key.to_owned(), value.into());
            }
        }
    }
    Ok(options)
}

/// What the stages did on a server, and why not.
fn summary(outcome: &Outcome<StageResult>) -> String {
    if let Some(error) = &outcome.error {
        return error.message().to_owned();
    }
    let steps = outcome.value.iter().flat_map(|v| &v.steps);
    let steps: Vec<_> = steps.map(|s| format!("{} {}", s.stage, s.status)).collect();
    steps.join(", ")
}

/// A line for each server, the same columns throughout.
fn table(outcomes: &[Outcome<StageResult>]) -> String {
    let width = outcomes
        .iter()
        .map(|o| o.server.chars().count())
        .max()
        .unwrap_or(0);
    let line = |o: &Outcome<StageResult>| {
        let why = ui::sanitize::one_line(&summary(o));
        format!("{:<width$}  {:<11}  {why}", o.server, o.status.as_str())
            .trim_end()
            .to_owned()
            + "\n"
    };
    outcomes.iter().map(line).collect()
}

fn object(app: &App, outcome: &Outcome<StageResult>) -> Value {
    let steps = outcome.value.iter().flat_map(|v| &v.steps);
    let steps: Vec<_> = steps
        .map(|s| json!({ "stage": s.stage, "status": s.status, "duration": s.duration }))
        .collect();
    json!({
        "server": outcome.server,
        "status": outcome.status.as_str(),
        "stages": steps,
        "duration": outcome.duration.as_secs_f64(),
        "error": error_json(app, outcome),
    })
}

/// The stages with their options; one that is broken is told beside the others.
fn list(app: &App, vm: &Vm) -> Result<u8> {
    let mut code = 0;
    for name in vm.stage_names() {
        match vm.stage_info(&name) {
            Ok(stage) => {
                let text = match app.json {
                    true => json::line(&described(&stage)),
                    false => brief(&stage),
                };
                app.screen.result(text.as_bytes())?;
            }
            Err(error) => {
                app.screen.problem(&error);
                code = 2;
            }
        }
    }
    Ok(code)
}

fn described(stage: &StageInfo) -> Value {
    json!({
        "name": stage.name, "summary": stage.summary, "needs": stage.needs, "marks": stage.marks,
        "options": stage.options, "file": stage.file,
    })
}

fn brief(stage: &StageInfo) -> String {
    let mut text = format!("{:<10} {}\n", stage.name, stage.summary);
    if !stage.needs.is_empty() {
        text += &format!("{:<10}   needs {}\n", "", stage.needs.join(", "));
    }
    for (key, option) in &stage.options {
        let default = option.usual().map(|d| format!(" [{d}]"));
        let help = option.help.as_deref().unwrap_or_default();
        text += &format!(
            "{:<10}   --set {key}={}  {help}{}\n",
            "",
            option.kind.to_uppercase(),
            default.unwrap_or_default()
        );
    }
    text
}

/// `mroom help stage NAME`: one stage in full.
pub(super) fn explain(app: &App, name: &str) -> Result<u8> {
    let vm = vm::open(app)?;
    let stage = vm.stage_info(name)?;
    if app.json {
        app.screen
            .result(json::line(&described(&stage)).as_bytes())?;
        return Ok(0);
    }
    let order = vm.planned(&[name.to_owned()])?;
    let order: Vec<&str> = order.iter().map(|s| s.name.as_str()).collect();
    let mut text = format!("{}\n\nUsage: mroom stage {name} PATTERN\n\n", stage.summary);
    let mut fact = |what: &str, is: &str| {
        if !is.is_empty() {
            text += &format!("{what:<8} {is}\n");
        }
    };
    fact("needs", &stage.needs.join(", "));
    if order.len() > 1 {
        fact("runs", &order.join(", "));
    }
    fact("marks", &stage.marks.join(", "));
    fact("file", &stage.file);
    if !stage.options.is_empty() {
        text += "\nOptions:\n";
    }
    for (key, option) in &stage.options {
        let values = option.values();
        let kind = match values.is_empty() {
            true => option.kind.to_uppercase(),
            false => values.join("|"),
        };
        text += &format!("  --set {key}={kind}\n");
        let default = option.usual().map(|d| format!("[{d}]"));
        let words: Vec<String> = option.help.clone().into_iter().chain(default).collect();
        if !words.is_empty() {
            text += &format!("          {}\n", words.join(" "));
        }
    }
    app.screen
        .result(ui::sanitize::visible(text.as_bytes()).as_bytes())?;
    Ok(0)
}
