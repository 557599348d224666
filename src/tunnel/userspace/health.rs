//! Whether the gateway answers: the first time, and ever after. Tells who waits for it, renews the socket
//! when the network may have changed, and asks again after the machine has slept.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::oneshot;

use super::device::{Asking, Outer};
use super::settings::Settings;
use crate::error::{Error, Kind, Result};
use crate::events::{Events, Level};
use crate::quote::typed;

/// A gateway that has not answered for so long does not answer any more; WireGuard asks every 5 s.
const LOST: Duration = Duration::from_secs(7);
/// An answer that has not come by then is lost: WireGuard asks again after 5 s.
const ANSWER: Duration = Duration::from_secs(3);
/// A machine that missed so much of the clock has slept, or its clock was set: then asking does no harm.
const SLEPT: Duration = Duration::from_secs(30);
/// A socket is not renewed more often.
const PAUSE: Duration = Duration::from_secs(1);

/// What is known of the gateway.
pub struct Health {
    settings: Arc<Settings>,
    events: Arc<dyn Events>,
    /// Who waits for the first handshake.
    first: Option<oneshot::Sender<Result<()>>>,
    /// Why there will be none.
    failure: Option<Error>,
    begun: Instant,
    /// A person was told that it does not answer.
    is_told: bool,
    /// So many questions were out when the socket was last renewed, and when that was.
    renewed: (u32, Instant),
    /// An address that is being looked up.
    lookup: Option<mpsc::Receiver<SocketAddr>>,
    clock: Clock,
}

impl Health {
    /// From now on; `first` is told how the first handshake went.
    pub fn new(
        settings: Arc<Settings>,
        events: Arc<dyn Events>,
        first: oneshot::Sender<Result<()>>,
    ) -> Self {
        Health {
            settings,
            events,
            first: Some(first),
            failure: None,
            begun: Instant::now(),
            is_told: false,
            renewed: (0, Instant::now()),
            lookup: None,
            clock: Clock::now(),
        }
    }

    /// Looks at it; to be called on each turn. False when the tunnel has not come up and never will.
    pub fn look(&mut self, outer: &mut Outer) -> bool {
        if self.clock.has_slept() {
            self.renew(outer);
            outer.ask();
        }
        if let Some(found) = self
            .lookup
            .as_ref()
            .and_then(|lookup| lookup.try_recv().ok())
        {
            self.lookup = None;
            if found != outer.link.gateway() {
                outer.link.renew(found);
                outer.ask();
            }
        }
        // Shortly before the next question, so that no answer is on its way to the old socket.
        let is_next =
            |asking: Asking| asking.last.elapsed() >= ANSWER && asking.times != self.renewed.0;
        let is_due = outer.asking.is_some_and(is_next) || outer.link.is_broken;
        if is_due && self.renewed.1.elapsed() >= PAUSE {
            let is_lost = outer.link.is_broken && outer.asking.is_some();
            self.renewed = (
                outer.asking.map_or(0, |asking| asking.times),
                Instant::now(),
            );
            self.renew(outer);
            if is_lost {
                outer.ask();
            }
        }
        if self.first.is_some() {
            return self.wait_for_first(outer);
        }
        self.tell(outer);
        true
    }

    /// Tells who waits for the first handshake that there will be none.
    pub fn report(mut self) {
        if let (Some(first), Some(error)) = (self.first.take(), self.failure.take()) {
            let _ = first.send(Err(error));
        }
    }

    /// Why connections get no answer, when it is the gateway's fault.
    pub fn fault(&self, outer: &Outer) -> Option<Error> {
        let silence = outer.asking?.since.elapsed();
        if silence < LOST {
            return None;
        }
        let shown = self.settings.gateway_shown(outer.link.gateway());
        let message = format!(
            "the tunnel `{}` is interrupted: the gateway {shown} has not answered for {} s",
            self.settings.name,
            silence.as_secs()
        );
        Some(Error::new(Kind::Tunnel, message).reason("dropped"))
    }

    /// False when it has failed.
    fn wait_for_first(&mut self, outer: &Outer) -> bool {
        if outer.shaken.is_some() {
            let first = self.first.take();
            return first.is_some_and(|first| first.send(Ok(())).is_ok());
        }
        let times = outer.asking.map_or(0, |asking| asking.times);
        let is_late = self.begun.elapsed() >= self.settings.timeout;
        let is_refused = outer.link.is_refused && times >= 2;
        if is_late || is_refused || outer.misfits >= 2 {
            self.failure = Some(self.unanswered(outer));
        }
        let is_waited_for = self.first.as_ref().is_some_and(|first| !first.is_closed());
        is_waited_for && self.failure.is_none()
    }

    fn unanswered(&self, outer: &Outer) -> Error {
        let (name, ours) = (&self.settings.name, self.settings.public_key());
        let shown = self.settings.gateway_shown(outer.link.gateway());
        let error = |reason: &str, what: &str| {
            let message =
                format!("the tunnel `{name}` does not come up: the gateway {shown} {what}");
            Error::new(Kind::Tunnel, message).reason(reason)
        };
        if outer.misfits > 0 {
            let hint = "is `psk` the one that the gateway has for us?";
            return error("auth", "answers, but not with our keys").hint(hint);
        }
        if outer.link.is_refused {
            let hint = format!("is the port right? mroom tunnel show {}", typed(name));
            return error("gateway", "refuses: nothing listens on that port").hint(hint);
        }
        let hint = format!("is `public_key` the gateway's, and does it know ours? ours is {ours}");
        error("gateway", "does not answer").hint(hint)
    }

    fn tell(&mut self, outer: &Outer) {
        let silence = outer.asking.map(|asking| asking.since.elapsed());
        let is_lost = silence.is_some_and(|silence| silence >= LOST);
        let (level, what) = match (self.is_told, is_lost, silence) {
            (false, true, _) => (Level::Warning, "does not answer any more; trying on"),
            (true, _, None) => (Level::Notice, "answers again"),
            _ => return,
        };
        self.is_told = is_lost;
        let shown = self.settings.gateway_shown(outer.link.gateway());
        let text = format!(
            "the tunnel `{}`: the gateway {shown} {what}",
            self.settings.name
        );
        self.events.note(level, None, &text);
    }

    /// Another socket, and a new look at where the gateway's name points.
    fn renew(&mut self, outer: &mut Outer) {
        let gateway = outer.link.gateway();
        outer.link.renew(gateway);
        let (host, port) = self.settings.gateway.clone();
        if self.lookup.is_some() || host.parse::<std::net::IpAddr>().is_ok() {
            return;
        }
        let (answer, lookup) = mpsc::channel();
        // The C resolver cannot be interrupted; a thread of its own can be left behind.
        let thread = std::thread::Builder::new().name("resolve".to_owned());
        let started = thread.stack_size(256 << 10).spawn(move || {
            let found: Vec<SocketAddr> = match (host.as_str(), port).to_socket_addrs() {
                Ok(found) => found.collect(),
                Err(_) => return,
            };
            let same = found.iter().find(|address| **address == gateway);
            if let Some(address) = same.or(found.first()) {
                let _ = answer.send(*address);
            }
        });
        self.lookup = started.is_ok().then_some(lookup);
    }
}

/// Two clocks, one of which stands still while the machine sleeps.
struct Clock {
    awake: Instant,
    wall: SystemTime,
}

impl Clock {
    fn now() -> Self {
        Clock {
            awake: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    fn has_slept(&mut self) -> bool {
        let before = std::mem::replace(self, Clock::now());
        let wall = self.wall.duration_since(before.wall).unwrap_or_default();
        slept(self.awake - before.awake, wall)
    }
}

fn slept(awake: Duration, wall: Duration) -> bool {
    wall.saturating_sub(awake) >= SLEPT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_that_the_machine_has_slept() {
        let s = Duration::from_secs;
        assert!(slept(s(1), s(3600)));
        assert!(!slept(s(3600), s(3600)), "a long wait is no sleep");
        assert!(!slept(s(1), s(0)), "a clock that was set back");
        assert!(!slept(s(1), s(20)));
        let mut clock = Clock::now();
        assert!(!clock.has_slept());
        clock.wall -= s(7200);
        assert!(clock.has_slept());
        assert!(!clock.has_slept(), "told once");
    }
}
