//! The inventory as a table.

use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};

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

/// The table as text. `width` is the terminal's: cells wrap to fit it; without one nothing does.
pub fn servers(servers: &[Server], long: bool, width: Option<u16>, style: Style) -> String {
    let columns: Vec<&Column> = COLUMNS.iter().filter(|c| long || !c.long).collect();
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    match width {
        Some(width) => {
            table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(width);
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    table.set_header(columns.iter().map(|c| c.title));
    for server in servers {
        table.add_row(columns.iter().map(|c| one_line(&(c.show)(server))));
    }
    for (at, column) in columns.iter().enumerate() {
        if let Some(cells) = table.column_mut(at) {
            cells.set_padding((0, 2));
            if column.title == "PORT" {
                cells.set_cell_alignment(CellAlignment::Right);
            }
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
