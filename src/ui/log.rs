//! The command log as a table and as JSON. The rows hold what servers and people wrote: control
//! characters are data there, and visible here.

use serde_json::{Value, json};

use super::grid::{Cell, Column, Grid};
use super::{Paint, Style, time, width};
use crate::journal::Row;

/// Columns of a command or a message that a terminal is given of one entry.
const WIDEST: usize = 300;

/// The entries as a table for a terminal of `columns` columns; off a terminal nothing is cut. Of a
/// command of several lines the first is shown. `long` adds who ran them and in which run.
pub fn table(rows: &[Row], long: bool, columns: Option<u16>, style: Style) -> String {
    Tail::default().lines(rows, long, columns, style, true)
}

/// The same for entries that come one after another: columns get wider, and never narrower.
#[derive(Debug, Default)]
pub struct Tail {
    widths: Vec<usize>,
}

impl Tail {
    /// The next entries; the titles when they are wanted.
    pub fn lines(
        &mut self,
        rows: &[Row],
        long: bool,
        columns: Option<u16>,
        style: Style,
        with_titles: bool,
    ) -> String {
        let shown: Vec<Vec<(String, Option<Paint>)>> = rows
            .iter()
            .map(|row| cells(row, long, columns.is_some()))
            .collect();
        let all = layout(long);
        self.widths.resize(all.len(), 0);
        for cells in &shown {
            // The last column has nothing behind it to line up.
            for (known, (text, _)) in self.widths.iter_mut().zip(cells).take(all.len() - 1) {
                *known = width::columns(text).max(*known);
            }
        }
        // A title as wide as its column keeps it so.
        let columns_of = all.into_iter().zip(&self.widths);
        let padded = columns_of.map(|(mut column, wide)| {
            column.title = format!("{:<wide$}", column.title);
            column
        });
        let mut grid = Grid::new(padded.collect());
        for cells in &shown {
            let cell = |(text, paint): &(String, Option<Paint>)| Cell::new(text).painted(*paint);
            grid.push(cells.iter().map(cell).collect());
        }
        let text = grid.lay(columns, style).text;
        match (with_titles, text.split_once('\n')) {
            (false, Some((_, rest))) => rest.to_owned(),
            _ => text,
        }
    }
}

fn layout(long: bool) -> Vec<Column> {
    let mut columns = vec![
        Column::new("TIME", 6),
        Column::new("SERVER", Column::KEPT),
        Column::new("KIND", 4),
        Column::new("END", 8),
        Column::new("TOOK", 3).right(),
    ];
    if long {
        columns.push(Column::new("RUN", 2).right());
        columns.push(Column::new("BY", 5));
    }
    columns.push(Column::new("WHAT", 7));
    columns
}

fn cells(row: &Row, long: bool, short: bool) -> Vec<(String, Option<Paint>)> {
    let (end, paint) = end(row);
    let mut cells = vec![
        (time::local(row.at), Some(Paint::Faint)),
        (row.server.clone(), None),
        (row.kind.clone(), None),
        (end, paint),
        (row.duration.map_or_else(String::new, took), None),
    ];
    if long {
        cells.push((row.run.to_string(), None));
        cells.push((row.operator.clone(), None));
    }
    cells.push((what(row, short), None));
    cells
}

/// How it ended, in one word or two.
fn end(row: &Row) -> (String, Option<Paint>) {
    let Some(status) = &row.status else {
        return ("unfinished".to_owned(), Some(Paint::Notable));
    };
    let paint = match status.as_str() {
        "ok" => None,
        "changed" | "cancelled" => Some(Paint::Notable),
        _ => Some(Paint::Bad),
    };
    let word = match (&row.signal, row.code, &row.error) {
        (Some(signal), ..) => format!("signal {signal}"),
        (None, Some(code), _) if code != 0 => format!("exit {code}"),
        (None, _, Some(error)) if status != "cancelled" => error.clone(),
        _ => status.clone(),
    };
    (word, paint)
}

/// The command or the paths, and why it did not work.
fn what(row: &Row, short: bool) -> String {
    let mut lines = row.what.trim_end().lines();
    let first = lines.next().unwrap_or_default();
    let mut text = if short { cut(first) } else { first.to_owned() };
    match lines.count() {
        0 => {}
        1 => text += " … (+1 line)",
        more => text += &format!(" … (+{more} lines)"),
    }
    match (&row.message, row.bytes) {
        (Some(message), _) if short => format!("{text}: {}", cut(message)),
        (Some(message), _) => format!("{text}: {message}"),
        (None, Some(bytes)) => format!("{text} ({bytes} bytes)"),
        (None, None) => text,
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(WIDEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn took(seconds: f64) -> String {
    match seconds {
        s if s < 60.0 => format!("{s:.2}s"),
        s => format!("{}m{:02}s", (s / 60.0) as u64, (s % 60.0) as u64),
    }
}

/// An entry as `log --json` shows it.
pub fn object(row: &Row) -> Value {
    let error = row.error.as_ref();
    json!({
        "id": row.id,
        "time": time::utc(row.at),
        "run": row.run,
        "operator": row.operator,
        "command": row.command,
        "server": row.server,
        "kind": row.kind,
        "what": row.what,
        "status": row.status,
        "code": row.code,
        "signal": row.signal,
        "duration": row.duration,
        "bytes": row.bytes,
        "error": error.map(|kind| json!({ "kind": kind, "message": row.message })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(server: &str, what: &str) -> Row {
        Row {
            id: 1,
            run: 7,
            operator: "me@here".into(),
            command: "mroom exec web".into(),
            at: 1_800_000_000_000,
            server: server.into(),
            kind: "exec".into(),
            what: what.into(),
            status: Some("ok".into()),
            duration: Some(0.25),
            code: Some(0),
            signal: None,
            error: None,
            message: None,
            bytes: None,
        }
    }

    fn lines(rows: &[Row], columns: Option<u16>) -> Vec<String> {
        let text = table(rows, false, columns, Style::PLAIN);
        // The time depends on where the test runs.
        let timeless = |l: &str| l.get(21..).unwrap_or_default().to_owned();
        text.lines().skip(1).map(timeless).collect()
    }

    #[test]
    fn ends() {
        let with = |change: &dyn Fn(&mut Row)| {
            let mut row = row("web", "x");
            change(&mut row);
            lines(&[row], None).remove(0)
        };
        assert_eq!(with(&|_| ()), "web     exec  ok   0.25s  x");
        let failed = with(&|r| (r.code, r.status) = (Some(3), Some("failed".into())));
        assert_eq!(failed, "web     exec  exit 3  0.25s  x");
        let killed = with(&|r| (r.code, r.signal) = (None, Some("KILL".into())));
        assert_eq!(killed, "web     exec  signal KILL  0.25s  x");
        let begun = with(&|r| (r.status, r.duration, r.code) = (None, None, None));
        assert_eq!(begun, "web     exec  unfinished        x");
        let gone = with(&|r| {
            (r.code, r.status) = (None, Some("unreachable".into()));
            (r.error, r.message) = (Some("auth".into()), Some("no key".into()));
        });
        assert_eq!(gone, "web     exec  auth  0.25s  x: no key");
        let copied = with(&|r| (r.bytes, r.duration) = (Some(9), Some(75.0)));
        assert_eq!(copied, "web     exec  ok   1m15s  x (9 bytes)");
    }

    #[test]
    fn hostile_text_is_visible_and_long_text_is_cut_on_a_terminal() {
        let hostile = row("w\x1b]0;x\x07", "first \x1b[2J\nsecond\nthird");
        let seen = lines(std::slice::from_ref(&hostile), Some(300)).remove(0);
        assert!(seen.ends_with("first ^[[2J … (+2 lines)"), "{seen}");
        let long = "x".repeat(5000);
        let whole = lines(&[row("web", &long)], None).remove(0);
        assert!(whole.ends_with(&long), "{whole}");
        let text = table(
            &[row("web", &"x".repeat(5000))],
            true,
            Some(20),
            Style::PLAIN,
        );
        assert!(text.lines().all(|l| width::columns(l) <= 20), "{text}");
        assert!(text.len() < 1000);
    }

    #[test]
    fn what_comes_later_stands_below() {
        let mut tail = Tail::default();
        let first = tail.lines(&[row("a-long-name", "x")], false, None, Style::PLAIN, true);
        let next = tail.lines(&[row("b", "y")], false, None, Style::PLAIN, false);
        let at = |text: &str, word: &str| text.lines().last().unwrap().find(word);
        assert_eq!(at(&first, "exec"), at(&next, "exec"));
        assert_eq!((first.lines().count(), next.lines().count()), (2, 1));
    }
}
