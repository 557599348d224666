//! [`Health`]: how a server is at the moment, asked in one round trip.
//!
//! A constant shell script goes in over standard input and prints lines of numbers between two
//! markers, so what a login prints around them does no harm. The answer is parsed strictly: a line
//! that is not understood fails the whole answer, because the server is not trusted.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Room, Status};
use crate::error::{Error, Kind, Result};
use crate::inventory::Server;
use crate::ssh::Exec;

/// How it is run; the word is for whoever reads the log.
const COMMAND: &str = "sh -s status";
/// The lines around the answer.
const FIRST: &str = "--mroom-status--";
const LAST: &str = "--mroom-status-end--";
/// A longer answer is none.
const LONGEST: usize = 64 << 10;
/// A session that is open already is there sooner than this; nothing else is.
const AT_ONCE: Duration = Duration::from_millis(1);

/// What a server said of itself, and how long that took. What it did not say is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// To connect and log in; `None` when the session was open already.
    pub login: Option<Duration>,
    /// From the question to the first of the answer, on the open session.
    pub answer: Option<Duration>,
    /// The kernel's name, such as `Linux`.
    pub system: Option<String>,
    /// Since the start of the system, in whole seconds.
    pub uptime: Option<Duration>,
    /// Averages over 1, 5 and 15 minutes.
    pub load: Option<[f64; 3]>,
    /// Processors online.
    pub cpus: Option<u32>,
    /// Bytes of memory: total, and what programs could still have.
    pub memory: Option<Space>,
    /// Bytes of the file system of `/`: those in use and free together, and the free ones.
    pub disk: Option<Space>,
}

impl Health {
    /// What is run on the server, over standard input.
    pub const SCRIPT: &str = include_str!("health.sh");

    /// The answer between its markers, whatever stands around them.
    ///
    /// # Errors
    /// The line that is not understood, or which marker is missing.
    pub fn parse(text: &str) -> Result<Self, String> {
        parse(text)
    }

    /// Times in seconds, sizes in bytes, null for what the server did not say.
    pub fn json(&self) -> Value {
        let seconds = |time: Option<Duration>| time.map(|t| t.as_secs_f64());
        let space = |space: Option<Space>| space.map(|s| json!({"total": s.total, "free": s.free}));
        json!({
            "login": seconds(self.login),
            "answer": seconds(self.answer),
            "system": self.system,
            "uptime": self.uptime.map(|t| t.as_secs()),
            "load": self.load,
            "cpus": self.cpus,
            "memory": space(self.memory),
            "disk": space(self.disk),
        })
    }
}

/// So much of something, and how much of it is left; in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// All of it.
    pub total: u64,
    /// What is left.
    pub free: u64,
}

impl Space {
    /// The share in use, in percent.
    pub fn used_percent(self) -> f64 {
        (self.total - self.free) as f64 * 100.0 / self.total as f64
    }
}

/// Asks a server how it is.
///
/// # Errors
/// Those of [`Room::transport`] and of the command; [`Kind::Script`] for an answer that is none.
pub async fn health(room: &Room, server: &Server) -> Result<(Status, Health)> {
    let begun = Instant::now();
    let transport = room.transport(server).await?;
    let login = Some(begun.elapsed()).filter(|took| *took >= AT_ONCE);
    let (asked, answered) = (Instant::now(), Arc::new(OnceLock::new()));
    let first = answered.clone();
    let timeout = room.options.command_timeout;
    let request = Exec {
        stdin: Health::SCRIPT.into(),
        max_output: LONGEST,
        timeout: Some(timeout.unwrap_or_else(|| room.config.timeout())),
        sink: Some(Arc::new(move |_, _| {
            first.get_or_init(|| asked.elapsed());
        })),
        ..Exec::reader(COMMAND)
    };
    let output = transport.exec(request).await?;
    if !output.is_success() {
        return Err(Error::exit(COMMAND, output));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let health = Health::parse(&text).map_err(|why| {
        let message = format!("the answer to `{COMMAND}` is not understood: {why}");
        Error::new(Kind::Script, message)
    })?;
    let answer = answered.get().copied();
    Ok((
        Status::Ok,
        Health {
            login,
            answer,
            ..health
        },
    ))
}

/// The answer between its markers.
fn parse(text: &str) -> Result<Health, String> {
    let mut lines = text.lines().map(|line| line.trim_end_matches('\r'));
    if !lines.any(|line| line == FIRST) {
        return Err("it has no beginning".into());
    }
    let mut health = Health::default();
    for line in lines {
        if line == LAST {
            return Ok(health);
        }
        let (key, rest) = line.split_once(' ').unwrap_or((line, ""));
        let known = match key {
            "system" => put(&mut health.system, word(rest)),
            "uptime" => put(&mut health.uptime, whole(rest).map(Duration::from_secs)),
            "load" => put(&mut health.load, averages(rest)),
            "cpus" => put(
                &mut health.cpus,
                whole(rest).and_then(|n| u32::try_from(n).ok()),
            ),
            "memory" => put(
                &mut health.memory,
                pair(rest).and_then(|[total, free]| share(total, free)),
            ),
            "disk" => put(
                &mut health.disk,
                pair(rest).and_then(|[used, free]| share(used.checked_add(free)?, free)),
            ),
            _ => None,
        };
        if known.is_none() {
            return Err(format!(
                "`{}`",
                line.escape_debug().take(60).collect::<String>()
            ));
        }
    }
    Err("it has no end".into())
}

/// Fills what is still empty; `None` when there is no value, or one already.
fn put<T>(place: &mut Option<T>, value: Option<T>) -> Option<()> {
    if place.is_some() {
        return None;
    }
    *place = Some(value?);
    Some(())
}

/// A whole number of at most fifteen digits: sums and multiples of it fit 64 bits.
fn whole(text: &str) -> Option<u64> {
    let is_number = (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn pair(text: &str) -> Option<[u64; 2]> {
    let (one, two) = text.split_once(' ')?;
    Some([whole(one)?, whole(two)?])
}

/// From KiB; there cannot be more left than there is, nor nothing at all.
fn share(total: u64, free: u64) -> Option<Space> {
    (total > 0 && free <= total).then(|| Space {
        total: total * 1024,
        free: free * 1024,
    })
}

fn averages(text: &str) -> Option<[f64; 3]> {
    let mut words = text.split(' ');
    let mut next = || {
        let word = words.next()?;
        let (before, after) = word.split_once('.').unwrap_or((word, "0"));
        whole(before)?;
        whole(after)?;
        word.parse::<f64>().ok()
    };
    let three = [next()?, next()?, next()?];
    words.next().is_none().then_some(three)
}

fn word(text: &str) -> Option<String> {
    let is_word = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
    is_word.then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
