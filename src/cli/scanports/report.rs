//! What both sides of a server say together: a status, what is worth telling, what is to be kept.
//! Pure.

use std::collections::BTreeSet;

use super::Args;
use super::gather::{Inside, Seen};
use crate::cli::ports::Kept;
use crate::error::{Error, Kind};
use crate::fleet::{Outcome, Status};
use crate::scan::compare::{self, Remark, Row};
use crate::scan::{Found, ports::ranges};

/// What is known of a server.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub found: Option<Found>,
    pub inside: Option<Inside>,
    /// Why it was not scanned from here.
    pub behind: Option<String>,
    pub rows: Vec<Row>,
    /// What is to be kept of it; `None` when too little is known.
    pub kept: Option<Kept>,
}

/// `known` is what the inventory says so far.
pub(super) fn judged(seen: Seen, known: &BTreeSet<u16>, args: &Args) -> Outcome<Report> {
    let (inside, refused) = split(seen.inside);
    let (found, missed) = split(seen.outside);
    let expected: Option<BTreeSet<u16>> = match &args.expect {
        Some(ports) => Some(ports.list().iter().copied().collect()),
        None => Some(known.clone()).filter(|known| !known.is_empty()),
    };
    let listeners = inside.as_ref().map(|inside| inside.ports.as_slice());
    // Of a host from which nothing comes nothing is known.
    let heard = found
        .as_ref()
        .filter(|found| !found.is_silent() || inside.is_some());
    let rows = compare::rows(heard, listeners, expected.as_ref());
    let is_local = seen.behind.is_some() || args.inside;
    let now = match heard {
        Some(found) => found.is_whole().then(|| merged(known, found)),
        None if is_local => listeners.map(|list| {
            let others = list.iter().filter(|l| !l.is_local);
            others.map(|l| l.port).collect()
        }),
        None => None,
    };
    let kept = now.map(|now| Kept::between(known, now));
    let (status, error) = if let Some(error) = refused {
        // The other half may be known all the same.
        (seen.status, Some(error))
    } else if let Some(error) = missed {
        (Status::of(&error), Some(error))
    } else if let Some(part) = found.as_ref().filter(|found| !found.is_whole()) {
        let message = format!(
            "interrupted: {} of {} ports are not known",
            part.unknown,
            part.ports.list().len()
        );
        (
            Status::Cancelled,
            Some(Error::new(Kind::Cancelled, message)),
        )
    } else if let (Some(found), None) = (&found, heard) {
        (Status::Unreachable, Some(silent(found)))
    } else if let (Some(behind), None) = (&seen.behind, &inside) {
        let error = Error::new(
            Kind::Connect,
            format!("{behind}: it cannot be scanned from here"),
        );
        (
            Status::Skipped,
            Some(error.hint("`--inside` asks the server itself")),
        )
    } else if let (Some(_), Some(error)) = (&args.expect, surprise(&rows)) {
        (Status::Failed, Some(error))
    } else if kept.as_ref().is_some_and(Kept::is_new) && !args.no_store {
        (Status::Changed, None)
    } else {
        (Status::Ok, None)
    };
    Outcome {
        error: error.map(|error| error.server(&seen.server)),
        server: seen.server,
        status,
        value: Some(Report {
            rows,
            kept,
            found,
            inside,
            behind: seen.behind,
        }),
        duration: seen.duration,
    }
}

fn split<T>(side: Option<Result<T, Error>>) -> (Option<T>, Option<Error>) {
    match side {
        Some(Ok(value)) => (Some(value), None),
        Some(Err(error)) => (None, Some(error)),
        None => (None, None),
    }
}

/// What is known of ports that were not asked stays as it was.
fn merged(known: &BTreeSet<u16>, found: &Found) -> BTreeSet<u16> {
    let asked = found.ports.list();
    let others = known
        .iter()
        .filter(|port| asked.binary_search(port).is_err());
    others.copied().chain(found.open_ports()).collect()
}

/// Down, or behind a firewall that lets nothing through: nobody can tell.
fn silent(found: &Found) -> Error {
    let why = match &found.barred {
        Some(why) => format!(" ({why})"),
        None => String::new(),
    };
    let count = found.ports.list().len();
    let ports = match count {
        1 => format!(
            "port {} of {} gives no answer",
            found.ports.list()[0],
            found.address
        ),
        _ => format!("none of {count} ports of {} gives an answer", found.address),
    };
    Error::new(Kind::Connect, format!("{ports}{why}"))
        .hint("is it up, or does a firewall drop everything? `--inside` asks the server itself")
}

/// What is not as `--expect` says.
fn surprise(rows: &[Row]) -> Option<Error> {
    let with = |remark: Remark| -> Vec<u16> {
        let those = rows.iter().filter(|row| row.remarks.contains(&remark));
        those.map(|row| row.port).collect()
    };
    let lists = [
        ("open", with(Remark::Unexpected)),
        ("not open", with(Remark::Missing)),
    ];
    let words: Vec<String> = lists
        .iter()
        .filter(|(_, ports)| !ports.is_empty())
        .map(|(word, ports)| format!("{word}: {}", ranges(ports)))
        .collect();
    (!words.is_empty()).then(|| {
        Error::new(
            Kind::Script,
            format!("not as expected; {}", words.join("; ")),
        )
    })
}
