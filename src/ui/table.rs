//! The inventory as a table.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, TableStyle, Width};

use super::sanitize::one_line;
use super::{Paint, Style};
use crate::inventory::Server;

/// One column: its title, what it shows of a server, and whether it is only for `--long`.
struct Column {
    title: &'static str,
    show: fn(&Server) -> String,
    long: bool,
}

/// The columns in order.
const COLUMNS: &[Column] = &[
    Column {
        title: "ID",
        show: |s| s.id.clone(),
        long: false,
    },
    Column {
        title: "HOST",
        show: |s| s.host.clone(),
        long: false,
    },
    Column {
        title: "USER",
        show: |s| s.user.clone(),
        long: true,
    },
    Column {
        title: "PORT",
        show: |s| s.port.to_string(),
        long: true,
    },
    Column {
        title: "TUNNEL",
        show: |s| s.tunnel().unwrap_or_default().to_owned(),
        long: false,
    },
    Column {
        title: "RETIRED",
        show: |s| mark(s, "retired"),
        long: false,
    },
    Column {
        title: "CERT",
        show: cert,
        long: false,
    },
    Column {
        title: "DOCKER",
        show: docker,
        long: false,
    },
    Column {
        title: "DAED",
        show: |s| mark(s, "daed_installed"),
        long: false,
    },
    Column {
        title: "YACHT",
        show: |s| mark(s, "yacht_installed"),
        long: false,
    },
    Column {
        title: "PY",
        show: |s| mark(s, "python3_installed"),
        long: false,
    },
    Column {
        title: "TAGS",
        show: tags,
        long: false,
    },
    Column {
        title: "HOME",
        show: |s| s.home().unwrap_or_default().to_owned(),
        long: true,
    },
    Column {
        title: "DESCRIPTION",
        show: |s| s.description.clone().unwrap_or_default(),
        long: true,
    },
];

/// Spaces between columns.
const GAP: u16 = 2;
/// Columns are not made narrower than this for the terminal's sake: text of a few characters a
/// line is worse to read than a table that is too wide.
const NARROWEST: u16 = 12;

/// The table as text. `width` is the terminal's: when the table is wider, columns without any
/// value are left out, then cells wrap. Without one nothing of this happens.
pub fn servers(servers: &[Server], long: bool, width: Option<u16>, style: Style) -> String {
    let mut columns: Vec<&Column> = COLUMNS.iter().filter(|c| long || !c.long).collect();
    let mut table = filled(&columns, servers);
    if let Some(width) = width.filter(|w| natural(&table) > *w) {
        columns.retain(|c| servers.iter().any(|s| !(c.show)(s).is_empty()));
        table = filled(&columns, servers);
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
        let needed = table.column_max_content_widths();
        for (cells, needed) in table.column_iter_mut().zip(needed) {
            let least = Width::Fixed(needed.min(NARROWEST) + GAP);
            cells.set_constraint(ColumnConstraint::LowerBoundary(least));
        }
    }
    let mut text = String::new();
    for (at, line) in table.lines().enumerate() {
        let line = line.trim_end();
        match at {
            0 => text.push_str(&style.paint(Paint::Strong, line)),
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

/// Titles and rows, as wide as they are.
fn filled(columns: &[&Column], servers: &[Server]) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|c| c.title));
    for server in servers {
        table.add_row(columns.iter().map(|c| one_line(&(c.show)(server))));
    }
    for (cells, column) in table.column_iter_mut().zip(columns) {
        cells.set_padding((0, GAP));
        if column.title == "PORT" {
            cells.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// How wide the table is when nothing wraps.
fn natural(table: &Table) -> u16 {
    let widths = table.column_max_content_widths().into_iter();
    widths.fold(0, |sum, width| {
        sum.saturating_add(width).saturating_add(GAP)
    })
}

fn mark(server: &Server, key: &str) -> String {
    if server.has_mark(key) {
        "yes".to_owned()
    } else {
        String::new()
    }
}

/// How a server is entered with a key: its own, with the file, or a default one.
fn cert(server: &Server) -> String {
    match server.key() {
        Some(path) => format!("custom {path}"),
        None if server.has_mark("identity_cert_installed") => "default".to_owned(),
        None => String::new(),
    }
}

fn docker(server: &Server) -> String {
    match server.has_mark("docker_compose_installed") {
        true => "compose".to_owned(),
        false => mark(server, "docker_installed"),
    }
}

fn tags(server: &Server) -> String {
    server
        .tags
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_narrow_terminal_shows_what_there_is() {
        let mut web = Server::new("sandbox-01", "127.0.0.1", "root", 22);
        web.set_meta(
            "local_cert_path",
            json!("/home/me/keys/of/this/room/id_ed25519"),
        );
        let all = [web, Server::new("x\u{1b}[2J", "h", "root", 22)];
        let plain = || Style::new(Some(false), true);
        let table = |width| servers(&all, false, width, plain());
        let free = table(None);
        assert!(free.starts_with("ID") && free.contains("YACHT") && free.lines().count() == 3);
        assert_eq!(table(Some(300)), free);
        let narrow = table(Some(50));
        assert!(!narrow.contains("YACHT") && !narrow.contains('\u{1b}'));
        assert!(narrow.lines().all(|l| l.chars().count() <= 50), "{narrow}");
        assert!(narrow.contains("sandbox-01  127.0.0.1  custom"), "{narrow}");
        // Too narrow for anything: the terminal wraps, the words stay whole.
        for width in [1, 20] {
            assert!(table(Some(width)).contains("sandbox-01  127.0.0.1  custom"));
        }
    }
}
