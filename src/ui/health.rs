//! How servers are, judged: a line for each server, or for each of its checks.

use std::time::Duration;

use serde_json::Value;

use super::grid::{Cell, Column, Grid};
use super::{Paint, Style, human};
use crate::error::Error;
use crate::fleet::{Outcome, Status};

/// What is known of one server.
#[derive(Debug, Clone)]
pub struct Row {
    id: String,
    status: Status,
    record: Value,
    /// Why nothing is known.
    note: String,
}

impl Row {
    /// What a server answered: the record of `server:health()`.
    pub fn new(outcome: &Outcome<Value>) -> Self {
        Row {
            id: outcome.server.clone(),
            status: outcome.status,
            record: outcome.value.clone().unwrap_or_default(),
            note: outcome.error.as_ref().map_or("", Error::message).to_owned(),
        }
    }

    /// The server's level, or how the asking ended.
    fn level(&self) -> Cell {
        match self.record["level"].as_str() {
            Some(level) => painted(level),
            None => Cell::new(self.status.as_str()).painted(Paint::from(self.status)),
        }
    }

    fn checks(&self) -> impl Iterator<Item = &Value> {
        self.record["checks"].as_array().into_iter().flatten()
    }

    /// What needs a look, the worst first.
    fn notes(&self) -> String {
        if self.record.is_null() {
            return self.note.clone();
        }
        let of = |level: &'static str| {
            let list = self.checks().filter(move |check| check["level"] == level);
            list.map(|check| format!("{}: {}", text(check, "name"), text(check, "text")))
        };
        let all = of("critical").chain(of("warn")).chain(of("unknown"));
        all.collect::<Vec<_>>().join("; ")
    }

    fn check(&self, name: &str) -> Option<&Value> {
        self.checks().find(|check| check["name"] == name)
    }
}

fn painted(level: &str) -> Cell {
    let paint = match level {
        "ok" => Paint::Good,
        "critical" => Paint::Bad,
        _ => Paint::Notable,
    };
    Cell::new(level).painted(paint)
}

/// A line for each server.
pub fn table(rows: &[Row], width: Option<u16>, style: Style) -> String {
    let mut grid = Grid::new(vec![
        Column::new("ID", Column::KEPT),
        Column::new("HEALTH", Column::KEPT),
        Column::new("UPTIME", 2).right(),
        Column::new("LOAD", 3).right(),
        Column::new("MEMORY", 4).right(),
        Column::new("DISK", 5).right(),
        Column::new("UPDATES", 1).right(),
        Column::new("WHAT", 9),
    ]);
    for row in rows {
        grid.push(vec![
            Cell::new(&row.id),
            row.level(),
            uptime(&row.record),
            // Per processor.
            value(row, "load", |n| format!("{n:.2}")),
            value(row, "memory", |n| format!("{n:.0}%")),
            value(row, "disk", |n| format!("{n:.0}%")),
            value(row, "updates", |n| format!("{n:.0}")),
            Cell::new(&row.notes()),
        ]);
    }
    grid.lay(width, style).text
}

fn uptime(record: &Value) -> Cell {
    let seconds = record["uptime"].as_u64().map(Duration::from_secs);
    Cell::new(&seconds.map_or_else(String::new, human::lasted))
}

/// The value of a check in the paint of its level.
fn value(row: &Row, name: &str, form: impl Fn(f64) -> String) -> Cell {
    let Some(check) = row.check(name) else {
        return Cell::default();
    };
    match (check["value"].as_f64(), text(check, "level")) {
        (Some(number), "critical") => Cell::new(&form(number)).painted(Paint::Bad),
        (Some(number), "warn") => Cell::new(&form(number)).painted(Paint::Notable),
        (Some(number), _) => Cell::new(&form(number)),
        (None, level) => Cell::new(level),
    }
}

/// A line for each check.
pub fn checks(rows: &[Row], width: Option<u16>, style: Style) -> String {
    let mut grid = Grid::new(vec![
        Column::new("ID", Column::KEPT),
        Column::new("CHECK", Column::KEPT),
        Column::new("HEALTH", Column::KEPT),
        Column::new("WHAT", 9),
    ]);
    for row in rows {
        for check in row.checks() {
            grid.push(vec![
                Cell::new(&row.id),
                Cell::new(text(check, "name")),
                painted(text(check, "level")),
                Cell::new(text(check, "text")),
            ]);
        }
        if row.record.is_null() {
            grid.push(vec![
                Cell::new(&row.id),
                Cell::default(),
                row.level(),
                Cell::new(&row.note),
            ]);
        }
    }
    grid.lay(width, style).text
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::Kind;

    fn rows() -> Vec<Row> {
        let check = |name: &str, level: &str, value: Value, text: &str| json!({"name": name, "level": level, "value": value, "text": text});
        let outcome = |server: &str, value: Option<Value>, error: Option<Error>| Outcome {
            server: server.into(),
            status: error.as_ref().map_or(Status::Ok, Status::of),
            value,
            error,
            duration: Duration::ZERO,
        };
        let sick = json!({"level": "critical", "uptime": 3_553_200, "checks": [
            check("load", "ok", json!(0.25), "0.50 on 2 processors"),
            check("memory", "warn", json!(91.5), "92% of 4.0G used"),
            check("disk", "critical", json!(99.0), "/srv\u{1b}[2J 99% used"),
            check("updates", "unknown", Value::Null, "no lists"),
        ]});
        let well = json!({"level": "ok", "checks": [check("load", "ok", json!(0), "none")]});
        let refused = Error::new(Kind::Connect, "connection refused");
        let all = [
            outcome("web", Some(sick), None),
            outcome("db", Some(well), None),
            outcome("gone", None, Some(refused)),
        ];
        all.iter().map(Row::new).collect()
    }

    #[test]
    fn the_worst_is_told_first() {
        insta::assert_snapshot!(table(&rows(), None, Style::PLAIN), @r"
        ID    HEALTH       UPTIME  LOAD  MEMORY  DISK  UPDATES  WHAT
        web   critical     41d 3h  0.25     92%   99%  unknown  disk: /srv^[[2J 99% used; memory: 92% of 4.0G used; updates: no lists
        db    ok                   0.00
        gone  unreachable                                       connection refused
        ");
    }

    #[test]
    fn every_check_has_a_line() {
        insta::assert_snapshot!(checks(&rows(), None, Style::PLAIN), @r"
        ID    CHECK    HEALTH       WHAT
        web   load     ok           0.50 on 2 processors
        web   memory   warn         92% of 4.0G used
        web   disk     critical     /srv^[[2J 99% used
        web   updates  unknown      no lists
        db    load     ok           none
        gone           unreachable  connection refused
        ");
    }

    #[test]
    fn colours_are_those_of_the_level() {
        let text = table(&rows(), None, Style::new(Some(true), true));
        for part in [
            "\x1b[31mcritical",
            "\x1b[33m92%",
            "\x1b[31m99%",
            "\x1b[32mok",
        ] {
            assert!(text.contains(part), "{part:?} in {text:?}");
        }
    }
}
