//! One server whole, for a person.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::sanitize::one_line;
use super::{Paint, Style, human, time, width};
use crate::inventory::Server;

/// Columns of the names; longer ones push their value.
const NAMES: usize = 13;
/// Values are not wrapped into fewer columns than this.
const NARROWEST: usize = 20;

/// A line for each thing that is known, longer values wrapped for a terminal of `columns` columns.
/// `times` tells when a metadata key was last set, in seconds since 1970.
pub fn card(
    server: &Server,
    times: &BTreeMap<String, i64>,
    has_sudo_password: bool,
    columns: Option<u16>,
    style: Style,
) -> String {
    let room = columns.map(|c| usize::from(c).saturating_sub(NAMES + 1).max(NARROWEST));
    let mut text = String::new();
    let mut row = |name: &str, value: &str, paint: Option<Paint>, note: &str| {
        if value.is_empty() {
            return;
        }
        let (name, value) = (one_line(name), one_line(value));
        let pad = " ".repeat(NAMES.saturating_sub(width::columns(&name)));
        text.push_str(&style.paint(Paint::Strong, &name));
        let mut before = pad + " ";
        let lines = match room {
            Some(room) => width::wrap(&value, room),
            None => vec![value.as_str()],
        };
        for (n, line) in lines.iter().enumerate() {
            if n > 0 {
                text.push('\n');
            }
            text.push_str(&before);
            match paint {
                Some(paint) => text.push_str(&style.paint(paint, line)),
                None => text.push_str(line),
            }
            before = " ".repeat(NAMES + 1);
        }
        if !note.is_empty() {
            text.push_str(&style.paint(Paint::Faint, &format!("  ({note})")));
        }
        text.push('\n');
    };
    row("id", &server.id, None, "");
    row("host", &server.host, None, "");
    row("user", &server.user, None, "");
    row("port", &server.port.to_string(), None, "");
    match server.sealed_pass.is_empty() {
        true => row("password", "none", Some(Paint::Faint), ""),
        false => row("password", "sealed", None, ""),
    }
    if has_sudo_password {
        row("sudo password", "sealed", None, "");
    }
    row(
        "description",
        server.description.as_deref().unwrap_or_default(),
        None,
        "",
    );
    let tags: Vec<&str> = server.tags.iter().map(String::as_str).collect();
    row("tags", &tags.join(" "), None, "");
    for (key, value) in &server.meta {
        let paint = match value {
            _ if key == "retired" => Some(Paint::Notable),
            Value::Bool(true) => Some(Paint::Good),
            Value::Bool(false) => Some(Paint::Faint),
            _ => None,
        };
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let note = times
            .get(key)
            .map_or_else(String::new, |at| set(*at, SystemTime::now()));
        row(key, &value, paint, &note);
    }
    text
}

/// `set 2026-01-31 12:00:00, 3d 4h ago`.
fn set(at: i64, now: SystemTime) -> String {
    let when = time::local(at.saturating_mul(1000));
    let since = u64::try_from(at)
        .ok()
        .map(|at| UNIX_EPOCH + Duration::from_secs(at));
    match since.and_then(|since| now.duration_since(since).ok()) {
        Some(ago) if ago < Duration::from_secs(60) => format!("set {when}, just now"),
        Some(ago) => format!("set {when}, {} ago", human::lasted(ago)),
        // A clock that was set back, or a database from a machine that is ahead.
        None => format!("set {when}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn everything_that_is_known() {
        let mut web = Server::new("web-服", "10.0.0.1", "root", 22);
        web.description = Some("a long line of words, \u{1b}[2J and more of them".into());
        web.set_meta("docker_compose_installed", json!(true));
        web.set_meta("ports", json!([22, 80]));
        web.tags.insert("edge".into());
        insta::assert_snapshot!(card(&web, &BTreeMap::new(), false, Some(40), Style::PLAIN), @r"
        id            web-服
        host          10.0.0.1
        user          root
        port          22
        password      none
        description   a long line of words,
                      ^[[2J and more of them
        tags          edge
        docker_compose_installed true
        ports         [22,80]
        ");
        assert!(
            card(&web, &BTreeMap::new(), false, Some(0), Style::PLAIN)
                .lines()
                .count()
                < 14
        );
        let colored = card(
            &web,
            &BTreeMap::new(),
            false,
            None,
            Style::new(Some(true), true),
        );
        assert!(colored.contains("\x1b[32mtrue\x1b[0m"), "{colored:?}");
    }

    #[test]
    fn times_and_how_long_ago() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(set(1_000_000, at(1_000_030)).ends_with(", just now"));
        assert!(set(1_000_000, at(1_000_000 + 90_000)).ends_with(", 1d 1h ago"));
        for odd in [-1, i64::MIN, i64::MAX, 2_000_000] {
            assert!(set(odd, at(1_000_000)).starts_with("set "), "{odd}");
            assert!(!set(odd, at(1_000_000)).contains("ago"), "{odd}");
        }
    }
}
