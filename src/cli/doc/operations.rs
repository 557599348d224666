//! `mroom doc ops`: the operations as a table, beside what Ansible and pyinfra call them.

use serde_json::{Value, json};

use crate::lua::OpInfo;
use crate::ui::grid::{Cell, Column, Grid};
use crate::ui::{Style, doc, json};

/// The titles, and how important each column is where there is little room.
const COLUMNS: [(&str, u8); 7] = [
    ("OPERATION", Column::KEPT),
    ("IDEMPOTENT", 6),
    ("CHECK", 5),
    ("DIFF", 4),
    ("PLATFORMS", 3),
    ("ANSIBLE", 2),
    ("PYINFRA", 1),
];

/// What each column says of an operation.
fn cells(op: &OpInfo) -> [&str; 7] {
    let idempotent = match (op.looks_again, op.has_guards) {
        (true, _) => "yes",
        (false, true) => "with a guard",
        (false, false) => "no",
    };
    let none = "-";
    [
        &op.name,
        idempotent,
        // The engine predicts every one, or says that nobody can know.
        "yes",
        if op.has_diff { "yes" } else { none },
        &op.platforms,
        op.ansible.as_deref().unwrap_or(none),
        op.pyinfra.as_deref().unwrap_or(none),
    ]
}

/// The table for a terminal.
pub(super) fn table(ops: &[OpInfo], columns: Option<u16>, style: Style) -> String {
    let mut grid = Grid::new(
        COLUMNS
            .map(|(title, weight)| Column::new(title, weight))
            .to_vec(),
    );
    for op in ops {
        grid.push(cells(op).map(Cell::new).to_vec());
    }
    grid.lay(columns, style).text
}

/// The table as Markdown.
pub(super) fn markdown(ops: &[OpInfo]) -> String {
    let titles = COLUMNS.map(|(title, _)| title.to_lowercase());
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let rows = ops.iter().map(|op| cells(op).map(str::to_owned).to_vec());
    doc::table(&titles, rows)
}

/// One object a line.
pub(super) fn objects(ops: &[OpInfo]) -> String {
    ops.iter().map(|op| json::line(&object(op))).collect()
}

fn object(op: &OpInfo) -> Value {
    json!({
        "name": op.name, "kind": "operation", "summary": op.summary,
        "idempotent": op.looks_again, "guards": op.has_guards, "check": true, "diff": op.has_diff,
        "platforms": op.platforms, "ansible": op.ansible, "pyinfra": op.pyinfra,
    })
}
