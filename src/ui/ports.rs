//! The ports of one server as a table: from outside, from inside, and what is remarkable. Pure.

use super::grid::{Cell, Column, Grid};
use super::sanitize::one_line;
use super::{Paint, Style, human, time, width};
use crate::fleet::Status;
use crate::scan::compare::{Remark, Row};
use crate::scan::{Found, Open, State, Tls, top};

/// Columns that what a port says may take.
const SAID: usize = 60;
/// Names of a certificate that are shown.
const NAMES: usize = 3;

/// What stands above the table.
pub struct Sides<'a> {
    /// The server.
    pub id: &'a str,
    /// How its part ended.
    pub status: Status,
    /// The scan from outside, when there was one.
    pub found: Option<&'a Found>,
    /// Whether the server itself was asked.
    pub is_asked: bool,
    /// Why there was no scan.
    pub behind: Option<&'a str>,
    /// What has changed: `  +80`.
    pub changes: String,
}

/// A line about the server, then a line for each port.
pub fn table(sides: &Sides<'_>, rows: &[Row], columns: Option<u16>, style: Style) -> String {
    let mut head = style.paint(Paint::Strong, &one_line(sides.id));
    head.push_str(&format!(
        "  {}",
        style.paint(sides.status.into(), sides.status.as_str())
    ));
    if let Some(found) = sides.found {
        head.push_str(&format!(
            "  {}  {} open, {} closed, {} filtered",
            found.address,
            found.open.len(),
            found.closed,
            found.filtered.len()
        ));
        if found.unknown > 0 {
            head.push_str(&format!(", {} not known", found.unknown));
        }
        head.push_str(&format!("  {}", human::took(found.duration)));
    }
    if let Some(behind) = sides.behind {
        head.push_str(&format!("  {}: not scanned from here", one_line(behind)));
    }
    head.push_str(&sides.changes);
    head.push('\n');
    if rows.is_empty() {
        return head;
    }
    let speaks = |open: &Open| open.banner.is_some() || open.tls.is_some();
    let said = sides
        .found
        .is_some_and(|found| found.open.iter().any(speaks));
    let shown = [
        (true, Column::new("PORT", Column::KEPT).right()),
        (true, Column::new("NAME", 3)),
        (sides.found.is_some(), Column::new("OUTSIDE", Column::KEPT)),
        (sides.is_asked, Column::new("INSIDE", 5)),
        (said, Column::new("SAYS", 2)),
        (
            rows.iter().any(|row| !row.remarks.is_empty()),
            Column::new("REMARK", 6),
        ),
    ];
    let kept: Vec<bool> = shown.iter().map(|(is, _)| *is).collect();
    let mut grid = Grid::new(
        shown
            .into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, c)| c)
            .collect(),
    );
    for row in rows {
        let cells = line(row, sides.found).into_iter().zip(&kept);
        grid.push(cells.filter(|(_, is)| **is).map(|(cell, _)| cell).collect());
    }
    head + &grid.lay(columns, style).text
}

fn line(row: &Row, found: Option<&Found>) -> [Cell; 6] {
    let open = found.and_then(|found| {
        let at = found
            .open
            .binary_search_by_key(&row.port, |open| open.port)
            .ok()?;
        found.open.get(at)
    });
    let paint = row.outside.and_then(|state| match state {
        State::Open => Some(Paint::Good),
        State::Closed => None,
        State::Filtered => Some(Paint::Notable),
    });
    let inside = row.inside.as_ref().map(|l| l.addresses.join(", "));
    let remarks: Vec<&str> = row.remarks.iter().map(|r| r.explained()).collect();
    let is_bad = row
        .remarks
        .iter()
        .any(|r| matches!(r, Remark::Unexpected | Remark::Missing));
    let paint_of_remark = if is_bad { Paint::Bad } else { Paint::Notable };
    [
        Cell::new(&row.port.to_string()),
        Cell::new(top::name(row.port).unwrap_or_default()),
        Cell::new(row.outside.map_or("", State::as_str)).painted(paint),
        Cell::new(&inside.unwrap_or_default()),
        Cell::new(&open.map(said).unwrap_or_default()),
        Cell::new(&remarks.join("; ")).painted(paint_of_remark),
    ]
}

fn said(open: &Open) -> String {
    let text = match (&open.banner, &open.tls) {
        (Some(banner), _) => one_line(banner),
        (None, Some(tls)) => return certificate(tls),
        (None, None) => String::new(),
    };
    width::cut(&text, SAID)
}

fn certificate(tls: &Tls) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(tls.version.clone());
    let names = match tls.names.len() {
        0 => tls.subject.clone(),
        n if n > NAMES => Some(format!("{} +{}", tls.names[..NAMES].join(" "), n - NAMES)),
        _ => Some(tls.names.join(" ")),
    };
    parts.extend(names.map(|names| width::cut(&one_line(&names), SAID)));
    parts.extend(
        tls.issuer
            .as_ref()
            .map(|by| format!("by {}", width::cut(&one_line(by), SAID))),
    );
    let end = tls.not_after.and_then(|at| at.checked_mul(1000));
    parts
        .extend(end.map(|at| format!("until {}", time::local(at).split(' ').next().unwrap_or(""))));
    parts.join(", ")
}
