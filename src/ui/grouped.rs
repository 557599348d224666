//! The outcomes of a finished run in as few lines as they need: what servers have in common is
//! said once.

use std::sync::Arc;

use super::{ExecReport, Mode, Screen, fold_ids, report};
use crate::error::{Error, Result};
use crate::fleet::{Counts, Outcome, Status};
use crate::output::Output;

/// Prints outputs in blocks, then a line for each way in which servers ended other than well,
/// then the count, which it gives back.
///
/// # Errors
/// Those of [`Screen::result`].
pub fn grouped(screen: &Arc<Screen>, outcomes: Vec<Outcome<Output>>) -> Result<Counts> {
    let counts = Counts::of(&outcomes);
    let mut groups: Vec<Outcome<Output>> = Vec::new();
    let mut members: Vec<Vec<String>> = Vec::new();
    let mut printed = Vec::new();
    for outcome in outcomes {
        let silent = outcome.value.as_ref().is_some_and(is_silent);
        if outcome.status != Status::Ok || silent {
            let line = Outcome {
                server: outcome.server.clone(),
                status: outcome.status,
                value: None,
                error: outcome.error.clone(),
                duration: outcome.duration,
            };
            match groups.iter().position(|group| is_alike(group, &line)) {
                Some(at) => {
                    members[at].push(line.server);
                    groups[at].duration = groups[at].duration.max(line.duration);
                }
                None => {
                    members.push(vec![line.server.clone()]);
                    groups.push(line);
                }
            }
        }
        if !silent {
            printed.push(outcome);
        }
    }
    ExecReport::new(screen.clone(), Mode::Fold).finish(&printed)?;
    for (mut group, ids) in groups.into_iter().zip(members) {
        group.server = fold_ids(ids.iter().map(String::as_str));
        report::outcome(screen, &group, false);
    }
    report::total(screen, &counts);
    Ok(counts)
}

fn is_silent(output: &Output) -> bool {
    output.stdout.is_empty() && output.stderr.is_empty() && output.code == Some(0)
}

/// Would the two read the same but for the server and the time?
fn is_alike(a: &Outcome<Output>, b: &Outcome<Output>) -> bool {
    let words = |o: &Outcome<Output>| {
        let part = |e: &Error| (e.message().to_owned(), e.hint_text().map(str::to_owned));
        o.error.as_ref().map(part)
    };
    a.status == b.status && words(a) == words(b)
}
