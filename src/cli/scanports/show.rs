//! The result of a scan: a table per server, or an object a line.

use serde_json::{Value, json};

use super::report::Report;
use crate::cli::App;
use crate::cli::outcomes::error_json;
use crate::error::Result;
use crate::fleet::Outcome;
use crate::output::Stream;
use crate::scan::told;
use crate::ui::{json, outcome, ports as table};

/// Prints all; `free` are the ports that are suggested.
pub(super) fn all(app: &App, outcomes: &[Outcome<Report>], free: Option<&[u16]>) -> Result<()> {
    if app.json {
        for o in outcomes {
            let object = object(app, o, free);
            app.screen.result(json::line(&object).as_bytes())?;
        }
        return Ok(());
    }
    let style = app.screen.style(Stream::Stdout);
    let mut any = false;
    for o in outcomes {
        let Some(report) = o.value.as_ref().filter(|report| !report.is_empty()) else {
            continue;
        };
        let sides = table::Sides {
            id: &o.server,
            status: o.status,
            found: report.found.as_ref(),
            is_asked: report.inside.is_some(),
            behind: report.behind.as_deref(),
            changes: report
                .kept
                .as_ref()
                .map(|kept| kept.signs())
                .unwrap_or_default(),
        };
        let text = table::table(&sides, &report.rows, app.screen.width(), style);
        let gap = if any { "\n" } else { "" };
        app.screen.result(format!("{gap}{text}").as_bytes())?;
        any = true;
    }
    outcomes
        .iter()
        .filter(|o| o.error.is_some())
        .for_each(|o| outcome(&app.screen, o, false));
    if let Some(free) = free {
        let list: Vec<String> = free.iter().map(u16::to_string).collect();
        let text = match list.is_empty() {
            true => "none".to_owned(),
            false => list.join(" "),
        };
        app.screen
            .result(format!("free on all: {text}\n").as_bytes())?;
    }
    Ok(())
}

impl Report {
    /// Whether there is nothing to tell.
    fn is_empty(&self) -> bool {
        let silent = self.found.as_ref().is_none_or(|found| found.is_silent());
        silent && self.inside.is_none()
    }
}

fn object(app: &App, o: &Outcome<Report>, free: Option<&[u16]>) -> Value {
    let nothing = Report::default();
    let report = o.value.as_ref().unwrap_or(&nothing);
    let listening = report.inside.as_ref().map(|inside| {
        let each = inside
            .ports
            .iter()
            .map(|l| json!({ "port": l.port, "addresses": l.addresses, "is_local": l.is_local }));
        each.collect::<Vec<Value>>()
    });
    let mut object = json!({
        "server": o.server,
        "status": o.status.as_str(),
        "outside": report.found.as_ref().map(|found| found.json()),
        "behind": report.behind,
        "listening": listening,
        "remarks": told::remarks(&report.rows),
        "ports": report.kept.as_ref().map(|kept| &kept.now),
        "appeared": report.kept.as_ref().map(|kept| &kept.come),
        "disappeared": report.kept.as_ref().map(|kept| &kept.gone),
        "duration": o.duration.as_secs_f64(),
        "error": error_json(app, o),
    });
    if let Some(free) = free {
        object["free"] = json!(free);
    }
    object
}
