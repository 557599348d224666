//! The command `scan_docker`: what Docker runs where.

use serde_json::{Value, json};

use super::exec::end;
use super::outcomes::asked;
use super::{App, vm};
use crate::error::{Error, Kind, Result};
use crate::fleet::{Outcome, Status};
use crate::output::Stream;
use crate::ui::engine;

/// What an object tells of a server, in this order.
const FIELDS: &[&str] = &[
    "state",
    "access",
    "version",
    "api",
    "min_api",
    "os",
    "arch",
    "is_rootless",
    "compose",
    "counts",
    "restarts",
    "unwell",
    "containers",
    "images",
    "disk",
];

/// Show what Docker runs where: versions, containers, health, images.
///
/// One round trip a server. Marks servers that have Docker and Compose; no mark is taken away. An
/// engine that cannot be asked (stopped, no permission) is a failure, not "0 containers".
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom scan_docker all
  mroom scan_docker @web --containers
  mroom scan_docker all --strict --json | jq -r 'select(.unwell[0]).server'")]
pub struct Args {
    /// Which servers; all but the retired ones when left out.
    #[arg(value_name = "PATTERN")]
    pattern: Vec<String>,
    /// A line for each container.
    #[arg(long)]
    containers: bool,
    /// How much disk Docker uses, too; that may take it a while.
    #[arg(long)]
    disk: bool,
    /// Fail where a container is not well, and where there is no Docker.
    #[arg(long)]
    strict: bool,
}

/// Asks and shows; the exit code is that of the run.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let servers = match args.pattern.is_empty() {
        true => app.room.select("all")?,
        false => app.room.select(&args.pattern.join(" "))?,
    };
    let vm = vm::open(app)?;
    let options = json!({ "disk": args.disk });
    let found = app.block_on(vm.ask("scan_docker", &options, servers, |_| {}))?;
    let outcomes: Vec<_> = found.into_iter().map(|o| judged(o, args.strict)).collect();
    let (style, width) = (app.screen.style(Stream::Stdout), app.screen.width());
    asked(app, &outcomes, FIELDS, || match args.containers {
        true => engine::containers(&outcomes, width, style),
        false => engine::table(&outcomes, width, style),
    })?;
    Ok(end(app, &outcomes))
}

/// A scan that found no engine to ask is none; a strict one minds what is not well, too.
fn judged(mut outcome: Outcome<Value>, is_strict: bool) -> Outcome<Value> {
    let Some(found) = &outcome.value else {
        return outcome;
    };
    let text = |key: &str| found[key].as_str().unwrap_or_default();
    let why = match text("state") {
        "up" if is_strict => unwell(found),
        "up" => None,
        "absent" => is_strict.then(|| "there is no Docker".to_owned()),
        "denied" => Some("this login may not ask Docker".to_owned()),
        _ => Some(format!("Docker does not answer: {}", text("reason"))),
    };
    if let Some(why) = why {
        let mut error = Error::new(Kind::Docker, why).server(&outcome.server);
        if let Some(hint) = found["hint"].as_str() {
            error = error.hint(hint);
        }
        outcome.status = Status::of(&error);
        outcome.error = Some(error);
    }
    outcome
}

/// The containers that need somebody, in a sentence.
fn unwell(found: &Value) -> Option<String> {
    let list = found["unwell"].as_array()?;
    let word = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let each = list
        .iter()
        .map(|one| format!("`{}` {}", word(one, "name"), word(one, "why")));
    let each: Vec<String> = each.collect();
    (!each.is_empty()).then(|| format!("not well: {}", each.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_engine_that_answers_is_well() {
        let judge = |value: Value, is_strict| {
            let outcome = Outcome {
                server: "web".into(),
                status: Status::Ok,
                value: Some(value),
                error: None,
                duration: std::time::Duration::ZERO,
            };
            let outcome = judged(outcome, is_strict);
            let message = outcome.error.map(|e| e.message().to_owned());
            (outcome.status, message.unwrap_or_default())
        };
        let failed = |message: &str| (Status::Failed, message.to_owned());
        let well = || (Status::Ok, String::new());
        let sick = json!({"state": "up", "unwell": [{"name": "db", "why": "unhealthy"}]});
        assert_eq!(judge(sick.clone(), false), well());
        assert_eq!(judge(sick, true), failed("not well: `db` unhealthy"));
        assert_eq!(judge(json!({"state": "up", "unwell": []}), true), well());
        assert_eq!(judge(json!({"state": "absent"}), false), well());
        let absent = judge(json!({"state": "absent"}), true);
        assert_eq!(absent, failed("there is no Docker"));
        let denied = judge(json!({"state": "denied", "reason": "x"}), false);
        assert_eq!(denied, failed("this login may not ask Docker"));
        let down = judge(json!({"state": "down", "reason": "no socket"}), false);
        assert_eq!(down, failed("Docker does not answer: no socket"));
    }
}
