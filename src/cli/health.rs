//! `mroom health`: how servers are, judged by thresholds.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::exec::end;
use super::outcomes::asked;
use super::{App, values, vm, watch};
use crate::error::Result;
use crate::fleet::{Counts, Outcome, Status};
use crate::inventory::Server;
use crate::lua::Vm;
use crate::output::Stream;
use crate::ui::health::{Row, checks, table};

/// How often `--watch` asks, in seconds, unless told: some checks cost a server a second.
const EVERY: &str = "30";

/// What an object tells of a server, in this order.
const FIELDS: &[&str] = &[
    "level",
    "checks",
    "system",
    "uptime",
    "load",
    "cpus",
    "memory",
    "swap",
    "disks",
    "inodes",
    "init",
    "units",
    "manager",
    "updates",
    "security",
    "reboot",
    "clock",
    "is_synchronised",
    "certs",
    "oom_kills",
    "docker",
    "vulnerabilities",
];

/// Judge how servers are: ok, warn, critical, or unknown.
///
/// Load, memory, swap, disks, inodes, failed units, updates, a restart that is waited for, the
/// clock, certificates, processes killed for want of memory, containers, vulnerabilities of their
/// images. One round trip; no root needed, and more with -b. What cannot be read is unknown, never
/// ok. Thresholds are the settings `health.NAME`, the metadata `health.NAME` of a server, and
/// `--threshold`; certificates to look at also stand in the metadata `certs`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom health all
  mroom health db-01 --cert /etc/ssl/site.pem --cert db.example.org:5432
  mroom health @web --only disk --threshold disk=70,90 --watch")]
pub struct Args {
    /// Which servers; all but the retired ones when left out.
    #[arg(value_name = "PATTERN")]
    pattern: Vec<String>,
    /// Only these, such as load,disk,updates.
    #[arg(long, value_name = "CHECK,...", value_delimiter = ',')]
    only: Vec<String>,
    /// From where on it warns, is critical; `-`: never.
    #[arg(long, value_name = "CHECK=N,N", value_parser = values::pair)]
    threshold: Vec<(String, String)>,
    /// A certificate: a file there, or a name it asks.
    #[arg(long, value_name = "FILE|NAME")]
    cert: Vec<String>,
    /// Scan the images that run, by trivy or grype.
    #[arg(long)]
    scan_images: bool,
    /// Fail for warnings and what is unknown, too.
    #[arg(long)]
    strict: bool,
    /// Each check of each server.
    #[arg(long)]
    full: bool,
    /// Ask again every so many seconds [default: 30].
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = EVERY, value_parser = values::seconds)]
    watch: Option<Duration>,
}

/// Asks and shows; the exit code is that of the run.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let servers = match args.pattern.is_empty() {
        true => app.room.select("all")?,
        false => app.room.select(&args.pattern.join(" "))?,
    };
    let vm = vm::open(app)?;
    let options = options(args);
    vm.valid("health", &options)?;
    let Some(every) = args.watch else {
        let outcomes = app.block_on(ask(app, args, (&vm, &options), &servers))?;
        show(app, args, &outcomes)?;
        return Ok(end(app, &outcomes));
    };
    if !app.json && app.screen.is_terminal(Stream::Stdout) {
        return watched(app, args, (&vm, &options), &servers, every);
    }
    app.block_on(async {
        loop {
            let outcomes = ask(app, args, (&vm, &options), &servers).await?;
            show(app, args, &outcomes)?;
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = app.room.cancel.cancelled() => return Ok(end(app, &outcomes)),
            }
        }
    })
}

/// What `server:health()` takes.
fn options(args: &Args) -> Value {
    let mut options = Map::new();
    if !args.only.is_empty() {
        options.insert("checks".into(), json!(args.only));
    }
    if !args.cert.is_empty() {
        options.insert("certs".into(), json!(args.cert));
    }
    let thresholds: HashMap<_, _> = args.threshold.iter().cloned().collect();
    options.insert("thresholds".into(), json!(thresholds));
    options.insert("scan_images".into(), json!(args.scan_images));
    Value::Object(options)
}

async fn ask(
    app: &App,
    args: &Args,
    (vm, options): (&Vm, &Value),
    servers: &[Server],
) -> Result<Vec<Outcome<Value>>> {
    let found = vm.ask("health", options, servers.to_vec(), |_| {}).await?;
    // What Ctrl-C cut short is no verdict.
    let is_over = app.room.cancel.is_cancelled();
    let judged = found.into_iter().map(|mut outcome| {
        let level = outcome.value.as_ref().and_then(|v| v["level"].as_str());
        outcome.status = match level {
            Some("critical") => Status::Failed,
            Some("warn" | "unknown") if args.strict => Status::Failed,
            None if is_over => Status::Cancelled,
            _ => outcome.status,
        };
        outcome
    });
    Ok(judged.collect())
}

fn rows(outcomes: &[Outcome<Value>]) -> Vec<Row> {
    outcomes.iter().map(Row::new).collect()
}

/// The table, or each check: of one server that is what a person wants to see.
fn text(app: &App, args: &Args, rows: &[Row], width: Option<u16>) -> String {
    let style = app.screen.style(Stream::Stdout);
    match args.full || rows.len() == 1 {
        true => checks(rows, width, style),
        false => table(rows, width, style),
    }
}

fn show(app: &App, args: &Args, outcomes: &[Outcome<Value>]) -> Result<()> {
    let table = || text(app, args, &rows(outcomes), app.screen.width());
    asked(app, outcomes, FIELDS, table)
}

/// Asks again and again; the last table stays on the terminal.
fn watched(
    app: &App,
    args: &Args,
    asking: (&Vm, &Value),
    servers: &[Server],
    every: Duration,
) -> Result<u8> {
    let mut last = (Vec::new(), Counts::default());
    app.block_on(watch::watch(
        app,
        every,
        async |_| {
            let outcomes = ask(app, args, asking, servers).await?;
            if !app.room.cancel.is_cancelled() {
                last = (rows(&outcomes), Counts::of(&outcomes));
            }
            Ok(last.0.clone())
        },
        |rows, width| text(app, args, rows, width),
    ))?;
    let (rows, counts) = last;
    if rows.is_empty() {
        return Ok(super::signals::INTERRUPTED);
    }
    let text = text(app, args, &rows, app.screen.width());
    app.screen.result(text.as_bytes())?;
    Ok(counts.exit_code())
}
