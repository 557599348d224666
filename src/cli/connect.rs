//! `mroom connect`: a person, or a pipe, at one server.

use std::path::PathBuf;

use futures::future::{Either, select};

use super::signals::INTERRUPTED;
use super::{App, show};
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::inventory::Server;
use crate::output::Output;
use crate::quote;
use crate::ssh::Attach;
use crate::ui::{Console, tty};

/// The exit code for what is not the command's own, as in ssh.
const OURS: u8 = 255;

/// Sit down at a server; with a command, run that with your input and output.
///
/// At the begin of a line `~.` ends the connection and `~?` tells the other escapes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom connect web-01
  mroom web-01
  tar c src | mroom connect web-01 -- tar x -C /srv")]
pub struct Args {
    /// The server's id, or a pattern that means one.
    #[arg(value_name = "ID")]
    pub id: String,
    /// What to run instead of a shell; its exit code is passed on, 255 for our own errors.
    #[arg(value_name = "COMMAND", last = true)]
    pub command: Vec<String>,
    /// Give the command a terminal.
    #[arg(short, long, conflicts_with = "no_tty")]
    pub tty: bool,
    /// Give the shell no terminal.
    #[arg(long)]
    pub no_tty: bool,
    /// Let the server use your agent meanwhile. Whoever rules it can then log in as you elsewhere.
    #[arg(short = 'A', long)]
    pub agent: bool,
    /// What begins an escape, `~` unless told; `none` for none.
    #[arg(long, value_name = "CHAR", default_value = "~", value_parser = escape, env = "MROOM_ESCAPE", hide_env = true, hide_default_value = true)]
    pub escape: Escape,
}

/// The character of `--escape`.
#[derive(Debug, Clone, Copy)]
pub struct Escape(Option<u8>);

fn escape(text: &str) -> Result<Escape, String> {
    match text.as_bytes() {
        b"none" => Ok(Escape(None)),
        [byte] if byte.is_ascii_graphic() => Ok(Escape(Some(*byte))),
        _ => Err(format!("`{text}` is neither one character nor `none`")),
    }
}

/// Connects; the exit code is that of the shell or command.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let server = show::find(app, &args.id)?;
    if app.room.options.check {
        let error = Error::usage("check mode: nobody sits down at a server");
        return Err(error.hint("without `--check` it connects"));
    }
    let code = app.block_on(attached(app, args, &server));
    match code {
        Ok(code) => Ok(code),
        Err(error) if error.kind() == Kind::Usage => Err(error),
        Err(error) => match app.fail(&error) {
            INTERRUPTED => Ok(INTERRUPTED),
            _ => Ok(OURS),
        },
    }
}

async fn attached(app: &App, args: &Args, server: &Server) -> Result<u8> {
    let command = match args.command.is_empty() {
        true => home(server)?,
        false => Some(args.command.join(" ")),
    };
    let is_shell = args.command.is_empty();
    let agent = match args.agent {
        true => Some(agent()?),
        false => None,
    };
    let with_tty = !args.no_tty && (args.tty || (is_shell && tty::is_typed()));
    let transport = {
        let opening = std::pin::pin!(app.room.transport(server));
        let stop = std::pin::pin!(app.room.cancel.cancelled());
        match select(opening, stop).await {
            Either::Left((transport, _)) => transport?,
            Either::Right(_) => return Err(interrupted()),
        }
    };
    let is_raw = with_tty && tty::is_typed();
    let pty = with_tty.then(tty::pty);
    let (console, streams) = Console::open(&app.screen, is_raw, args.escape.0)?;
    let work = transport.attach(Attach {
        command,
        is_shell,
        pty,
        agent,
        env: locale(),
        stdin: streams.stdin,
        stdout: streams.stdout,
        stderr: streams.stderr,
        sizes: streams.sizes,
    });
    let result = {
        let stop = std::pin::pin!(app.room.cancel.cancelled());
        let hung_up = std::pin::pin!(console.hung_up());
        match select(work, select(stop, hung_up)).await {
            Either::Left((result, _)) => result.map(Some),
            // Leaving the work hangs up.
            Either::Right((Either::Left(_), _)) => Err(interrupted()),
            Either::Right((Either::Right(_), _)) => Ok(None),
        }
    };
    // All that was printed is shown before the terminal is given back.
    console.close();
    if is_raw {
        let text = "the connection is closed";
        app.screen.note(Level::Notice, Some(&server.id), text);
    }
    Ok(result?.map_or(OURS, |output| code(app, server, &output)))
}

/// The socket of the person's agent.
fn agent() -> Result<PathBuf> {
    let socket = std::env::var_os("SSH_AUTH_SOCK").filter(|s| !s.is_empty());
    socket.map(PathBuf::from).ok_or_else(|| {
        Error::usage("there is no agent to forward: `SSH_AUTH_SOCK` is not set")
            .hint("`eval $(ssh-agent)` starts one, `ssh-add` gives it a key")
    })
}

fn interrupted() -> Error {
    Error::new(Kind::Cancelled, "interrupted")
}

/// The exit code for how it ended.
fn code(app: &App, server: &Server, output: &Output) -> u8 {
    if let Some(signal) = &output.signal {
        let text = format!("the command was killed by signal {signal}");
        app.screen.note(Level::Warning, Some(&server.id), &text);
    }
    // The lowest eight bits are what a shell sees.
    output.code.map_or(OURS, |code| code as u8)
}

/// What begins a shell in the server's own folder, when it has one.
fn home(server: &Server) -> Result<Option<String>> {
    let Some(path) = server.home() else {
        return Ok(None);
    };
    let folder = match path.strip_prefix("~/") {
        Some(rest) => format!("\"$HOME\"/{}", quote::word(rest)?),
        None => quote::word(path)?,
    };
    let note = quote::word(&format!("no folder `{path}` here: this is your home"))?;
    let script =
        format!("cd -- {folder} 2>/dev/null || echo {note} >&2; exec \"${{SHELL:-/bin/sh}}\" -l");
    Ok(Some(format!("exec /bin/sh -c {}", quote::word(&script)?)))
}

/// The variables that tell a program how to speak to this person.
fn locale() -> Vec<(String, String)> {
    let is_wanted = |name: &str| name == "LANG" || name.starts_with("LC_") || name == "COLORTERM";
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| is_wanted(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_begins_at_home() {
        let mut web = Server::new("web", "h", "root", 22);
        assert_eq!(home(&web).unwrap(), None);
        web.set_meta("home_path", "/srv/it's".into());
        let command = home(&web).unwrap().unwrap();
        assert!(command.starts_with("exec /bin/sh -c "), "{command}");
        let words = ["-c", &command.replace("\"${SHELL:-/bin/sh}\" -l", "pwd")];
        let output = std::process::Command::new("sh")
            .args(words)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(said, "no folder `/srv/it's` here: this is your home\n");
        web.set_meta("home_path", "~/a b".into());
        assert!(home(&web).unwrap().unwrap().contains("\"$HOME\"/"));
    }

    #[test]
    fn escapes_are_one_character_or_none() {
        assert_eq!(escape("~").unwrap().0, Some(b'~'));
        assert_eq!(escape("none").unwrap().0, None);
        for text in ["", "ab", "\n", "é", " "] {
            assert!(escape(text).is_err(), "{text:?}");
        }
    }
}
