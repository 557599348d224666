//! What works on a server, once the connection is there.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::probe::{Probe, Root, script};
use super::report::{Report, Row};
use crate::cli::App;
use crate::error::{Error, Result};
use crate::quote;
use crate::ssh::{Exec, Transport};

/// Clocks that are further apart trouble certificates and one-time passwords.
const CLOCKS: i64 = 30;

/// What works once the connection is there.
pub(super) async fn look(app: &App, transport: &dyn Transport, report: &mut Report) -> Result<()> {
    let run = async |command: &str| {
        let begun = Instant::now();
        let request = Exec {
            timeout: Some(app.ssh.timeout),
            ..Exec::reader(command)
        };
        transport
            .exec(request)
            .await
            .map(|output| (output, begun.elapsed()))
    };
    match run("true").await {
        Err(error) => return report.add(Row::error("command", &error)),
        Ok((output, _)) if !output.is_success() => {
            let ended = Error::exit("true", output);
            let hint = "is its login shell one that runs commands? (not nologin, not a menu)";
            return report.add(Row::error("command", &ended.hint(hint)));
        }
        Ok((output, took)) if !output.stdout.is_empty() => {
            let text = String::from_utf8_lossy(&output.stdout);
            let shown = format!("the login prints by itself: {}", text.trim_end());
            let hint = "its shell's start-up files should print only on a terminal";
            report.add(Row::warn("command", shown).hint(hint).took(took))?;
        }
        Ok((_, took)) => report.add(Row::ok("command", "runs commands").took(took))?,
    }
    let workspace = app.room.config.remote_workspace();
    let command = quote::words(&["sh", "-c", script(), "sh", workspace])?;
    let before = now();
    let (output, took) = match run(&command).await {
        Ok(done) => done,
        Err(error) => return report.add(Row::error("command", &error)),
    };
    let there = before + i64::try_from(took.as_secs()).unwrap_or_default() / 2;
    let Some(probe) = Probe::parse(&output.stdout) else {
        let hint = "the server must have a POSIX shell as `sh`";
        return report.add(Row::fail("command", "gives no answer that makes sense").hint(hint));
    };
    for row in about(&probe, there, workspace) {
        report.add(row)?;
    }
    Ok(())
}

fn about(probe: &Probe, now: i64, workspace: &str) -> Vec<Row> {
    let mut rows = vec![Row::ok(
        "system",
        format!("{}, as `{}`", probe.system, probe.user),
    )];
    rows.push(match probe.root {
        Root::Is => Row::ok("sudo", "not needed: the login is root"),
        Root::Free => Row::ok("sudo", "works without a password"),
        Root::Asks => Row::ok("sudo", "asks for a password, or does not allow it"),
        Root::Missing => Row::warn("sudo", "neither sudo nor doas is there")
            .hint("what needs root must log in as root"),
    });
    rows.push(match probe.workspace {
        true => Row::ok("workspace", format!("`{workspace}` can be written")),
        false => Row::fail("workspace", format!("`{workspace}` cannot be written"))
            .hint("change the setting `remote_workspace`, or the folder's owner"),
    });
    let apart = probe.time - now;
    rows.push(match apart.abs() > CLOCKS {
        false => Row::ok("clock", "agrees with ours"),
        true => {
            let word = if apart > 0 { "ahead of" } else { "behind" };
            let shown = format!("{} s {word} ours", apart.abs());
            Row::warn("clock", shown).hint("is NTP running, there and here?")
        }
    });
    rows
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or(Duration::ZERO).as_secs()).unwrap_or_default()
}
