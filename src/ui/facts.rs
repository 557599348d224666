//! Facts for a person: sizes and times in a few characters, lists as lines.

use std::time::Duration;

use serde_json::{Map, Value};

use super::grid::{Cell, Column, Grid};
use super::sanitize::one_line;
use super::{Paint, Style, human};
use crate::inventory::facts::at;

/// What a table of several servers shows unless told.
pub const USUAL: &[&str] = &[
    "os.name",
    "kernel.release",
    "arch",
    "cpu.count",
    "memory.total",
    "disk.total",
    "virtualization",
    "address",
];

/// The value of a fact at a glance. `path` says what it is: sizes are bytes, times seconds.
pub fn shown(path: &str, value: &Value) -> String {
    let is_size = |part: &str| matches!(part, "total" | "free" | "available");
    match (value, value.as_u64()) {
        (Value::Null, _) => String::new(),
        (Value::String(text), _) => text.clone(),
        (_, Some(bytes)) if path.rsplit('.').next().is_some_and(is_size) => human::bytes(bytes),
        (_, Some(seconds)) if path == "uptime" => human::lasted(Duration::from_secs(seconds)),
        (Value::Array(items), _) => {
            let items = items.iter().map(|item| shown(path, item));
            items.collect::<Vec<_>>().join(", ")
        }
        (Value::Object(fields), _) => object(path, fields),
        (other, _) => other.to_string(),
    }
}

fn object(path: &str, fields: &Map<String, Value>) -> String {
    let get = |key: &str| fields.get(key).map_or_else(String::new, |v| shown(key, v));
    match path {
        "disks" => format!("{}: {} free of {}", get("mount"), get("free"), get("total")),
        "addresses" => format!("{} {}", get("interface"), get("address")),
        "users" => get("name"),
        "commands" => fields.keys().cloned().collect::<Vec<_>>().join(" "),
        "memory" | "swap" | "disk" => fields
            .iter()
            .map(|(key, value)| format!("{} {key}", shown(key, value)))
            .collect::<Vec<_>>()
            .join(", "),
        _ => fields
            .iter()
            .map(|(key, value)| format!("{key} {}", shown(key, value)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// The order in which a card tells; what is not named comes last.
#[rustfmt::skip]
const ORDER: &[&str] = &[
    "os", "kernel", "arch", "virtualization", "cpu", "memory", "swap", "disk", "disks", "hostname",
    "address", "interface", "addresses", "uptime", "timezone", "init", "package_manager", "docker",
    "commands", "user", "uid", "home", "shell", "users",
];

/// All facts of one server, a line each; disks and addresses one for each of them. `title` stands
/// above.
pub fn card(title: &str, facts: &Value, style: Style) -> String {
    let mut text = format!("{}\n", style.paint(Paint::Strong, &one_line(title)));
    let mut all: Vec<(&String, &Value)> = facts.as_object().into_iter().flatten().collect();
    let place = |key: &String| ORDER.iter().position(|k| k == key).unwrap_or(ORDER.len());
    all.sort_by_key(|(key, _)| place(key));
    for (key, value) in all {
        let lines: Vec<String> = match (key.as_str(), value) {
            ("disks" | "addresses", Value::Array(items)) => {
                items.iter().map(|item| shown(key, item)).collect()
            }
            // What it calls itself says the rest, too.
            ("os", value) => vec![shown(key, at(value, "name").unwrap_or(value))],
            (_, value) => vec![shown(key, value)],
        };
        let mut name = key.as_str();
        for line in lines.iter().filter(|line| !line.is_empty()) {
            text.push_str(&format!("  {name:<15} {}\n", one_line(line)));
            name = "";
        }
    }
    text
}

/// A table: ids, and the facts at these paths.
pub fn table(
    columns: &[String],
    rows: &[(String, Value)],
    width: Option<u16>,
    style: Style,
) -> String {
    let mut titles = vec![Column::new("ID", Column::KEPT)];
    titles.extend((1..).zip(columns).map(|(at, path)| {
        let weight = 100_u8.saturating_sub(at);
        Column::new(path.to_uppercase(), weight)
    }));
    let mut grid = Grid::new(titles);
    for (id, facts) in rows {
        let mut cells = vec![Cell::new(id)];
        cells.extend(columns.iter().map(|path| {
            let value = at(facts, path).unwrap_or(&Value::Null);
            Cell::new(&shown(path, value))
        }));
        grid.push(cells);
    }
    grid.lay(width, style).text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn at_a_glance() {
        let facts = json!({
            "os": {"id": "debian", "name": "Debian\u{1b}[2J 12"},
            "memory": {"total": 8_375_000_000_u64, "available": 1024},
            "uptime": 90_061,
            "disks": [{"mount": "/", "free": 1024, "total": 2048, "device": "/dev/a"}],
            "commands": {"bash": "/bin/bash", "sudo": "/bin/sudo"},
        });
        let card = card("web\n", &facts, Style::PLAIN);
        for line in [
            "web^J",
            "  os              Debian^[[2J 12",
            "  memory          7.8G total, 1.0K available",
            "  uptime          1d 1h",
            "  disks           /: 1.0K free of 2.0K",
            "  commands        bash sudo",
        ] {
            assert!(card.lines().any(|l| l == line), "no {line:?} in\n{card}");
        }
        let rows = [("web".to_owned(), facts)];
        let columns = ["memory.total".to_owned(), "none.at.all".to_owned()];
        let text = table(&columns, &rows, None, Style::PLAIN);
        assert!(
            text.starts_with("ID   MEMORY.TOTAL") && text.contains("7.8G"),
            "{text}"
        );
    }
}
