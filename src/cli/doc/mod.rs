//! `mroom doc`: what Lua code can use, out of the stubs, the stages and the workflows.

mod list;
mod operations;
pub(super) mod pages;
mod subject;

use std::borrow::Borrow;

use super::{App, vm};
use crate::error::{Error, Result};
use crate::lua::{Reference, Vm};
use crate::output::Stream;
use crate::ui::{doc, json};

/// Explain what Lua code can use: `server`, `Server:run`, `mr.try`, a stage.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom doc
  mroom doc Server:run
  mroom doc ops
  mroom doc --markdown > reference.md")]
pub struct Args {
    /// A name, or the last word of one; `ops`, `stages` and `workflows` list those.
    #[arg(value_name = "SUBJECT")]
    name: Option<String>,
    /// The whole reference as Markdown.
    #[arg(long, conflicts_with = "name")]
    markdown: bool,
}

/// Prints the page, or the list of what there is.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let reference = Reference::bundled();
    match args.name.as_deref() {
        None if args.markdown => write(app, &list::markdown(&reference, &vm::open(app)?)?),
        None if app.json => write(app, &list::objects(&reference, &vm::open(app)?)?),
        Some("ops") if app.json => write(app, &operations::objects(&vm::open(app)?.operations()?)),
        Some(family @ ("stages" | "workflows")) if app.json => {
            let found = subject::modules(&vm::open(app)?, family)?;
            write(app, &lines(&reference, &found))
        }
        Some(name) if app.json => match &*subject::find(&reference, || vm::open(app), name)? {
            [] => Err(nothing(&reference, name)),
            found => write(app, &lines(&reference, found)),
        },
        name => explain(app, &reference, || vm::open(app), name),
    }
}

/// Prints what is known of a name, or the list of everything without one. `vm` is asked for when
/// it is needed.
///
/// # Errors
/// A name that nothing has, and what cannot be printed.
pub(super) fn explain<V: Borrow<Vm>>(
    app: &App,
    reference: &Reference,
    vm: impl FnOnce() -> Result<V>,
    name: Option<&str>,
) -> Result<u8> {
    let style = app.screen.style(Stream::Stdout);
    let page = match name {
        None => list::overview(reference, vm()?.borrow())?,
        Some("ops") => {
            let ops = vm()?.borrow().operations()?;
            return write(app, &operations::table(&ops, app.screen.width(), style));
        }
        Some(family @ ("stages" | "workflows")) => {
            let found = subject::modules(vm()?.borrow(), family)?;
            list::several(reference, family, &found)
        }
        Some(name) => match &*subject::find(reference, vm, name)? {
            [] => return Err(nothing(reference, name)),
            [one] => one.page(reference, name),
            many => list::several(reference, name, many),
        },
    };
    write(app, &doc::page(&page, app.screen.width(), style))
}

fn nothing(reference: &Reference, name: &str) -> Error {
    let error = Error::usage(format!("nothing is called `{name}`"));
    match reference.nearest(name) {
        Some(near) => error.hint(format!(
            "did you mean `{near}`? `mroom doc` lists everything"
        )),
        None => error.hint("`mroom doc` lists everything"),
    }
}

/// One object a line.
fn lines(reference: &Reference, subjects: &[subject::Subject]) -> String {
    let each = subjects.iter().map(|s| json::line(&s.object(reference)));
    each.collect()
}

fn write(app: &App, text: &str) -> Result<u8> {
    app.screen.result(text.as_bytes())?;
    Ok(0)
}
