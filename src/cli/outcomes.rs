//! What Lua code gave back, as results: outcomes of a fleet, or plain values.

use serde_json::{Map, Value, json};

use super::exec::end;
use super::{App, signals};
use crate::error::Result;
use crate::fleet::{Outcome, Status};
use crate::lua::{Returned, Shown, Vm};
use crate::output::{Output, Stream};
use crate::ui::{self, ExecReport, Mode, json};

/// Columns for values when nobody's terminal says otherwise.
const COLUMNS: u16 = 100;

/// Prints what a script or a chunk gave back; the exit code is that of its outcomes.
pub fn returned(app: &App, vm: &Vm, values: &[Returned]) -> Result<u8> {
    let mut code = 0;
    for value in values {
        if app.json {
            let json = vm.json(value)?;
            let Shown::Outcomes(outcomes) = vm.shown(value, 0) else {
                app.screen.result(json::line(&json).as_bytes())?;
                continue;
            };
            for (outcome, object) in outcomes.iter().zip(json.as_array().into_iter().flatten()) {
                let object = json!({
                    "server": outcome.server,
                    "status": outcome.status.as_str(),
                    "value": object["value"],
                    "duration": outcome.duration.as_secs_f64(),
                    "error": error_json(app, outcome),
                });
                app.screen.result(json::line(&object).as_bytes())?;
            }
            code = code.max(end(app, &outcomes));
            continue;
        }
        let width = usize::from(app.screen.width().unwrap_or(COLUMNS));
        match (vm.text(value), vm.shown(value, width)) {
            // A text is the result itself, byte by byte, so that a shell can use it.
            (Some(text), _) => app.screen.result(&line(app, text))?,
            (None, Shown::Text(text)) => app.screen.result(&line(app, text.into_bytes()))?,
            (None, Shown::Outcomes(outcomes)) => {
                printed(app, &outcomes)?;
                code = code.max(end(app, &outcomes));
            }
        }
    }
    Ok(whole(app, code))
}

/// Prints the text that a workflow made of its outcomes, and why servers did not end well.
pub fn told(app: &App, vm: &Vm, value: &Returned, text: Vec<u8>) -> Result<u8> {
    app.screen.result(&line(app, text))?;
    let Shown::Outcomes(outcomes) = vm.shown(value, 0) else {
        return Ok(whole(app, 0));
    };
    for outcome in outcomes.iter().filter(|o| o.error.is_some()) {
        ui::outcome(&app.screen, outcome, true);
    }
    Ok(whole(app, end(app, &outcomes)))
}

/// Prints the list that a workflow gave without asking servers: its text, or an object for each.
pub fn listed(app: &App, vm: &Vm, list: &Returned, text: Vec<u8>, code: Option<i64>) -> Result<u8> {
    if app.json {
        for object in vm.json(list)?.as_array().into_iter().flatten() {
            app.screen.result(json::line(object).as_bytes())?;
        }
    } else {
        app.screen.result(&line(app, text))?;
    }
    let code = code.map_or(0, |code| u8::try_from(code).unwrap_or(1));
    Ok(whole(app, code))
}

/// Tells of servers whose outcomes a script kept to itself: why they did not end well, and the
/// count when anything is in it but `ok`. The exit code is theirs.
pub fn unreturned(app: &App, outcomes: &[Outcome<()>]) -> Result<u8> {
    for outcome in outcomes.iter().filter(|o| o.error.is_some()) {
        ui::outcome(&app.screen, outcome, true);
    }
    match outcomes.iter().all(|o| o.status == Status::Ok) {
        true => Ok(whole(app, 0)),
        false => Ok(whole(app, end(app, outcomes))),
    }
}

/// Ctrl-C lets code end by itself; that does not make the run a whole one.
fn whole(app: &App, code: u8) -> u8 {
    match app.room.cancel.is_cancelled() {
        true => signals::INTERRUPTED,
        false => code,
    }
}

fn line(app: &App, mut text: Vec<u8>) -> Vec<u8> {
    text.push(b'\n');
    match app.screen.is_terminal(Stream::Stdout) {
        true => ui::sanitize::visible(&text).into_bytes(),
        false => text,
    }
}

/// Each server's value as `exec` prints a command's output.
fn printed(app: &App, outcomes: &[Outcome<Output>]) -> Result<()> {
    // On a terminal nothing of it has been seen yet.
    let fold = app.fold || app.screen.is_terminal(Stream::Stdout);
    let mode = Mode::choose(false, fold, outcomes.len());
    let report = ExecReport::new(app.screen.clone(), mode);
    for outcome in outcomes {
        if let (Some(sink), Some(output)) = (report.sink(&outcome.server), &outcome.value) {
            sink(Stream::Stdout, &output.stdout);
            sink(Stream::Stderr, &output.stderr);
        }
        report.done(outcome);
    }
    report.finish(outcomes)
}

/// Prints what servers were asked for: an object for each, with `fields` of what was found in this
/// order; or else the text, and why some of them did not end well.
pub fn asked(
    app: &App,
    outcomes: &[Outcome<Value>],
    fields: &[&str],
    text: impl FnOnce() -> String,
) -> Result<()> {
    if app.json {
        for outcome in outcomes {
            let object = object(app, outcome, fields);
            app.screen.result(json::line(&object).as_bytes())?;
        }
        return Ok(());
    }
    app.screen.result(text().as_bytes())?;
    for outcome in outcomes.iter().filter(|o| o.error.is_some()) {
        ui::outcome(&app.screen, outcome, false);
    }
    Ok(())
}

fn object(app: &App, outcome: &Outcome<Value>, fields: &[&str]) -> Value {
    let mut object = Map::new();
    object.insert("server".into(), json!(outcome.server));
    object.insert("status".into(), json!(outcome.status.as_str()));
    for key in fields {
        let value = outcome.value.as_ref().map(|found| found[*key].clone());
        object.insert((*key).into(), value.unwrap_or_default());
    }
    object.insert("error".into(), error_json(app, outcome));
    Value::Object(object)
}

/// The error of an outcome as JSON, or null.
pub fn error_json<T>(app: &App, outcome: &Outcome<T>) -> Value {
    let error = outcome.error.as_ref();
    error.map_or(json!(null), |e| json::error(e, app.screen.redactor()))
}
