//! `mroom docker PATTERN prune`: what nothing uses goes, what is to be kept stays.

use serde_json::json;

use super::super::App;
use super::super::exec::{check, end};
use super::super::outcomes::error_json;
use super::docker;
use super::words::{Flag, none, on, parse};
use crate::docker::resource;
use crate::error::{Error, Result};
use crate::fleet::{Status, map};
use crate::inventory::Server;
use crate::ui::{fold_ids, human, json, outcome};

const FLAGS: &[Flag] = &[
    on(Some('a'), "all", "all"),
    on(None, "volumes", "volumes"),
    on(None, "builder", "builder"),
    on(Some('f'), "force", "force"),
];

/// Removes it when a person agrees.
pub(super) fn run(app: &App, pattern: &str, words: &[String]) -> Result<u8> {
    let (mut given, names) = parse("prune", words, FLAGS)?;
    none("prune", &names)?;
    let is_forced = given.remove("force").is_some();
    // As docker's own does, with volumes and the builder's cache only when they are named.
    for kind in ["containers", "networks", "images"] {
        given.insert(kind.to_owned(), crate::docker::given::Arg::Flag(true));
    }
    let wanted = resource::prune(&given)?;
    let room = &app.room;
    let servers = room.select(pattern)?;
    if room.options.check {
        return check(app, &servers, "docker prune");
    }
    let ids = fold_ids(servers.iter().map(|s| s.id.as_str()));
    let what = match (wanted.all, given.contains_key("volumes")) {
        (_, true) => "containers, networks, images and volumes that nothing uses",
        (true, _) => "containers, networks and images that nothing uses",
        (false, _) => "containers that have ended, networks and nameless images that nothing uses",
    };
    if !is_forced && !room.interact.confirm(&format!("remove on {ids}: {what}?")) {
        return Err(Error::local("nothing was removed: nobody agreed")
            .hint("`-y` agrees without a question"));
    }
    let one = async |server: Server| {
        let bytes = docker(app, &server).await?.prune(&wanted).await?;
        let status = if bytes > 0 {
            Status::Changed
        } else {
            Status::Ok
        };
        Ok((status, bytes))
    };
    let outcomes = app.block_on(async {
        let policy = &room.options.policy;
        Ok(map(room, "docker prune", servers, policy, one, |_| {}).await)
    })?;
    for one in &outcomes {
        if app.json {
            let object = json!({
                "server": one.server, "status": one.status.as_str(), "reclaimed": one.value,
                "error": error_json(app, one),
            });
            app.screen.result(json::line(&object).as_bytes())?;
        } else if let Some(bytes) = one.value {
            let line = format!("{}: {} came back\n", one.server, human::bytes(bytes));
            app.screen.result(line.as_bytes())?;
        } else {
            outcome(&app.screen, one, true);
        }
    }
    Ok(end(app, &outcomes))
}
