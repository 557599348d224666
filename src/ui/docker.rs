//! What docker has on servers, as one table over all of them. Pure.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::grid::{Cell, Column, Grid};
use super::{Paint, Style, human};
use crate::fleet::Outcome;

/// Characters of an id that are enough to tell one from another.
const ID: usize = 12;

/// The table of a verb's records. A server that did not answer is a row too.
pub fn table(
    verb: &str,
    outcomes: &[Outcome<Vec<Value>>],
    width: Option<u16>,
    style: Style,
) -> String {
    let mut columns = vec![Column::new("SERVER", Column::KEPT)];
    columns.extend(titles(verb));
    let count = columns.len();
    let mut grid = Grid::new(columns);
    let mut is_empty = true;
    for outcome in outcomes {
        let mut rows: Vec<Vec<Cell>> = outcome
            .value
            .iter()
            .flatten()
            .flat_map(|r| cells(verb, r))
            .collect();
        if outcome.error.is_some() {
            rows.push(vec![Cell::new(outcome.status.as_str()).painted(Paint::Bad)]);
        }
        for mut row in rows {
            row.insert(0, Cell::new(&outcome.server));
            row.resize(count, Cell::default());
            grid.push(row);
            is_empty = false;
        }
    }
    match is_empty {
        true => String::new(),
        false => grid.lay(width, style).text,
    }
}

#[rustfmt::skip]
fn titles(verb: &str) -> Vec<Column> {
    let text = Column::new;
    let number = |title: &str, weight| Column::new(title, weight).right();
    match verb {
        "ps" => vec![
            text("NAME", Column::KEPT), text("IMAGE", 6), text("STATE", 9), text("STATUS", 5), text("PORTS", 4),
            text("ID", 1),
        ],
        "images" => vec![
            text("IMAGE", Column::KEPT), text("ID", 2), number("SIZE", 6), text("AGE", 5), text("FOR", 3),
        ],
        "stats" => vec![
            text("NAME", Column::KEPT), number("CPU %", 9), number("MEMORY", 8), number("LIMIT", 4),
            number("NET IN", 3), number("NET OUT", 3), number("DISK IN", 2), number("DISK OUT", 2), number("PIDS", 1),
        ],
        "networks" => vec![
            text("NAME", Column::KEPT), text("DRIVER", 5), text("SUBNETS", 6), text("SCOPE", 2), text("ID", 1),
        ],
        "volumes" => vec![text("NAME", Column::KEPT), text("DRIVER", 4), text("AGE", 5), text("PATH", 3)],
        "version" => vec![
            text("ENGINE", Column::KEPT), text("CLIENT", 4), text("API", 5), text("FOR", 3), text("COMPOSE", 6),
            text("ROOTLESS", 2),
        ],
        _ => vec![
            text("ENGINE", Column::KEPT), number("CONTAINERS", 5), number("RUNNING", 6), number("IMAGES", 4),
            text("STORAGE", 3), number("CPUS", 2), number("MEMORY", 2), text("SYSTEM", 1),
        ],
    }
}

/// The rows of one record.
fn cells(verb: &str, record: &Value) -> Vec<Vec<Cell>> {
    let of = |key: &str| Cell::new(&shown(&record[key]));
    let bytes = |key: &str| Cell::new(&record[key].as_u64().map_or_else(String::new, human::bytes));
    let id = |key: &str| {
        let id = record[key].as_str().unwrap_or_default();
        let id = id.strip_prefix("sha256:").unwrap_or(id);
        Cell::new(&id.chars().take(ID).collect::<String>())
    };
    let machine = || {
        Cell::new(&format!(
            "{}/{}",
            shown(&record["os"]),
            shown(&record["arch"])
        ))
    };
    let joined = |key: &str| {
        let list = record[key].as_array().into_iter().flatten();
        Cell::new(&list.map(shown).collect::<Vec<String>>().join(", "))
    };
    match verb {
        "ps" => vec![vec![
            of("name"),
            of("image"),
            state(record),
            of("status"),
            Cell::new(&ports(record)),
            id("id"),
        ]],
        "images" => {
            let tags: Vec<String> = record["tags"]
                .as_array()
                .into_iter()
                .flatten()
                .map(shown)
                .collect();
            let tags = if tags.is_empty() {
                vec!["-".to_owned()]
            } else {
                tags
            };
            let row = |tag: String| {
                vec![
                    Cell::new(&tag),
                    id("id"),
                    bytes("size"),
                    age(record),
                    machine(),
                ]
            };
            tags.into_iter().map(row).collect()
        }
        "stats" => vec![vec![
            of("name"),
            of("cpu"),
            bytes("memory"),
            bytes("memory_limit"),
            bytes("net_in"),
            bytes("net_out"),
            bytes("block_in"),
            bytes("block_out"),
            of("pids"),
        ]],
        "networks" => vec![vec![
            of("name"),
            of("driver"),
            joined("subnets"),
            of("scope"),
            id("id"),
        ]],
        "volumes" => vec![vec![of("name"), of("driver"), age(record), of("path")]],
        "version" => vec![vec![
            of("server"),
            of("client"),
            of("api"),
            machine(),
            of("compose"),
            Cell::new(if record["is_rootless"] == true {
                "yes"
            } else {
                ""
            }),
        ]],
        _ => vec![vec![
            of("ServerVersion"),
            of("Containers"),
            of("ContainersRunning"),
            of("Images"),
            of("Driver"),
            of("NCPU"),
            bytes("MemTotal"),
            of("OperatingSystem"),
        ]],
    }
}

/// State and health in a word.
fn state(record: &Value) -> Cell {
    let state = record["state"].as_str().unwrap_or_default();
    let (word, paint) = match (state, record["health"].as_str()) {
        ("running", Some("unhealthy")) => ("unhealthy", Some(Paint::Bad)),
        ("running", Some("starting")) => ("starting", Some(Paint::Notable)),
        ("running", Some(health)) => (health, Some(Paint::Good)),
        ("running", None) => (state, Some(Paint::Good)),
        ("exited", _) if record["exit_code"] != 0 => (state, Some(Paint::Bad)),
        ("restarting" | "dead", _) => (state, Some(Paint::Bad)),
        ("paused", _) => (state, Some(Paint::Notable)),
        (state, _) => (state, Some(Paint::Faint)),
    };
    Cell::new(word).painted(paint)
}

/// `8080->80/tcp`; an address that is not everybody's stands before it.
fn ports(record: &Value) -> String {
    let mut all: Vec<String> = Vec::new();
    for port in record["ports"].as_array().into_iter().flatten() {
        let inside = format!("{}/{}", shown(&port["port"]), shown(&port["protocol"]));
        let text = match (port["host_port"].as_u64(), port["host_ip"].as_str()) {
            (Some(outside), None | Some("0.0.0.0" | "::")) => format!("{outside}->{inside}"),
            (Some(outside), Some(ip)) => format!("{ip}:{outside}->{inside}"),
            (None, _) => inside,
        };
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all.join(", ")
}

fn age(record: &Value) -> Cell {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let age = record["created"]
        .as_u64()
        .map(|then| now.saturating_sub(Duration::from_secs(then)));
    Cell::new(&age.map_or_else(String::new, human::lasted))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Kind};
    use crate::fleet::Status;
    use serde_json::json;

    fn outcome(server: &str, records: Value) -> Outcome<Vec<Value>> {
        Outcome {
            server: server.to_owned(),
            status: Status::Ok,
            value: records.as_array().cloned(),
            error: None,
            duration: Duration::ZERO,
        }
    }

    #[test]
    fn containers_of_many_servers_are_one_table() {
        let web = outcome(
            "web-01",
            json!([
                {
                    "name": "shop", "image": "shop:41", "state": "running", "health": "unhealthy",
                    "status": "Up 2 hours (unhealthy)", "id": "1c56285144490be4b2a7",
                    "ports": [
                        { "host_ip": "0.0.0.0", "host_port": 80, "port": 8080, "protocol": "tcp" },
                        { "host_ip": "::", "host_port": 80, "port": 8080, "protocol": "tcp" },
                        { "host_ip": "127.0.0.1", "host_port": 81, "port": 81, "protocol": "tcp" },
                        { "port": 9, "protocol": "udp" },
                    ],
                },
                { "name": "evil\u{1b}[2J", "state": "exited", "exit_code": 1 },
            ]),
        );
        let mut down = outcome("web-02", json!(null));
        down.status = Status::Unreachable;
        down.error = Some(Error::new(Kind::Connect, "no route"));
        let text = table("ps", &[web, down], None, Style::PLAIN);
        insta::assert_snapshot!(text, @r"
        SERVER  NAME         IMAGE    STATE      STATUS                  PORTS                                      ID
        web-01  shop         shop:41  unhealthy  Up 2 hours (unhealthy)  80->8080/tcp, 127.0.0.1:81->81/tcp, 9/udp  1c5628514449
        web-01  evil^[[2J             exited
        web-02  unreachable
        ");
    }

    #[test]
    fn every_table_takes_any_record() {
        for verb in [
            "ps", "images", "stats", "networks", "volumes", "version", "info",
        ] {
            let odd = outcome(
                "a",
                json!([{}, { "name": 3, "ports": "x", "tags": [null], "size": "big" }, []]),
            );
            let text = table(verb, &[odd], Some(40), Style::PLAIN);
            assert!(text.starts_with("SERVER"), "{verb}: {text}");
            assert!(table(verb, &[outcome("a", json!([]))], None, Style::PLAIN).is_empty());
        }
    }
}
