//! `mroom doc`: what Lua code can use, out of the stubs, the stages and the workflows.

mod list;
pub(super) mod pages;
mod subject;

use std::rc::Rc;

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
  mroom doc stages
  mroom doc --markdown > reference.md")]
pub struct Args {
    /// A name, or the last word of one; `stages` and `workflows` list those.
    #[arg(value_name = "SUBJECT")]
    name: Option<String>,
    /// The whole reference as Markdown.
    #[arg(long, conflicts_with = "name")]
    markdown: bool,
}

/// Prints the page, or the list of what there is.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let reference = Reference::bundled();
    let page = match args.name.as_deref() {
        None if args.markdown => {
            return write(app, &list::markdown(&reference, &vm::open(app)?)?);
        }
        None if app.json => return write(app, &list::objects(&reference, &vm::open(app)?)?),
        None => list::overview(&reference, &vm::open(app)?)?,
        Some(family @ ("stages" | "workflows")) => {
            let found = subject::modules(&vm::open(app)?, family)?;
            match app.json {
                true => return write(app, &lines(&reference, &found)),
                false => list::several(&reference, family, &found),
            }
        }
        Some(name) => {
            let found = subject::find(&reference, || vm::open(app), name)?;
            match found.as_slice() {
                [] => return Err(nothing(&reference, name)),
                some if app.json => return write(app, &lines(&reference, some)),
                [one] => one.page(&reference, name),
                many => list::several(&reference, name, many),
            }
        }
    };
    let style = app.screen.style(Stream::Stdout);
    write(app, &doc::page(&page, app.screen.width(), style))
}

/// Prints what is known of a name, or the list of everything without one.
///
/// # Errors
/// A name that nothing has, and what cannot be printed.
pub(super) fn explain(app: &App, vm: &Rc<Vm>, reference: &Reference, name: &str) -> Result<u8> {
    let page = match name {
        "" => list::overview(reference, vm)?,
        name => {
            let found = subject::find(reference, || Ok(vm.clone()), name)?;
            match found.as_slice() {
                [] => return Err(nothing(reference, name)),
                [one] => one.page(reference, name),
                many => list::several(reference, name, many),
            }
        }
    };
    let style = app.screen.style(Stream::Stdout);
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
