//! Lists of what there is: the overview, things of one name or kind, the whole reference.

use super::pages::{self, row};
use super::subject::{Subject, modules};
use crate::error::Result;
use crate::lua::doc::{Item, ItemKind};
use crate::lua::{Reference, Vm};
use crate::ui::doc::{self, Page, Row, Table};
use crate::ui::json;

/// What stands together: a global, a handle, a part of `mr`.
struct Group<'a> {
    /// As it is named in Lua.
    name: String,
    /// The class of it.
    class: &'a Item,
}

/// The classes with functions, by the name of their variable.
fn groups(reference: &Reference) -> Vec<Group<'_>> {
    let variable = |class: &Item| {
        let mut values = reference.items().iter();
        let value = values.find(|v| v.kind == ItemKind::Value && v.ty == class.name);
        value.map_or_else(|| class.name.clone(), |v| v.name.clone())
    };
    let group = |class| Group {
        name: variable(class),
        class,
    };
    let classes = reference.items().iter().filter(|i| has_calls(reference, i));
    classes.map(group).collect()
}

/// A class that code can call something of; what it has for its heirs is told of them.
fn has_calls(reference: &Reference, item: &Item) -> bool {
    let members = || reference.members(&item.name);
    item.kind == ItemKind::Class
        && members().iter().any(|m| m.kind.is_call())
        && reference.heirs(&item.name).is_empty()
}

/// A type that is nothing but data.
fn is_data(reference: &Reference, item: &Item) -> bool {
    let only_fields = |class: &str| {
        let members = reference.members(class);
        members.iter().all(|m| m.kind == ItemKind::Field)
    };
    match item.kind {
        ItemKind::Class => only_fields(&item.name),
        ItemKind::Alias => true,
        ItemKind::Value => reference.class(&item.ty).is_none(),
        _ => false,
    }
}

/// The functions that belong to nothing: the words of specs.
fn words(reference: &Reference) -> impl Iterator<Item = &Item> {
    let alone = |i: &&Item| i.owner.is_none() && i.kind == ItemKind::Function;
    reference.items().iter().filter(alone)
}

fn joined<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(" ")
}

/// Everything in as few lines as will do.
pub(super) fn overview(reference: &Reference, vm: &Vm) -> Result<Page> {
    let mut rows = Vec::new();
    for group in groups(reference) {
        let members = reference.members(&group.class.name).into_iter();
        let members = members.filter(|i| i.kind != ItemKind::Class);
        rows.push(row(&group.name, "", &joined(members.map(Item::last))));
    }
    rows.push(row(
        "in specs",
        "",
        &joined(words(reference).map(Item::last)),
    ));
    let data = reference.items().iter().filter(|i| is_data(reference, i));
    rows.push(row("data", "", &joined(data.map(|i| i.name.as_str()))));
    for family in ["stages", "workflows"] {
        let all = modules(vm, family)?;
        rows.push(row(family, "", &joined(all.iter().map(Subject::name))));
    }
    Ok(Page {
        tables: vec![table("What Lua code can use", rows)],
        see: ["server", "Server:run", "ops"]
            .map(|n| format!("`mroom doc {n}`"))
            .to_vec(),
        ..Page::default()
    })
}

fn table(heading: &str, rows: Vec<Row>) -> Table {
    Table {
        heading: heading.to_owned(),
        rows,
    }
}

/// Several things, with what each is in a line.
pub(super) fn several(reference: &Reference, asked: &str, found: &[Subject]) -> Page {
    let shown = found.iter().map(|subject| {
        let page = subject.page(reference, asked);
        let title = page.title.split(" -> ").next().unwrap_or_default();
        row(title, "", &subject.summary())
    });
    Page {
        tables: vec![table(asked, shown.collect())],
        see: vec!["`mroom doc NAME`".to_owned()],
        ..Page::default()
    }
}

/// Everything, one object a line.
pub(super) fn objects(reference: &Reference, vm: &Vm) -> Result<String> {
    let items = reference.items().iter().map(Subject::Item);
    let all = items.chain(modules(vm, "")?);
    Ok(all.map(|s| json::line(&s.object(reference))).collect())
}

/// The whole reference as Markdown.
pub(super) fn markdown(reference: &Reference, vm: &Vm) -> Result<String> {
    let mut text = doc::heading("Reference", 1);
    text += "What Lua code in playbooks, stages and at the prompt can use. Made by \
             `mroom doc --markdown` out of the type stubs.\n\n";
    let page_of = |item: &Item, asked: &str| {
        let mut page = pages::item(reference, item, asked);
        // The data that it gives has a place of its own.
        page.tables
            .retain(|t| reference.class(&t.heading).is_none());
        page
    };
    for group in groups(reference) {
        text += &doc::heading(&format!("`{}`", group.name), 2);
        let item = reference.find(&group.name).first().copied();
        let mut page = page_of(item.unwrap_or(group.class), &group.name);
        // The functions follow, each with a heading of its own.
        page.tables
            .retain(|t| t.heading == "Fields" || t.heading == "Called");
        page.title.clear();
        text += &doc::markdown(&page, 3);
        let members = reference.members(&group.class.name).into_iter();
        for item in members.filter(|m| m.kind.is_call()) {
            let asked = format!("{}:{}", group.name, item.last());
            text += &doc::markdown(&page_of(item, &asked), 3);
        }
    }
    text += &doc::heading("Operations", 2);
    text += &super::operations::markdown(&vm.operations()?);
    text.push('\n');
    text += &doc::heading("Words of specs", 2);
    for item in words(reference) {
        text += &doc::markdown(&page_of(item, &item.name), 3);
    }
    text += &doc::heading("Data", 2);
    for item in reference.items().iter().filter(|i| is_data(reference, i)) {
        text += &doc::markdown(&page_of(item, &item.name), 3);
    }
    for (heading, family) in [("Stages", "stages"), ("Workflows", "workflows")] {
        text += &doc::heading(heading, 2);
        for subject in modules(vm, family)? {
            text += &doc::markdown(&subject.page(reference, subject.name()), 3);
        }
    }
    Ok(text)
}
