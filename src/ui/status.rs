//! How servers are, as a table: one that is drawn while answers come, and one for the end.

use super::grid::{Cell, Column, Grid};
use super::{Paint, Style, columns, human};
use crate::error::Error;
use crate::fleet::{Health, Outcome, Space, Status};
use crate::inventory::Server;

/// Above these shares, in percent, memory or disk deserve a look, or need somebody.
const FULL: [f64; 2] = [80.0, 95.0];
/// Above these loads per processor.
const BUSY: [f64; 2] = [1.0, 2.0];
/// Marks by the names of their columns.
const MARKS: &[&str] = &["cert", "docker", "daed", "yacht", "py", "retired"];

/// What is known of one server.
#[derive(Debug, Clone)]
pub struct Row {
    id: String,
    marks: Vec<&'static str>,
    /// `None` until the first answer.
    status: Option<Status>,
    health: Health,
    /// Why it is not well.
    note: String,
}

impl Row {
    /// A server that has not answered yet.
    pub fn waiting(server: &Server) -> Self {
        let marks = MARKS
            .iter()
            .filter(|name| !columns::value(server, name).is_null());
        Row {
            id: server.id.clone(),
            marks: marks.copied().collect(),
            status: None,
            health: Health::default(),
            note: String::new(),
        }
    }

    /// The server's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The names of the marks that it has.
    pub fn marks(&self) -> &[&'static str] {
        &self.marks
    }

    /// It has answered, or not. The time of a login is kept as long as the session is.
    pub fn update(&mut self, outcome: &Outcome<Health>) {
        let login = self.health.login;
        self.status = Some(outcome.status);
        self.health = outcome.value.clone().unwrap_or_default();
        if outcome.value.is_some() {
            self.health.login = self.health.login.or(login);
        }
        self.note = outcome.error.as_ref().map_or("", Error::message).to_owned();
    }
}

/// The table for a terminal of `width` columns; `notes` tells why a server is not well.
pub fn table(rows: &[Row], notes: bool, width: Option<u16>, style: Style) -> String {
    let mut columns = vec![
        Column::new("ID", Column::KEPT),
        Column::new("STATUS", Column::KEPT),
        Column::new("LOGIN", 4).right(),
        Column::new("ANSWER", 5).right(),
        Column::new("UPTIME", 7).right(),
        Column::new("LOAD", 8).right(),
        Column::new("MEMORY", 9).right(),
        Column::new("DISK /", 10).right(),
        Column::new("MARKS", 3),
    ];
    let notes = notes && rows.iter().any(|row| !row.note.is_empty());
    if notes {
        columns.push(Column::new("", 6));
    }
    let mut grid = Grid::new(columns);
    for row in rows {
        let mut cells = cells(row);
        if notes {
            cells.push(Cell::new(&row.note));
        }
        grid.push(cells);
    }
    grid.lay(width, style).text
}

fn cells(row: &Row) -> Vec<Cell> {
    let health = &row.health;
    let status = match row.status {
        Some(status) => Cell::new(status.as_str()).painted(Paint::from(status)),
        None => Cell::new("…").painted(Paint::Faint),
    };
    let time =
        |took: Option<std::time::Duration>| Cell::new(&took.map_or_else(String::new, human::took));
    let load = health.load.map_or_else(Cell::default, |load| {
        let per_cpu = load[0] / f64::from(health.cpus.unwrap_or(1).max(1));
        let text = match health.cpus {
            Some(cpus) => format!("{:.2}/{cpus}", load[0]),
            None => format!("{:.2}", load[0]),
        };
        Cell::new(&text).painted(level(per_cpu, BUSY))
    });
    vec![
        Cell::new(&row.id),
        status,
        time(health.login),
        time(health.answer),
        Cell::new(&health.uptime.map_or_else(String::new, human::lasted)),
        load,
        space(health.memory),
        space(health.disk),
        Cell::new(&row.marks.join(" ")).painted(Paint::Good),
    ]
}

/// `41% of 7.8G`.
fn space(space: Option<Space>) -> Cell {
    space.map_or_else(Cell::default, |space| {
        let used = space.used_percent();
        let text = format!("{used:.0}% of {}", human::bytes(space.total));
        Cell::new(&text).painted(level(used, FULL))
    })
}

fn level(value: f64, [notable, bad]: [f64; 2]) -> Option<Paint> {
    match value {
        v if v >= bad => Some(Paint::Bad),
        v if v >= notable => Some(Paint::Notable),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use serde_json::json;
    use std::time::Duration;

    fn rows() -> Vec<Row> {
        let mut web = Server::new("web-服", "h", "root", 22);
        web.set_meta("docker_installed", json!(true));
        web.set_meta("identity_cert_installed", json!(true));
        let all = [
            web,
            Server::new("db", "h", "root", 22),
            Server::new("late", "h", "root", 22),
        ];
        let mut rows: Vec<Row> = all.iter().map(Row::waiting).collect();
        let outcome = |value, error: Option<Error>| Outcome {
            server: String::new(),
            status: error.as_ref().map_or(Status::Ok, Status::of),
            value,
            error,
            duration: Duration::ZERO,
        };
        let health = Health {
            login: Some(Duration::from_millis(38)),
            answer: Some(Duration::from_millis(6)),
            uptime: Some(Duration::from_secs(3_553_200)),
            load: Some([4.5, 1.0, 1.0]),
            cpus: Some(4),
            memory: Some(Space {
                total: 8_375_000_000,
                free: 4_000_000_000,
            }),
            disk: Some(Space {
                total: 42_949_672_960,
                free: 1_000_000_000,
            }),
            ..Health::default()
        };
        rows[0].update(&outcome(Some(health.clone()), None));
        let refused = Error::new(Kind::Connect, "connection refused\u{1b}[2J");
        rows[1].update(&outcome(None, Some(refused)));
        // The session stays open: the time of its login is still the time of its login.
        rows[0].update(&outcome(
            Some(Health {
                login: None,
                ..health
            }),
            None,
        ));
        rows
    }

    #[test]
    fn a_table_at_every_moment() {
        insta::assert_snapshot!(table(&rows(), true, None, Style::PLAIN), @r"
        ID      STATUS       LOGIN  ANSWER  UPTIME    LOAD       MEMORY      DISK /  MARKS
        web-服  ok            38ms     6ms  41d 3h  4.50/4  52% of 7.8G  98% of 40G  cert docker
        db      unreachable                                                                       connection refused^[[2J
        late    …
        ");
        insta::assert_snapshot!(table(&rows(), false, Some(60), Style::PLAIN), @r"
        ID      STATUS       UPTIME    LOAD       MEMORY      DISK /
        web-服  ok           41d 3h  4.50/4  52% of 7.8G  98% of 40G
        db      unreachable
        late    …
        ");
        insta::assert_snapshot!(table(&rows(), true, Some(1), Style::PLAIN), @r"
        ID      STATUS
        web-服  ok
        db      unreachable
        late    …
        ");
    }

    #[test]
    fn colours_say_what_needs_somebody() {
        let text = table(&rows(), false, None, Style::new(Some(true), true));
        for part in [
            "\x1b[32mok",
            "\x1b[31munreachable",
            "\x1b[33m4.50/4",
            "\x1b[31m98%",
            "\x1b[2m…",
        ] {
            assert!(text.contains(part), "{part:?} in {text:?}");
        }
        assert!(!text.contains("m52%"), "{text:?}");
    }
}
