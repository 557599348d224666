//! What a name may mean: an item of the stubs, a stage, a workflow.

use std::borrow::Borrow;

use serde_json::{Value, json};

use super::pages;
use crate::error::Result;
use crate::lua::doc::{Item, ItemKind, Param};
use crate::lua::{Reference, StageInfo, Vm, WorkflowInfo};
use crate::ui::doc::Page;

/// One thing that can be explained.
pub(super) enum Subject<'a> {
    Item(&'a Item),
    Stage(StageInfo),
    Workflow(WorkflowInfo),
}

/// Everything of that name. With several, fields are left out: they are found by their whole name.
pub(super) fn find<'a, V: Borrow<Vm>>(
    reference: &'a Reference,
    vm: impl FnOnce() -> Result<V>,
    name: &str,
) -> Result<Vec<Subject<'a>>> {
    let items = reference.find(name);
    let calls = |i: &&Item| i.kind != ItemKind::Field;
    let some = items.iter().any(calls);
    let items = items.into_iter().filter(|i| !some || calls(i));
    let mut found: Vec<Subject> = items.map(Subject::Item).collect();
    let (family, bare) = match name.split_once('.') {
        Some((family @ ("stages" | "workflows"), bare)) => (family, bare),
        Some(_) => return Ok(found),
        None => ("", name),
    };
    match vm().and_then(|vm| modules(vm.borrow(), family)) {
        Ok(modules) => found.extend(modules.into_iter().filter(|m| m.name() == bare)),
        // A broken stage must not hide what is not a stage.
        Err(_) if !found.is_empty() => {}
        Err(error) => return Err(error),
    }
    Ok(found)
}

/// Every stage, workflow, or both.
pub(super) fn modules(vm: &Vm, family: &str) -> Result<Vec<Subject<'static>>> {
    let mut all = Vec::new();
    if family != "workflows" {
        all.extend(vm.stages()?.into_iter().map(Subject::Stage));
    }
    if family != "stages" {
        all.extend(vm.workflows()?.into_iter().map(Subject::Workflow));
    }
    Ok(all)
}

impl Subject<'_> {
    /// Its name alone.
    pub fn name(&self) -> &str {
        match self {
            Subject::Item(item) => &item.name,
            Subject::Stage(stage) => &stage.name,
            Subject::Workflow(workflow) => &workflow.name,
        }
    }

    /// What it is, in a line.
    pub fn summary(&self) -> String {
        match self {
            Subject::Item(item) => item.summary(),
            Subject::Stage(stage) => stage.summary.clone(),
            Subject::Workflow(workflow) => workflow.summary.clone(),
        }
    }

    /// Its page; `asked` is what a person typed.
    pub fn page(&self, reference: &Reference, asked: &str) -> Page {
        match self {
            Subject::Item(item) => pages::item(reference, item, asked),
            Subject::Stage(stage) => pages::stage(stage),
            Subject::Workflow(workflow) => pages::workflow(workflow),
        }
    }

    /// Everything about it.
    pub fn object(&self, reference: &Reference) -> Value {
        match self {
            Subject::Item(item) => object(reference, item),
            Subject::Stage(stage) => json!({
                "name": stage.name, "kind": "stage", "summary": stage.summary,
                "needs": stage.needs, "marks": stage.marks, "options": stage.options,
            }),
            Subject::Workflow(workflow) => json!({
                "name": workflow.name, "kind": "workflow", "summary": workflow.summary,
                "args": workflow.args,
            }),
        }
    }
}

fn object(reference: &Reference, item: &Item) -> Value {
    let list = |params: &[Param]| -> Vec<Value> {
        let each = params.iter().map(
            |p| json!({ "name": p.name, "type": p.ty, "optional": p.optional, "text": p.text }),
        );
        each.collect()
    };
    let examples: Vec<&str> = item.examples.iter().map(|e| e.text.as_str()).collect();
    let options = match item.kind.is_call() {
        true => reference.options(&item.name),
        false => Vec::new(),
    };
    json!({
        "name": item.name, "kind": item.kind.as_str(), "summary": item.summary(),
        "signature": item.signature(), "owner": item.owner, "text": item.text, "type": item.ty,
        "params": list(&item.params), "options": list(&options), "returns": list(&item.returns),
        "parents": item.parents, "examples": examples, "place": item.place,
    })
}
