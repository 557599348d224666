//! `mroom status`: how servers are, asked of all of them at once.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::exec::end;
use super::outcomes::error_json;
use super::{App, values, watch};
use crate::error::Result;
use crate::fleet::{Counts, Health, Outcome, health, map};
use crate::inventory::Server;
use crate::output::Stream;
use crate::ui::status::{Row, table};
use crate::ui::{json, outcome};

/// How often `--watch` asks, in seconds, unless told.
const EVERY: &str = "5";
/// Answers that come sooner after one another than this are drawn together.
const FRAME: Duration = Duration::from_millis(50);

/// Show how servers are: reachable, times, load, memory, disk, marks.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom status @web
  mroom status all --watch=10
  mroom status all --json | jq 'select(.load[0] > .cpus)'")]
pub struct Args {
    /// Which servers; all but the retired ones when left out.
    #[arg(value_name = "PATTERN")]
    pub pattern: Vec<String>,
    /// Ask again every so many seconds [default: 5].
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = EVERY, value_parser = values::seconds)]
    pub watch: Option<Duration>,
}

/// Asks; the exit code is that of the run.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let servers = match args.pattern.is_empty() {
        true => app.room.select("all")?,
        false => app.room.select(&args.pattern.join(" "))?,
    };
    let rows: Vec<Row> = servers.iter().map(Row::waiting).collect();
    match (args.watch, app.json) {
        (None, true) => {
            let outcomes = app.block_on(async { Ok(lines(app, &servers, &rows).await) })?;
            Ok(end(app, &outcomes))
        }
        (None, false) => once(app, &servers, rows),
        (Some(every), true) => app.block_on(async {
            loop {
                let outcomes = lines(app, &servers, &rows).await;
                tokio::select! {
                    () = tokio::time::sleep(every) => {}
                    () = app.room.cancel.cancelled() => return Ok(end(app, &outcomes)),
                }
            }
        }),
        (Some(every), false) => watched(app, &servers, rows, every),
    }
}

/// Asks all once; prints a line for each as it answers.
async fn lines(app: &App, servers: &[Server], rows: &[Row]) -> Vec<Outcome<Health>> {
    ask(app, servers, |outcome| {
        let row = rows.iter().find(|row| row.id() == outcome.server);
        let object = object(app, outcome, row.map_or(&[], Row::marks));
        // What cannot be written the screen remembers, and `end` tells.
        let _ = app.screen.result(json::line(&object).as_bytes());
    })
    .await
}

/// Asks all once; on a terminal the table is drawn as they answer.
fn once(app: &App, servers: &[Server], mut rows: Vec<Row>) -> Result<u8> {
    let style = app.screen.style(Stream::Stdout);
    let canvas = app.screen.canvas(false);
    let mut drawn = Instant::now();
    let draw = |rows: &[Row]| {
        if let Some(canvas) = &canvas {
            let width = app.screen.width().map(|w| w.saturating_sub(1).max(1));
            canvas.draw(&table(rows, true, width, style));
        }
    };
    draw(&rows);
    let outcomes = app.block_on(async {
        let done = |outcome: &Outcome<Health>| {
            update(&mut rows, outcome);
            if drawn.elapsed() > FRAME {
                draw(&rows);
                drawn = Instant::now();
            }
        };
        Ok(ask(app, servers, done).await)
    })?;
    drop(canvas);
    if !app.screen.is_pipe_closed() {
        let text = table(&rows, false, app.screen.width(), style);
        // What cannot be written the screen remembers, and `end` tells.
        let _ = app.screen.result(text.as_bytes());
    }
    let unwell = outcomes.iter().filter(|o| o.error.is_some());
    unwell.for_each(|o| outcome(&app.screen, o, false));
    Ok(end(app, &outcomes))
}

/// Asks all again and again; the last table stays on the terminal.
fn watched(app: &App, servers: &[Server], mut rows: Vec<Row>, every: Duration) -> Result<u8> {
    let style = app.screen.style(Stream::Stdout);
    let mut last = Counts::default();
    app.block_on(watch::watch(
        app,
        every,
        async |draw| {
            draw(&rows);
            let mut drawn = Instant::now();
            let done = |outcome: &Outcome<Health>| {
                if app.room.cancel.is_cancelled() {
                    return;
                }
                update(&mut rows, outcome);
                if drawn.elapsed() > FRAME {
                    draw(&rows);
                    drawn = Instant::now();
                }
            };
            let outcomes = ask(app, servers, done).await;
            if !app.room.cancel.is_cancelled() {
                last = Counts::of(&outcomes);
            }
            Ok(rows.clone())
        },
        |rows, width| table(rows, true, width, style),
    ))?;
    let text = table(&rows, true, app.screen.width(), style);
    app.screen.result(text.as_bytes())?;
    Ok(last.exit_code())
}

async fn ask(
    app: &App,
    servers: &[Server],
    done: impl FnMut(&Outcome<Health>),
) -> Vec<Outcome<Health>> {
    let room = &app.room;
    let one = async |server: Server| health(room, &server).await;
    map(
        room,
        "status",
        servers.to_vec(),
        &room.options.policy,
        one,
        done,
    )
    .await
}

fn update(rows: &mut [Row], outcome: &Outcome<Health>) {
    if let Some(row) = rows.iter_mut().find(|row| row.id() == outcome.server) {
        row.update(outcome);
    }
}

/// Times in seconds, sizes in bytes, null for what the server did not say.
fn object(app: &App, outcome: &Outcome<Health>, marks: &[&str]) -> Value {
    let nothing = Health::default();
    let health = outcome.value.as_ref().unwrap_or(&nothing).json();
    let mut object = json!({"server": outcome.server, "status": outcome.status.as_str()});
    let error = json!({"marks": marks, "error": error_json(app, outcome)});
    for part in [health, error] {
        let (Some(object), Value::Object(part)) = (object.as_object_mut(), part) else {
            continue;
        };
        object.extend(part);
    }
    object
}
