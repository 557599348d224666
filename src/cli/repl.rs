//! `mroom repl`: Lua, one chunk after another, with the whole room at hand.

use std::io::{BufRead as _, IsTerminal as _};
use std::rc::Rc;

use super::signals::{self, Manner};
use super::{App, vm};
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::lua::{Shown, Vm};
use crate::ui::{self, Editor, Typed};

const PROMPT: &str = "mroom> ";
/// The history's file, in the data folder.
const HISTORY: &str = "repl_history";
/// Columns for values when nobody's terminal says otherwise.
const COLUMNS: u16 = 100;

/// Try things out: Lua with every server at hand.
///
/// Each line is an expression, whose value is shown and kept in `_`, or statements; an incomplete
/// one goes on in the next line. Globals stay, locals end with their chunk. Ctrl-C stops the
/// running calls on all servers and gives the prompt back, Ctrl-D ends. The history leaves out
/// lines that hold a secret. Over a pipe there is no prompt, and the exit code tells of failures.
#[derive(Debug, clap::Args)]
#[command(after_help = r#"Examples:
  mroom repl
  mroom> server("web-01"):run "uptime""#)]
pub struct Args {}

/// Runs until the end of the input; gives the exit code.
///
/// # Errors
/// What keeps it from starting. A chunk that fails ends nothing.
pub fn run(app: &App, _: &Args) -> Result<u8> {
    if app.json {
        return Err(Error::usage("`--json` has no meaning for `repl`"));
    }
    let vm = Rc::new(vm::open(app)?);
    if std::io::stdin().is_terminal() {
        app.block_on_with(Manner::Prompt, talk(app, &vm))
    } else {
        app.block_on(feed(app, &vm))
    }
}

/// With a person.
async fn talk(app: &App, vm: &Rc<Vm>) -> Result<u8> {
    let ear = vm.clone();
    let mut editor = Editor::new(app.screen.clone(), move |text| ear.is_incomplete(text))?;
    let warn = |error: Error| app.screen.note(Level::Warning, None, error.message());
    let history = app.room.config.data_dir().join(HISTORY);
    editor.use_history(history).unwrap_or_else(warn);
    let version = env!("CARGO_PKG_VERSION");
    let greeting = format!("mroom {version}: Lua; Ctrl-C stops a call, Ctrl-D ends");
    app.screen.note(Level::Notice, None, &greeting);
    loop {
        let text = match editor.read(PROMPT)? {
            Typed::Text(text) => text,
            Typed::Nothing => continue,
            Typed::End => return Ok(0),
        };
        // A Ctrl-C that came when nothing ran must not stop what comes next.
        app.room.cancel.reset();
        let done = reply(app, vm, &text, ("repl", 1)).await;
        if app.screen.is_pipe_closed() {
            return Ok(0);
        }
        if let Some(code) = vm.exit_code() {
            return Ok(code);
        }
        if let Err(error) = done {
            complain(app, &error);
        }
        app.room.cancel.reset();
        editor.remember(&text).unwrap_or_else(warn);
    }
}

/// Over a pipe: no prompt. Gives 1 when a chunk failed, else what the worst of the printed
/// outcomes calls for.
async fn feed(app: &App, vm: &Vm) -> Result<u8> {
    let mut lines = (1..).zip(std::io::stdin().lock().lines());
    let (mut failed, mut worst) = (false, 0);
    while let Some((line, text)) = next_chunk(vm, &mut lines)? {
        let done = reply(app, vm, &text, ("stdin", line)).await;
        if app.room.cancel.is_cancelled() {
            return Ok(signals::INTERRUPTED);
        }
        if let Some(code) = vm.exit_code() {
            return Ok(code);
        }
        match done {
            Ok(code) => worst = worst.max(code),
            Err(error) => {
                app.screen.fail(&error);
                failed = true;
            }
        }
    }
    Ok(if failed { 1 } else { worst })
}

/// The next lines that are whole together, or all that is left, with the number of the first.
fn next_chunk(
    vm: &Vm,
    lines: &mut impl Iterator<Item = (usize, std::io::Result<String>)>,
) -> Result<Option<(usize, String)>> {
    let mut chunk: Option<(usize, String)> = None;
    for (number, line) in lines {
        let mut line =
            line.map_err(|e| Error::usage(format!("cannot read standard input: {e}")).source(e))?;
        // The first may name the interpreter of a script.
        if number == 1 && line.starts_with("#!") {
            line.clear();
        }
        let (begun, text) = match chunk.take() {
            Some((begun, text)) => (begun, text + "\n" + &line),
            None => (number, line),
        };
        let incomplete = vm.is_incomplete(&text);
        chunk = Some((begun, text));
        if !incomplete {
            break;
        }
    }
    Ok(chunk)
}

/// Runs a chunk and prints its values; gives what printed outcomes mean for the exit code.
async fn reply(app: &App, vm: &Vm, text: &str, place: (&str, usize)) -> Result<u8> {
    let width = usize::from(app.screen.width().unwrap_or(COLUMNS));
    let mut code = 0;
    for shown in vm.reply(text, place, width).await? {
        match shown {
            Shown::Text(text) => app.screen.result(format!("{text}\n").as_bytes())?,
            Shown::Outcomes(outcomes) => {
                code = code.max(ui::grouped(&app.screen, outcomes)?.exit_code());
            }
        }
    }
    Ok(code)
}

fn complain(app: &App, error: &Error) {
    if error.kind() == Kind::Cancelled && app.room.cancel.is_cancelled() {
        app.screen.talk("interrupted");
    } else {
        app.screen.fail(error);
    }
}
