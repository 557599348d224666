//! A list of records as an aligned table, or, where that is too wide, a block for each record.

use mlua::{Table, Value};
use unicode_width::UnicodeWidthStr as _;

use super::literal::literal;
use super::text::{Clean, visible};

/// Rows that are shown.
const ROWS: usize = 500;
/// Columns that come first, whatever the order of the alphabet.
const FIRST: [&str; 4] = ["server", "id", "name", "host"];
/// Between two columns.
const GAP: &str = "  ";

/// One cell: its text, and whether it is a number.
struct Cell(String, bool);

/// `value` as an aligned table, when it is a list of records with the same keys and plain values; as
/// blocks when that does not fit into `width` columns.
pub(super) fn records(value: &Value, width: usize, clean: Clean) -> Option<String> {
    let list = value.as_table().filter(|t| is_plain(t))?;
    let length = list.raw_len();
    let rows: Vec<Table> = (1..=length.min(ROWS))
        .map(|i| list.raw_get::<Table>(i).ok().filter(is_plain))
        .collect::<Option<_>>()?;
    let mut others = 0;
    let _ = list.for_each(|_: Value, _: Value| {
        others += 1;
        Ok(())
    });
    let keys = columns(&rows).filter(|keys| !keys.is_empty() && others == length)?;
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| keys.iter().map(|key| cell(row, key, clean)).collect())
        .collect::<Option<_>>()?;
    let mut text = align(&keys, &cells);
    if text.lines().any(|line| line.width() > width) {
        text = blocks(&keys, &cells);
    }
    match length - rows.len() {
        0 => Some(text),
        more => Some(format!("{text}\n… {more} more")),
    }
}

/// True for data: a table that has neither a name nor words of its own. Lists decoded from JSON
/// have a metatable too.
fn is_plain(table: &Table) -> bool {
    let has = |meta: &Table, key: &str| meta.raw_get::<Value>(key).is_ok_and(|v| !v.is_nil());
    table
        .metatable()
        .is_none_or(|m| !has(&m, "__name") && !has(&m, "__tostring"))
}

/// The keys of the rows: the same ones in at least half of the places, all of them names.
fn columns(rows: &[Table]) -> Option<Vec<String>> {
    let mut keys: Vec<String> = Vec::new();
    let mut filled = 0;
    for row in rows {
        for pair in row.pairs::<Value, Value>() {
            let Ok((Value::String(key), _)) = pair else {
                return None;
            };
            let key = key.to_str().ok()?.to_owned();
            filled += 1;
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    let place = |key: &String| FIRST.iter().position(|f| f == key).unwrap_or(FIRST.len());
    keys.sort_by(|a, b| (place(a), a).cmp(&(place(b), b)));
    (filled * 2 >= keys.len() * rows.len()).then_some(keys)
}

fn cell(row: &Table, key: &str, clean: Clean) -> Option<Cell> {
    match row.raw_get::<Value>(key).ok()? {
        Value::Nil => Some(Cell(String::new(), false)),
        Value::Table(_) => None,
        Value::String(text) => {
            let bytes = text.as_bytes();
            let text = clean(&String::from_utf8_lossy(bytes.trim_ascii_end()));
            (!text.contains('\n')).then(|| Cell(visible(text.as_bytes()), false))
        }
        value => {
            let number = matches!(value, Value::Integer(_) | Value::Number(_));
            Some(Cell(literal(&value, usize::MAX, clean), number))
        }
    }
}

/// A line for each value that is there, an empty one between two records. Longer lines are left to
/// the terminal: what is copied from it is whole.
fn blocks(keys: &[String], rows: &[Vec<Cell>]) -> String {
    let heads: Vec<String> = keys.iter().map(|k| visible(k.as_bytes())).collect();
    let widest = heads.iter().map(|h| h.width()).max().unwrap_or(0);
    let block = |row: &Vec<Cell>| {
        let there = heads.iter().zip(row).filter(|(_, cell)| !cell.0.is_empty());
        let line = |(head, cell): (&String, &Cell)| {
            format!("{head}{}{GAP}{}", " ".repeat(widest - head.width()), cell.0)
        };
        there.map(line).collect::<Vec<_>>().join("\n")
    };
    rows.iter().map(block).collect::<Vec<_>>().join("\n\n")
}

/// Numbers to the right, all else to the left, no blanks at the end of a line.
fn align(keys: &[String], rows: &[Vec<Cell>]) -> String {
    let column = |i: usize| rows.iter().map(move |row| &row[i]);
    let widths: Vec<usize> = (0..keys.len())
        .map(|i| {
            column(i)
                .map(|c| c.0.width())
                .max()
                .unwrap_or(0)
                .max(visible(keys[i].as_bytes()).width())
        })
        .collect();
    let numeric: Vec<bool> = (0..keys.len()).map(|i| column(i).all(|c| c.1)).collect();
    let line = |texts: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (i, text) in texts.enumerate() {
            let blank = " ".repeat(widths[i] - text.width());
            let gap = if i == 0 { "" } else { GAP };
            line += &if numeric[i] {
                format!("{gap}{blank}{text}")
            } else {
                format!("{gap}{text}{blank}")
            };
        }
        line.trim_end().to_owned()
    };
    let head: Vec<String> = keys.iter().map(|k| visible(k.as_bytes())).collect();
    let mut lines = vec![line(&mut head.iter().map(String::as_str))];
    lines.extend(
        rows.iter()
            .map(|row| line(&mut row.iter().map(|c| c.0.as_str()))),
    );
    lines.join("\n")
}
