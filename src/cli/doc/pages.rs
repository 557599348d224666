//! A page of documentation for each kind of thing. Pure.

use crate::lua::doc::{Item, ItemKind, Param};
use crate::lua::{Reference, StageInfo, WorkflowInfo};
use crate::ui::doc::{Page, Row, Table};

/// The page about an item. `asked` is the name that a person typed: what a class has of its parent
/// is shown as its own.
pub(in crate::cli) fn item(reference: &Reference, item: &Item, asked: &str) -> Page {
    let mut page = Page {
        title: item.signature(),
        note: item.kind.as_str().to_owned(),
        text: item.text.clone(),
        examples: item.examples.iter().map(|e| e.text.clone()).collect(),
        ..Page::default()
    };
    if let (Some(owner), ItemKind::Method) = (&item.owner, item.kind) {
        let heirs = reference.heirs(owner);
        let asked = asked.rsplit_once([':', '.']).map(|(class, _)| class);
        let named = heirs.iter().find(|h| Some(**h) == asked);
        if let Some(heir) = named.or(heirs.first()) {
            let rest = page.title.split_off(item.name.len());
            page.title = format!("{heir}:{}{rest}", item.last());
            page.note += &format!(" of {}", heirs.join(", "));
        }
    }
    match item.kind {
        ItemKind::Function | ItemKind::Method => call(reference, item, &mut page),
        ItemKind::Class => members(reference, &item.name, &mut page),
        ItemKind::Value => {
            page.title.clone_from(&item.name);
            for overload in &item.overloads {
                let shown = overload.strip_prefix("fun").unwrap_or(overload);
                page.tables.push(Table {
                    heading: "Called".to_owned(),
                    rows: vec![row(&format!("{}{shown}", item.name), "", "")],
                });
            }
            members(reference, &item.ty, &mut page);
        }
        ItemKind::Field | ItemKind::Alias => {
            page.tables.push(keys(reference, &item.ty));
        }
    }
    page
}

fn call(reference: &Reference, item: &Item, page: &mut Page) {
    page.tables.push(Table {
        heading: "Takes".to_owned(),
        rows: params(reference, &item.params),
    });
    page.tables.push(Table {
        heading: "Options".to_owned(),
        rows: params(reference, &reference.options(&item.name)),
    });
    let gives = item.returns.iter().map(|r| row(&r.ty, "", &r.text));
    page.tables.push(Table {
        heading: "Gives".to_owned(),
        rows: gives.collect(),
    });
    for given in &item.returns {
        page.tables.push(keys(reference, &given.ty));
    }
}

/// The keys of a table of that type; of its items when it is a list.
fn keys(reference: &Reference, ty: &str) -> Table {
    let ty = ty.trim_end_matches('?');
    let item = Reference::element(ty).unwrap_or(ty);
    Table {
        heading: item.to_owned(),
        rows: params(reference, &reference.keys(item)),
    }
}

fn members(reference: &Reference, class: &str, page: &mut Page) {
    let members = reference.members(class);
    let of = |heading: &str, wanted: fn(&Item) -> bool, shown: fn(&Item) -> Row| Table {
        heading: heading.to_owned(),
        rows: members
            .iter()
            .filter(|i| wanted(i))
            .map(|i| shown(i))
            .collect(),
    };
    page.tables.extend([
        of(
            "Fields",
            |i| i.kind == ItemKind::Field,
            |i| {
                row(
                    &named(i.last(), i.optional),
                    i.ty.trim_end_matches('?'),
                    &i.text,
                )
            },
        ),
        of("Functions", |i| i.kind == ItemKind::Function, brief),
        of("Methods", |i| i.kind == ItemKind::Method, brief),
        of(
            "Parts",
            |i| i.kind == ItemKind::Class,
            |i| row(&i.name, "", &i.summary()),
        ),
    ]);
}

/// A call in a list of many: `:run(command, opts?)` and what it does.
pub(super) fn brief(item: &Item) -> Row {
    let names = item.params.iter().map(|p| named(&p.name, p.optional));
    let names = names.collect::<Vec<_>>().join(", ");
    let mark = if item.kind == ItemKind::Method {
        ":"
    } else {
        ""
    };
    let name = match item.kind {
        ItemKind::Method => format!("{mark}{}({names})", item.last()),
        _ => format!("{}({names})", item.name),
    };
    row(&name, "", &item.summary())
}

/// What is taken or had, with what its type says of itself when it says nothing.
fn params(reference: &Reference, params: &[Param]) -> Vec<Row> {
    let shown = params.iter().map(|p| {
        let ty = p.ty.trim_end_matches('?');
        let alias = || reference.alias(ty).map(|a| a.text.as_str());
        let text = match p.text.is_empty() {
            true => alias().unwrap_or_default(),
            false => &p.text,
        };
        row(&named(&p.name, p.optional), ty, text)
    });
    shown.collect()
}

fn named(name: &str, optional: bool) -> String {
    format!("{name}{}", if optional { "?" } else { "" })
}

/// A row of a table.
pub(super) fn row(name: &str, ty: &str, text: &str) -> Row {
    Row {
        name: name.to_owned(),
        ty: ty.to_owned(),
        text: text.to_owned(),
    }
}

/// The page about a stage.
pub(super) fn stage(stage: &StageInfo) -> Page {
    let options = stage.options.iter().map(|(name, option)| {
        let default = option.default.as_ref().map(|d| match d {
            serde_json::Value::String(text) => format!("[{text}]"),
            other => format!("[{other}]"),
        });
        let help = option.help.clone().into_iter().chain(default);
        row(name, &option.kind, &help.collect::<Vec<_>>().join(" "))
    });
    let needs = stage.needs.iter().map(|need| row(need, "", ""));
    let marks = stage.marks.iter().map(|mark| row(mark, "", ""));
    let table = |heading: &str, rows: Vec<Row>| Table {
        heading: heading.to_owned(),
        rows,
    };
    Page {
        title: format!("stages.{}", stage.name),
        note: "stage".to_owned(),
        text: stage.summary.clone(),
        tables: vec![
            table("Options", options.collect()),
            table("Needs", needs.collect()),
            table("Marks", marks.collect()),
        ],
        see: vec![format!("`mroom which stages.{}`", stage.name)],
        ..Page::default()
    }
}

/// The page about a workflow.
pub(super) fn workflow(workflow: &WorkflowInfo) -> Page {
    let line = format!("mroom run {} {}", workflow.name, workflow.args);
    Page {
        title: format!("workflows.{}", workflow.name),
        note: "workflow".to_owned(),
        text: workflow.summary.clone(),
        tables: vec![Table {
            heading: "Usage".to_owned(),
            rows: vec![row(line.trim_end(), "", "")],
        }],
        see: vec![format!("`mroom which workflows.{}`", workflow.name)],
        ..Page::default()
    }
}
