//! `mroom repl`: Lua, one chunk after another, with the whole room at hand.
//!
//! [`session`] answers a line, whoever typed it; [`commands`] are those of the prompt, [`assist`]
//! what the editor asks while somebody types. Here is where lines come from.

mod assist;
mod commands;
mod fits;
mod line;
mod session;

use std::io::{BufRead as _, IsTerminal as _};
use std::rc::Rc;

use super::signals::{self, Manner};
use super::{App, vm};
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::lua::Vm;
use crate::ui::{Editor, Typed};
use assist::{Helper, is_incomplete};
use session::Session;

/// The history's file, in the data folder.
const HISTORY: &str = "repl_history";
/// Lua that runs first when a person is there, in the settings folder.
const INIT: &str = "init.lua";

/// Try things out: Lua with every server at hand.
///
/// Each line is an expression, whose value is shown and kept in `_`, or statements; an incomplete
/// one goes on in the next line. `:use PATTERN` selects servers, `!COMMAND` runs on them, `?NAME`
/// explains, `:help` tells the rest. Ctrl-C stops the running calls on all servers and gives the
/// prompt back, Ctrl-D ends. The history leaves out lines that hold a secret. On a terminal
/// `init.lua` of the settings folder runs first; over a pipe there is neither that nor a prompt,
/// and the exit code tells of failures.
#[derive(Debug, clap::Args)]
#[command(after_help = r#"Examples:
  mroom repl
  mroom> server("web-01"):run "uptime"
  mroom> :use web*
  mroom web* (12)> !uptime"#)]
pub struct Args {
    /// Do not run `init.lua`.
    #[arg(long)]
    no_init: bool,
}

/// Runs until the end of the input; gives the exit code.
///
/// # Errors
/// What keeps it from starting. A chunk that fails ends nothing.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    if app.json {
        return Err(Error::usage("`--json` has no meaning for `repl`"));
    }
    let vm = Rc::new(vm::open(app)?);
    let is_personal = std::io::stdin().is_terminal();
    let session = Session::new(app, vm, is_personal);
    match is_personal {
        true => app.block_on_with(Manner::Prompt, talk(session, args)),
        false => app.block_on(feed(session)),
    }
}

/// With a person.
async fn talk(mut session: Session<'_>, args: &Args) -> Result<u8> {
    let (app, vm) = (session.app, session.vm.clone());
    let helper = Helper::new(&session);
    let mut editor = Editor::new(app.screen.clone(), helper)?;
    let warn = |error: Error| app.screen.note(Level::Warning, None, error.message());
    let history = app.room.config.data_dir().join(HISTORY);
    editor.use_history(history).unwrap_or_else(warn);
    let version = env!("CARGO_PKG_VERSION");
    let greeting = format!("mroom {version}: Lua; `:help` helps, Ctrl-C stops a call, Ctrl-D ends");
    app.screen.note(Level::Notice, None, &greeting);
    if !args.no_init {
        begin(app, &vm).await.unwrap_or_else(|e| complain(app, &e));
    }
    let mut may_leave = false;
    loop {
        if let Some(code) = vm.exit_code() {
            return Ok(code);
        }
        let text = match editor.read(&session.prompt())? {
            Typed::Text(text) => text,
            Typed::Nothing(true) if may_leave => return Ok(0),
            Typed::Nothing(was_empty) => {
                may_leave = was_empty;
                if was_empty {
                    app.screen.talk("Ctrl-C once more ends, as Ctrl-D does");
                }
                continue;
            }
            Typed::End => return Ok(0),
        };
        may_leave = false;
        // A Ctrl-C that came when nothing ran must not stop what comes next.
        app.room.cancel.reset();
        let done = session.reply(&text, ("repl", 1)).await;
        if app.screen.is_pipe_closed() || session.is_over {
            return Ok(0);
        }
        if let Some(code) = vm.exit_code() {
            return Ok(code);
        }
        if let Err(error) = done {
            complain(app, &error);
        }
        app.room.cancel.reset();
        let typed = session.edited.take().unwrap_or(text);
        editor.remember(&typed).unwrap_or_else(warn);
    }
}

/// Runs `init.lua` when there is one.
async fn begin(app: &App, vm: &Vm) -> Result<()> {
    let path = app.room.config.config_dir().join(INIT);
    let shown = path.display();
    let text = match std::fs::read(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => {
            return Err(Error::local(format!("cannot read `{shown}`: {e}")).source(e));
        }
        Ok(text) => text,
    };
    let done = vm.exec(&text, &format!("@{shown}"), &[]).await;
    done.map(drop).map_err(|e| match e.hint_text() {
        None => e.hint("`mroom repl --no-init` begins without it"),
        Some(_) => e,
    })
}

/// Over a pipe: no prompt. Gives 1 when a line failed, else what the worst of the printed
/// outcomes calls for.
async fn feed(mut session: Session<'_>) -> Result<u8> {
    let app = session.app;
    let mut lines = (1..).zip(std::io::stdin().lock().lines());
    let (mut failed, mut worst) = (false, 0);
    while let Some((line, text)) = next_chunk(&session.vm, &mut lines)? {
        let done = session.reply(&text, ("stdin", line)).await;
        if app.room.cancel.is_cancelled() {
            return Ok(signals::INTERRUPTED);
        }
        if let Some(code) = session.vm.exit_code() {
            return Ok(code);
        }
        match done {
            Ok(code) => worst = worst.max(code),
            Err(error) => {
                app.screen.fail(&error);
                failed = true;
            }
        }
        if session.is_over {
            break;
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
        let incomplete = is_incomplete(vm, &text);
        chunk = Some((begun, text));
        if !incomplete {
            break;
        }
    }
    Ok(chunk)
}

fn complain(app: &App, error: &Error) {
    if error.kind() == Kind::Cancelled && app.room.cancel.is_cancelled() {
        app.screen.talk("interrupted");
    } else {
        app.screen.fail(error);
    }
}
