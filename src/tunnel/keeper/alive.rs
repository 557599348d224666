//! A sign of life from behind a tunnel: something there is asked for a connection.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant, UNIX_EPOCH};

use super::ends::{Ends, resolve};
use super::folder::Lock;
use super::{Keeper, Line};
use crate::error::Kind;
use crate::events::Level;

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(4);
/// So many servers are asked at once: one answer is enough.
const ASKED: usize = 4;
/// One that has been up for less is not stale.
const YOUNG: Duration = Duration::from_secs(15);

impl Keeper {
    /// One that was left up looks well, and nothing behind it answers: the gateway may have forgotten it. Only
    /// one that nobody else uses, and that is ours to bring up anew.
    pub(super) fn is_stale(&self, line: &Line, ends: &[(String, u16)], lock: &Lock) -> bool {
        let wall = (self.tools.wall)().duration_since(UNIX_EPOCH);
        let since = Duration::from_secs(line.record.since);
        let age = wall.unwrap_or_default().saturating_sub(since);
        if line.record.foreign || age < YOUNG || self.is_shared(lock) {
            return false;
        }
        let hosts: Vec<_> = self
            .probe_place()
            .into_iter()
            .chain(ends.iter().cloned())
            .collect();
        let mut found = resolve(&hosts);
        let behind = found.unknown.iter().filter_map(|(name, port)| {
            let address = line.names.get(name)?;
            Some(SocketAddr::new(*address, *port))
        });
        found.places.extend(behind);
        let is_stale = !self.answers(line, &found) && !self.is_stopped();
        if is_stale {
            let message = "is up, and nothing behind it answers: it is brought up anew";
            self.note(Level::Notice, message);
        }
        is_stale
    }

    /// Whether anything behind it answers: a connection, or its refusal.
    pub(super) fn answers(&self, line: &Line, ends: &Ends) -> bool {
        let at_once = if self.probe_place().is_some() {
            1
        } else {
            ASKED
        };
        // The profile's own place stands first.
        let places: Vec<SocketAddr> = ends.places.iter().take(at_once).copied().collect();
        if places.is_empty() {
            return true;
        }
        let inside = self.inside(line).map(Arc::new);
        let (answer, answered) = channel();
        let mut waiting = 0;
        for place in places {
            let (answer, inside) = (answer.clone(), inside.clone());
            let ask = move || {
                let went = match inside {
                    Some(inside) => {
                        let went =
                            inside
                                .connect(&place.ip().to_string(), place.port(), ANSWER, &|| false);
                        went.map(|_| ()).or_else(|e| match e.reason_word() {
                            Some("refused") => Ok(()),
                            _ => Err(e.kind()),
                        })
                    }
                    None => match TcpStream::connect_timeout(&place, ANSWER) {
                        Err(e) if e.kind() != std::io::ErrorKind::ConnectionRefused => {
                            Err(Kind::Connect)
                        }
                        _ => Ok(()),
                    },
                };
                let _ = answer.send(went.is_ok());
            };
            if std::thread::Builder::new()
                .name("probe".to_owned())
                .spawn(ask)
                .is_ok()
            {
                waiting += 1;
            }
        }
        let until = Instant::now() + ANSWER + Duration::from_secs(1);
        while waiting > 0 && !self.is_stopped() && Instant::now() < until {
            match answered.recv_timeout(Duration::from_millis(50)) {
                Ok(true) => return true,
                Ok(false) => waiting -= 1,
                Err(_) => {}
            }
        }
        false
    }
}
