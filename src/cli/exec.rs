//! `mroom exec`: one command on many servers at once.

use std::sync::Arc;

use super::{App, script, values};
use crate::error::{Error, Result};
use crate::fleet::{Counts, Outcome, Status, map};
use crate::inventory::Server;
use crate::output::{DEFAULT_MAX_OUTPUT, Output};
use crate::ssh::{Exec, Input};
use crate::ui::{ExecReport, Mode, fold_ids, outcome, total};

/// Run a command on servers.
///
/// What stands after `--` is joined by single spaces and run by each server's login shell, as with
/// ssh. With `--script` it is the script's arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom exec '@web !web-02' -- systemctl is-active nginx
  mroom exec @web --diff-to web-01 -- cat /etc/resolv.conf
  mroom exec all --script check.sh -- --fast")]
pub struct Args {
    /// Which servers: ids, `web*`, `web-[01-20]`, `@tag`, `key=value`, `all`, `!without`, `&and`.
    #[arg(value_name = "PATTERN", required = true)]
    pub pattern: Vec<String>,
    /// The command.
    #[arg(
        value_name = "COMMAND",
        last = true,
        required_unless_present = "script"
    )]
    pub command: Vec<String>,
    /// Feed them this local script; `-` is standard input.
    #[arg(long, value_name = "FILE", env = "MROOM_SCRIPT", hide_env = true)]
    pub script: Option<String>,
    /// Bytes kept of each stream: 4096, 64K, 1G.
    #[arg(long, value_name = "BYTES", env = "MROOM_MAX_OUTPUT", hide_env = true, value_parser = values::bytes)]
    pub max_output: Option<usize>,
    /// Show what differs from this server's output.
    #[arg(long, value_name = "ID", env = "MROOM_DIFF_TO", hide_env = true)]
    pub diff_to: Option<String>,
}

/// Runs it; the exit code is that of the run.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let (command, stdin) = match &args.script {
        Some(file) => script::load(file, &args.command)?,
        None => (args.command.join(" "), Vec::new()),
    };
    if command.trim().is_empty() {
        return Err(Error::usage("the command is empty").hint("`mroom exec PATTERN -- COMMAND`"));
    }
    let stdin = Input::from(stdin);
    let room = &app.room;
    let servers = room.select(&args.pattern.join(" "))?;
    if room.options.check {
        return check(app, &servers, &command);
    }
    let reference = reference(app, args, &servers)?;
    let fold = app.fold || reference.is_some();
    let mode = Mode::choose(app.json, fold, servers.len());
    let report = ExecReport::new(app.screen.clone(), mode)
        .among(servers.iter().map(|s| s.id.as_str()))
        .compared_with(reference);
    let report = Arc::new(report);
    let kept = args.max_output.unwrap_or(DEFAULT_MAX_OUTPUT);
    let one = async |server: Server| -> Result<(Status, Output)> {
        // A person is asked before anything is connected.
        let sudo = room.default_sudo(&server)?;
        let transport = room.transport(&server).await?;
        let sink = report.sink(&server.id);
        let request = Exec {
            stdin: stdin.clone(),
            sudo,
            timeout: room.options.command_timeout,
            // What is printed as it comes needs little keeping.
            max_output: match sink.is_some() {
                true => report.wanted(),
                false => kept,
            },
            sink,
            ..Exec::new(&command)
        };
        let output = transport.exec(request).await?;
        match output.is_success() {
            true => Ok((Status::Ok, output)),
            false => Err(Error::exit(&command, output)),
        }
    };
    let outcomes = app.block_on(async {
        let policy = &room.options.policy;
        Ok(map(room, "exec", servers, policy, one, |o| report.done(o)).await)
    })?;
    // What cannot be written the screen remembers, and `end` tells.
    let _ = report.finish(&outcomes);
    Ok(end(app, &outcomes))
}

/// The server that the others are compared with.
fn reference<'a>(app: &App, args: &'a Args, servers: &[Server]) -> Result<Option<&'a str>> {
    let Some(id) = args.diff_to.as_deref() else {
        return Ok(None);
    };
    if app.json {
        return Err(Error::usage("`--diff-to` has no meaning with `--json`"));
    }
    if !servers.iter().any(|s| s.id == id) {
        let error = Error::usage(format!(
            "`{id}` of `--diff-to` is not among the servers selected"
        ));
        return Err(error.hint(format!("`mroom ls {}` lists them", args.pattern.join(" "))));
    }
    Ok(Some(id))
}

/// Check mode: a command may change its server, so it runs nowhere.
pub(super) fn check(app: &App, servers: &[Server], command: &str) -> Result<u8> {
    let outcomes = skipped(servers);
    if app.json {
        let report = ExecReport::new(app.screen.clone(), Mode::Json);
        outcomes.iter().for_each(|o| report.done(o));
    } else {
        let ids = fold_ids(servers.iter().map(|s| s.id.as_str()));
        let text = format!("would run on {ids}: {command}");
        app.screen.note(crate::events::Level::Notice, None, &text);
        outcomes.iter().for_each(|o| outcome(&app.screen, o, false));
    }
    Ok(end(app, &outcomes))
}

/// The outcomes of check mode where nothing ran.
pub(super) fn skipped<T>(servers: &[Server]) -> Vec<Outcome<T>> {
    let skipped = servers.iter().map(|server| Outcome {
        server: server.id.clone(),
        status: Status::Skipped,
        value: None,
        error: None,
        duration: std::time::Duration::ZERO,
    });
    skipped.collect()
}

/// Prints the count; gives the exit code.
pub(super) fn end<T>(app: &App, outcomes: &[Outcome<T>]) -> u8 {
    let mut counts = Counts::of(outcomes);
    if app.room.cancel.is_cancelled() {
        counts.interrupt();
    }
    let code = app.unwritten(counts.exit_code());
    if !app.screen.is_pipe_closed() {
        total(&app.screen, &counts);
    }
    code
}
