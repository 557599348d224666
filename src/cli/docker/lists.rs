//! Verbs whose answers are records: one table over all servers, or an object a line.

use serde_json::{Value, json};

use super::super::App;
use super::super::exec::end;
use super::super::outcomes::error_json;
use super::docker;
use super::words::{Flag, none, on, pairs, parse};
use crate::docker::engine::Docker;
use crate::docker::given::Given;
use crate::docker::{Call, container, image, parse as read, resource};
use crate::error::Result;
use crate::fleet::{Outcome, Status, map};
use crate::inventory::Server;
use crate::output::Stream;
use crate::ui::{docker as form, json, outcome};

/// The flags of each verb, as docker has them.
fn flags(verb: &str) -> &'static [Flag] {
    const LIST: &[Flag] = &[
        on(Some('a'), "all", "all"),
        pairs(Some('f'), "filter", "filter"),
        on(None, "no-trunc", ""),
    ];
    const STATS: &[Flag] = &[on(None, "no-stream", "")];
    match verb {
        "ps" | "images" => LIST,
        "stats" => STATS,
        _ => &[],
    }
}

/// Asks and shows; the exit code is that of the run.
pub(super) fn run(app: &App, pattern: &str, verb: &str, words: &[String]) -> Result<u8> {
    let (given, names) = parse(verb, words, flags(verb))?;
    if verb != "stats" {
        none(verb, &names)?;
    }
    let call = call(verb, &given, &names)?;
    let room = &app.room;
    let servers = room.select(pattern)?;
    let one = async |server: Server| {
        let docker = docker(app, &server).await?;
        Ok((Status::Ok, records(verb, &docker, &call).await?))
    };
    let outcomes = app.block_on(async {
        let policy = &room.options.policy;
        Ok(map(room, "docker", servers, policy, one, |_| {}).await)
    })?;
    show(app, verb, &outcomes)?;
    Ok(end(app, &outcomes))
}

fn call(verb: &str, given: &Given, names: &[String]) -> Result<Call> {
    match verb {
        "ps" => container::ps(given),
        "images" => image::list(given),
        "stats" => container::stats(names),
        "networks" => Ok(resource::list("network")),
        "volumes" => Ok(resource::list("volume")),
        "version" => Ok(resource::version()),
        _ => Ok(resource::info()),
    }
}

async fn records(verb: &str, docker: &Docker, call: &Call) -> Result<Vec<Value>> {
    if verb == "ps" {
        return docker.containers(call).await;
    }
    let stdout = docker.ask(call).await?.stdout;
    match verb {
        "images" => read::images(&stdout),
        "stats" => Ok(read::stats(&stdout)),
        "networks" => read::networks(&stdout),
        "volumes" => read::volumes(&stdout),
        "version" => Ok(vec![read::version(&stdout)?]),
        _ => Ok(vec![read::whole("itself", &stdout)?]),
    }
}

fn show(app: &App, verb: &str, outcomes: &[Outcome<Vec<Value>>]) -> Result<()> {
    if app.json {
        for outcome in outcomes {
            for record in outcome.value.iter().flatten() {
                let mut object = json!({ "server": outcome.server });
                if let (Some(object), Some(record)) = (object.as_object_mut(), record.as_object()) {
                    object.extend(record.iter().map(|(k, v)| (k.clone(), v.clone())));
                }
                app.screen.result(json::line(&object).as_bytes())?;
            }
            if outcome.error.is_some() {
                let object = json!({
                    "server": outcome.server,
                    "status": outcome.status.as_str(),
                    "error": error_json(app, outcome),
                });
                app.screen.result(json::line(&object).as_bytes())?;
            }
        }
        return Ok(());
    }
    let style = app.screen.style(Stream::Stdout);
    let text = form::table(verb, outcomes, app.screen.width(), style);
    app.screen.result(text.as_bytes())?;
    let failed = outcomes.iter().filter(|o| o.error.is_some());
    failed.for_each(|o| outcome(&app.screen, o, false));
    Ok(())
}
