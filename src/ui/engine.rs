//! What Docker runs where, as tables: a line for each server, or for each container.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::grid::{Cell, Column, Grid};
use super::{Paint, Style, human};
use crate::fleet::{Outcome, Status};

/// An image older than this deserves a look, seconds: a year.
const OLD: u64 = 365 * 24 * 3600;

/// A line for each server.
pub fn table(outcomes: &[Outcome<Value>], width: Option<u16>, style: Style) -> String {
    let has_disk = outcomes
        .iter()
        .any(|o| o.value.as_ref().is_some_and(|v| v["disk"].is_array()));
    let mut columns = vec![
        Column::new("ID", Column::KEPT),
        Column::new("DOCKER", Column::KEPT),
        Column::new("COMPOSE", 4),
        Column::new("ASKED", 2),
        Column::new("RUNNING", 10).right(),
        Column::new("STOPPED", 7).right(),
        Column::new("RESTARTS", 5).right(),
        Column::new("IMAGES", 6).right(),
        Column::new("DANGLING", 1).right(),
        Column::new("OLDEST", 3).right(),
    ];
    if has_disk {
        columns.push(Column::new("DISK", 8).right());
        columns.push(Column::new("TO FREE", 8).right());
    }
    columns.push(Column::new("NOT WELL", 9));
    let mut grid = Grid::new(columns);
    for outcome in outcomes {
        grid.push(server(outcome, has_disk));
    }
    grid.lay(width, style).text
}

fn server(outcome: &Outcome<Value>, has_disk: bool) -> Vec<Cell> {
    let nothing = Value::Null;
    let found = outcome.value.as_ref().unwrap_or(&nothing);
    let counts = &found["counts"];
    let number =
        |value: &Value| Cell::new(&value.as_u64().map_or_else(String::new, |n| n.to_string()));
    let running = counts.as_object().map(|_| count(counts, "running"));
    let all = found["containers"].as_array().map(|list| list.len() as u64);
    let stopped = all.map(|all| all.saturating_sub(running.unwrap_or(0)));
    let cell = |n: Option<u64>| Cell::new(&n.map_or_else(String::new, |n| n.to_string()));
    let images = &found["images"];
    let mut cells = vec![
        Cell::new(&outcome.server),
        state(outcome, found),
        Cell::new(text(found, "compose")),
        Cell::new(match text(found, "access") {
            "direct" => "",
            other => other,
        }),
        cell(running),
        cell(stopped),
        number(&found["restarts"]),
        number(&images["count"]),
        number(&images["dangling"]),
        age(&images["oldest"], OLD),
    ];
    if has_disk {
        let sum = |key: &str| {
            let parts = found["disk"].as_array()?;
            Some(parts.iter().filter_map(|part| part[key].as_u64()).sum())
        };
        let size = |n: Option<u64>| Cell::new(&n.map_or_else(String::new, human::bytes));
        cells.push(size(sum("size")));
        cells.push(size(sum("reclaimable")));
    }
    cells.push(unwell(found));
    cells
}

/// The engine's version, or why there is none.
fn state(outcome: &Outcome<Value>, found: &Value) -> Cell {
    match (text(found, "state"), text(found, "version")) {
        ("", _) => Cell::new(outcome.status.as_str()).painted(Paint::from(outcome.status)),
        ("up", "") => Cell::new("up").painted(Paint::Good),
        ("up", version) => Cell::new(version).painted(Paint::Good),
        ("absent", _) => Cell::new("absent").painted(Paint::Faint),
        (other, _) => Cell::new(other).painted(Paint::Bad),
    }
}

fn unwell(found: &Value) -> Cell {
    let list = found["unwell"].as_array();
    let each = list
        .into_iter()
        .flatten()
        .map(|one| format!("{} {}", text(one, "name"), text(one, "why")));
    Cell::new(&each.collect::<Vec<_>>().join(", ")).painted(Paint::Bad)
}

/// A line for each container; a server without any has one that says why.
pub fn containers(outcomes: &[Outcome<Value>], width: Option<u16>, style: Style) -> String {
    let mut grid = Grid::new(vec![
        Column::new("ID", Column::KEPT),
        Column::new("CONTAINER", Column::KEPT),
        Column::new("STATE", 10),
        Column::new("HEALTH", 9),
        Column::new("RESTARTS", 6).right(),
        Column::new("UP", 5).right(),
        Column::new("IMAGE", 8),
        Column::new("IMAGE AGE", 4).right(),
    ]);
    for outcome in outcomes {
        let list = outcome.value.as_ref().map(|v| &v["containers"]);
        let list = list.and_then(Value::as_array).filter(|l| !l.is_empty());
        for one in list.into_iter().flatten() {
            grid.push(container(&outcome.server, one));
        }
        if list.is_none() {
            let nothing = Value::Null;
            let found = outcome.value.as_ref().unwrap_or(&nothing);
            let is_up = text(found, "state") == "up" && outcome.status != Status::Failed;
            let mut cells = vec![Cell::default(); 8];
            cells[0] = Cell::new(&outcome.server);
            cells[2] = match is_up {
                true => Cell::new("none").painted(Paint::Faint),
                false => state(outcome, found),
            };
            grid.push(cells);
        }
    }
    grid.lay(width, style).text
}

fn container(server: &str, one: &Value) -> Vec<Cell> {
    let state = text(one, "state");
    let paint = match state {
        "running" => Some(Paint::Good),
        "restarting" | "dead" => Some(Paint::Bad),
        _ => Some(Paint::Faint),
    };
    let health = match text(one, "health") {
        "unhealthy" => Cell::new("unhealthy").painted(Paint::Bad),
        "none" => Cell::default(),
        other => Cell::new(other),
    };
    let shown = match (state, one["exit_code"].as_u64()) {
        ("exited", Some(code)) => format!("exited {code}"),
        _ => state.to_owned(),
    };
    let restarts = one["restarts"].as_u64().filter(|n| *n > 0);
    vec![
        Cell::new(server),
        Cell::new(text(one, "name")),
        Cell::new(&shown).painted(paint),
        health,
        Cell::new(&restarts.map_or_else(String::new, |n| n.to_string())),
        match state {
            "running" => age(&one["started"], u64::MAX),
            _ => Cell::default(),
        },
        Cell::new(text(one, "image")),
        age(&one["image_created"], OLD),
    ]
}

/// How long ago that was; notable above so many seconds.
fn age(at: &Value, notable: u64) -> Cell {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_secs();
    let Some(age) = at.as_u64().map(|at| now.saturating_sub(at)) else {
        return Cell::default();
    };
    let paint = (age > notable).then_some(Paint::Notable);
    Cell::new(&human::lasted(Duration::from_secs(age))).painted(paint)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn count(counts: &Value, key: &str) -> u64 {
    counts[key].as_u64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outcomes() -> Vec<Outcome<Value>> {
        let outcome = |server: &str, status, value| Outcome {
            server: server.into(),
            status,
            value,
            error: None,
            duration: Duration::ZERO,
        };
        let up = json!({
            "state": "up", "version": "26.1.5", "compose": "2.26.1", "access": "sudo",
            "counts": {"running": 1, "exited": 1}, "restarts": 4,
            "unwell": [{"name": "api\u{1b}[2J", "why": "unhealthy"}],
            "images": {"count": 2, "dangling": 1},
            "containers": [
                {"name": "api", "image": "api:1", "state": "running", "health": "unhealthy", "restarts": 4},
                {"name": "job", "image": "job:1", "state": "exited", "exit_code": 3},
            ],
        });
        let none = json!({"state": "up", "version": "29.0", "counts": {}, "restarts": 0,
            "unwell": [], "images": {"count": 0, "dangling": 0}, "containers": []});
        vec![
            outcome("web-01", Status::Ok, Some(up)),
            outcome("web-02", Status::Ok, Some(none)),
            outcome("db-01", Status::Ok, Some(json!({"state": "absent"}))),
            outcome("db-02", Status::Failed, Some(json!({"state": "denied"}))),
            outcome("gone", Status::Unreachable, None),
        ]
    }

    #[test]
    fn what_is_not_known_is_not_nothing() {
        insta::assert_snapshot!(table(&outcomes(), None, Style::PLAIN), @r"
        ID      DOCKER       COMPOSE  ASKED  RUNNING  STOPPED  RESTARTS  IMAGES  DANGLING  OLDEST  NOT WELL
        web-01  26.1.5       2.26.1   sudo         1        1         4       2         1          api^[[2J unhealthy
        web-02  29.0                               0        0         0       0         0
        db-01   absent
        db-02   denied
        gone    unreachable
        ");
    }

    #[test]
    fn each_container_has_a_line() {
        insta::assert_snapshot!(containers(&outcomes(), None, Style::PLAIN), @r"
        ID      CONTAINER  STATE        HEALTH     RESTARTS  UP  IMAGE  IMAGE AGE
        web-01  api        running      unhealthy         4      api:1
        web-01  job        exited 3                              job:1
        web-02             none
        db-01              absent
        db-02              denied
        gone               unreachable
        ");
    }

    #[test]
    fn an_old_image_is_notable() {
        let style = Style::new(Some(true), true);
        let mut old = outcomes();
        if let Some(value) = &mut old[0].value {
            value["images"]["oldest"] = json!(1_000_000_000);
        }
        assert!(table(&old, None, style).contains("\x1b[33m"));
        assert!(!table(&outcomes(), None, style).contains("\x1b[33m"));
    }
}
