//! `mroom log`: what went to servers.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{App, values};
use crate::error::{Error, Result};
use crate::events::Level;
use crate::inventory::{Selection, Server};
use crate::journal::{Book, Kind, Limits, Query, Row};
use crate::output::Stream;
use crate::ui::{json, log, time};

/// Entries that are shown when nothing says how many.
const USUAL: usize = 100;
/// How often `--follow` looks.
const EVERY: Duration = Duration::from_millis(300);

/// Show what went to servers: when, what, and how it ended; the newest last.
///
/// TIME is `90s`, `1h30m`, `2d`, `14:30`, `2026-01-31`, `yesterday`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  mroom log 'web*' --since 2d --failed")]
pub struct Args {
    /// Which servers; also those that have left the inventory.
    #[arg(value_name = "PATTERN")]
    pattern: Vec<String>,
    /// What began then or later: `2h`, `14:30`, `2026-01-31`.
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    since: Option<i64>,
    /// Only what began before.
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    until: Option<i64>,
    /// Only what failed, and unreachable servers.
    #[arg(long)]
    failed: bool,
    /// Of connect, shell, exec, copy, read, write, stage.
    #[arg(long, value_name = "KIND,...", hide_possible_values = true, value_delimiter = ',', value_parser = values::kind())]
    kind: Vec<Kind>,
    /// Only this run's (`--long` shows the numbers).
    #[arg(long, value_name = "RUN")]
    run: Option<i64>,
    /// The last N, 0 for all.
    ///
    /// 100 unless --since, --until or --run narrows it.
    #[arg(short = 'n', long, value_name = "N")]
    lines: Option<usize>,
    /// The newest first.
    #[arg(short, long, conflicts_with = "follow")]
    reverse: bool,
    /// Go on with what is logged from now on.
    #[arg(short = 'F', long)]
    follow: bool,
    /// With the connections that were made.
    #[arg(short, long)]
    all: bool,
    /// Show the run and who ran it.
    #[arg(long)]
    long: bool,
    /// Remove now what `log_days` and `log_rows` do not keep.
    #[arg(long, conflicts_with_all = ["pattern", "since", "until", "failed", "kind", "run", "lines", "reverse", "follow", "all", "long"])]
    prune: bool,
}

/// Prints it.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    // Makes and upgrades the database.
    let store = app.room.store()?;
    let book = Book::open(&app.room.config.database())?;
    if args.prune {
        return prune(app, &book);
    }
    let servers = match args.pattern.is_empty() {
        true => None,
        false => {
            let mut known = store.list()?;
            let ids: BTreeSet<String> = known.iter().map(|s| s.id.clone()).collect();
            let gone = book.servers()?.into_iter().filter(|id| !ids.contains(id));
            known.extend(gone.map(|id| Server::new(id, "", "", 0)));
            let how = Selection { retired: true };
            let chosen = store.select_from(&args.pattern.join(" "), how, &known)?;
            Some(chosen.into_iter().map(|s| s.id).collect())
        }
    };
    let narrowed = args.since.is_some() || args.until.is_some() || args.run.is_some();
    let query = Query {
        servers,
        since: args.since,
        until: args.until,
        failed: args.failed,
        kinds: args.kind.clone(),
        without_connections: !args.all && args.kind.is_empty(),
        run: args.run,
        after: None,
        last: match args.lines {
            Some(0) => None,
            None if narrowed => None,
            lines => Some(lines.unwrap_or(USUAL)),
        },
    };
    let mut rows = book.rows(&query)?;
    if args.follow {
        return follow(app, args, &book, query, rows);
    }
    if rows.is_empty() {
        nothing(app, &book)?;
        return Ok(0);
    }
    if args.reverse {
        rows.reverse();
    }
    let text = match app.json {
        true => objects(&rows),
        false => {
            let style = app.screen.style(Stream::Stdout);
            log::table(&rows, args.long, app.screen.width(), style)
        }
    };
    app.screen.result(text.as_bytes())?;
    if query.last == Some(rows.len()) && args.lines.is_none() {
        let count = book.count(&query)?;
        if count > rows.len() {
            let message = format!("the last {} of {count}: `-n 0` shows all", rows.len());
            app.screen.note(Level::Notice, None, &message);
        }
    }
    Ok(0)
}

fn objects(rows: &[Row]) -> String {
    rows.iter().map(|r| json::line(&log::object(r))).collect()
}

/// Says why nothing is shown.
fn nothing(app: &App, book: &Book) -> Result<()> {
    let message = match book.count(&Query::default())? {
        0 if !app.room.config.is_logging() => "the log is empty: the setting `log` is off",
        0 => "the log is empty",
        _ => "nothing in the log matches",
    };
    app.screen.note(Level::Notice, None, message);
    Ok(())
}

/// Shows entries as they end, until somebody stops it.
fn follow(app: &App, args: &Args, book: &Book, query: Query, first: Vec<Row>) -> Result<u8> {
    let style = app.screen.style(Stream::Stdout);
    let mut tail = log::Tail::default();
    let mut show = |rows: &[Row], with_titles: bool| {
        if rows.is_empty() && !with_titles {
            return Ok(());
        }
        let width = app.screen.width();
        let text = match app.json {
            true => objects(rows),
            false => tail.lines(rows, args.long, width, style, with_titles),
        };
        app.screen.result(text.as_bytes())
    };
    let mut last = book.last()?.max(first.last().map_or(0, |r| r.id));
    let (mut open, ended): (Vec<Row>, Vec<Row>) =
        first.into_iter().partition(|r| r.status.is_none());
    show(&ended, true)?;
    loop {
        std::thread::sleep(EVERY);
        let after = open.iter().map(|r| r.id).min().map_or(last, |id| id - 1);
        let query = Query {
            after: Some(after.min(last)),
            last: None,
            ..query.clone()
        };
        let mut rows = book.rows(&query)?;
        rows.retain(|row| row.id > last || open.iter().any(|o| o.id == row.id));
        last = rows.iter().map(|r| r.id).max().unwrap_or(last).max(last);
        let (still, ended) = rows.into_iter().partition(|r| r.status.is_none());
        open = still;
        show(&ended, false)?;
    }
}

/// Removes what the settings do not keep.
fn prune(app: &App, book: &Book) -> Result<u8> {
    let config = &app.room.config;
    let limits = Limits {
        days: config.log_days(),
        rows: config.log_rows(),
    };
    if limits == Limits::default() {
        return Err(Error::usage("the settings keep everything")
            .hint("set `log_days` or `log_rows`; `mroom config` shows them"));
    }
    let gone = book.prune(limits)?;
    let left = book.count(&Query::default())?;
    let text = match app.json {
        true => json::line(&serde_json::json!({ "removed": gone, "left": left })),
        false => format!("removed {gone}, left {left}\n"),
    };
    app.screen.result(text.as_bytes())?;
    Ok(0)
}
