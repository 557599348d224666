//! The tunnels that are there, as a table.

use std::time::Duration;

use super::Style;
use super::grid::{Cell, Column, Grid};
use super::human::{bytes, lasted};
use crate::tunnel::keeper::now;
use crate::tunnel::keeper::status::Status;

/// The table for a terminal of `width` columns.
pub fn table(all: &[Status], width: Option<u16>, style: Style) -> String {
    let mut grid = Grid::new(vec![
        Column::new("TUNNEL", Column::KEPT),
        Column::new("STATE", Column::KEPT),
        Column::new("SINCE", 8).right(),
        Column::new("BY", 5),
        Column::new("INTERFACE", 3),
        Column::new("ADDRESS", 4),
        Column::new("IN", 7).right(),
        Column::new("OUT", 7).right(),
        Column::new("USED BY", 6),
        Column::new("ROUTES", 9),
    ]);
    for status in all {
        let record = &status.record;
        let facts = status.facts.as_ref();
        let count = |n: Option<u64>| Cell::new(&n.map(bytes).unwrap_or_default());
        let address = facts.and_then(|f| f.address).map(|a| a.to_string());
        let interface = facts
            .and_then(|f| f.interface.clone())
            .or_else(|| record.interface.clone());
        let users = status
            .holders
            .iter()
            .map(|h| format!("{} {}", h.pid, h.what));
        let users: Vec<String> = users.collect();
        let ranges: Vec<String> = record.ranges.iter().map(ToString::to_string).collect();
        grid.push(vec![
            Cell::new(&record.name),
            Cell::new(&state(status)),
            Cell::new(&age(status).map(lasted).unwrap_or_default()),
            Cell::new(&record.backend),
            Cell::new(&interface.unwrap_or_default()),
            Cell::new(&address.unwrap_or_default()),
            count(facts.and_then(|f| f.received)),
            count(facts.and_then(|f| f.sent)),
            Cell::new(&users.join(", ")),
            Cell::new(&ranges.join(" ")),
        ]);
    }
    grid.lay(width, style).text
}

/// How it is, with what a person should know of it.
pub fn state(status: &Status) -> String {
    let record = &status.record;
    let notes = [
        (record.keep, "kept"),
        (record.foreign, "not ours"),
        (record.namespace.is_some(), "isolated"),
    ];
    let notes = notes
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, note)| format!(", {note}"));
    format!("{}{}", status.condition.as_str(), notes.collect::<String>())
}

fn age(status: &Status) -> Option<Duration> {
    let since = Some(status.record.since).filter(|since| *since > 0)?;
    Some(Duration::from_secs(now().saturating_sub(since)))
}
