//! From a [`Target`] to an authenticated session, step by step, each with its own words for what
//! went wrong. Runs on the session's thread and blocks only in poll(2).

use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ssh2::{MethodType, Session};

use super::auth::KeyRing;
use super::hostkey::Known;
use super::net::poll::Interest;
use super::net::tcp::{self, Patience, Stop, abandoned, quick_ack};
use super::net::wire;
use super::{Names, Options, Route, Target, auth, ffi, refusal};
use crate::error::{Error, Kind, Result};
use crate::events::{Level, Step};

/// Key exchanges in the order of our liking: the first resists quantum computers, the second is
/// the fastest. What is not named follows in libssh2's order.
const KEX: &[&str] = &[
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
];
/// AES in GCM is faster than ChaCha20 wherever the processor has AES instructions.
const CIPHERS: &[&str] = &["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"];
/// Bytes before the end of the handshake after which a server is not believed any more: a
/// banner and a key exchange need less than a tenth of it.
pub const FLOOD: u64 = 512 << 10;
/// The first pause before another try; doubled each time.
const BACK_OFF: Duration = Duration::from_millis(250);

/// A session that is being made.
pub struct Link<'a> {
    /// The session, non-blocking.
    pub session: Session,
    /// Its socket.
    pub socket: Arc<OwnedFd>,
    /// How long it may still take.
    pub patience: &'a mut Patience,
}

/// Why a libssh2 call did not succeed in time.
pub enum Halt {
    /// It failed, or the server refused.
    Ssh(ssh2::Error),
    /// The server has gone; says how.
    Gone(String),
    /// Time is up, or nobody waits any more.
    Stop(Stop),
    /// The server sent more than any server has to say.
    Flood,
}

impl Link<'_> {
    /// Repeats a libssh2 call until it succeeds, fails, or there is no reason to go on.
    pub fn drive<T>(
        &mut self,
        mut f: impl FnMut(&mut Session, &mut Patience) -> Result<T, ssh2::Error>,
    ) -> Result<T, Halt> {
        loop {
            wire::refuel();
            let result = f(&mut self.session, self.patience);
            wire::flush(self.socket.as_fd());
            match result {
                Ok(value) => return Ok(value),
                Err(error) if ffi::would_block(&error) => {}
                Err(error) => {
                    return Err(match wire::ended() {
                        Some(how) => Halt::Gone(how),
                        None => Halt::Ssh(error),
                    });
                }
            }
            if let Some(how) = wire::ended() {
                return Err(Halt::Gone(how));
            }
            if wire::received() > FLOOD {
                return Err(Halt::Flood);
            }
            if wire::starved() {
                self.patience.check().map_err(Halt::Stop)?;
                continue;
            }
            quick_ack(&self.socket);
            let interest = Interest {
                read: true,
                write: wire::unsent() > 0,
            };
            self.patience
                .wait(Some((self.socket.as_fd(), interest)), None)
                .map_err(Halt::Stop)?;
        }
    }
}

/// Connects and authenticates, with the retries that `options` allow.
///
/// # Errors
/// [`Kind::Connect`], [`Kind::HostKey`] or [`Kind::Auth`], naming the server.
pub fn establish(
    options: &Options,
    keys: &KeyRing,
    target: &Target,
    patience: &mut Patience,
) -> Result<(Session, Arc<OwnedFd>)> {
    let mut attempt = || -> Result<(Session, Arc<OwnedFd>)> {
        let known = Known::load(options, target)?;
        let mut tries = 0;
        let mut link = loop {
            match greet(options, target, &known, patience) {
                Ok((session, socket)) => {
                    break Link {
                        session,
                        socket,
                        patience,
                    };
                }
                Err((error, true)) if tries < options.retries => {
                    tries += 1;
                    back_off(tries, patience)?;
                    let message = format!("{}; trying again", error.message());
                    options.events.note(Level::Info, Some(&target.id), &message);
                }
                Err((error, _)) => return Err(error),
            }
        };
        // From here on nothing is tried again: servers punish repeated failures.
        known.verify(&link.session, options, target, link.patience)?;
        auth::authenticate(&mut link, options, keys, target)?;
        Ok((link.session, link.socket))
    };
    attempt().map_err(|e| Names::of(target).put_on(e))
}

/// TCP and the SSH handshake. The flag says whether another try may help.
fn greet(
    options: &Options,
    target: &Target,
    known: &Known,
    patience: &mut Patience,
) -> Result<(Session, Arc<OwnedFd>), (Error, bool)> {
    let step = |step| options.events.step(&target.id, step);
    let socket = match &target.route {
        Route::Direct | Route::At(_) => reach(target, &step, patience)?,
        Route::Over { socket, hop } => {
            step(Step::Through(hop.clone()));
            socket.clone()
        }
        Route::Through(_) | Route::Behind(_) => {
            let message = "the way through jump hosts and tunnels is not made";
            return Err((Error::usage(message), false));
        }
    };
    let session = prepare(known, &socket).map_err(|e| (e, false))?;
    let mut link = Link {
        session,
        socket,
        patience,
    };
    match link.drive(|session, _| session.handshake()) {
        Ok(()) => {
            step(agreed(&link.session));
            Ok((link.session, link.socket))
        }
        Err(halt) => {
            let again = matches!(&halt, Halt::Gone(_))
                && matches!(target.route, Route::Direct | Route::At(_));
            let error = refusal::handshake(&halt, target, link.patience.total());
            wire::hang_up();
            Err((error, again))
        }
    }
}

/// A TCP connection. The flag says whether another try may help.
fn reach(
    target: &Target,
    step: &dyn Fn(Step),
    patience: &Patience,
) -> Result<Arc<OwnedFd>, (Error, bool)> {
    let addresses = match target.route {
        Route::At(address) => vec![SocketAddr::new(address, target.port)],
        _ => tcp::resolve(&target.host, target.port, patience).map_err(|e| (e, false))?,
    };
    step(Step::Resolved(addresses.clone()));
    let socket = tcp::connect(&addresses, patience).map_err(|e| {
        let again = e.kind() == Kind::Connect;
        (e, again)
    })?;
    if let Ok(address) = socket.peer_addr() {
        step(Step::Connected(address));
    }
    Ok(Arc::new(socket.into()))
}

/// What the handshake has come to.
fn agreed(session: &Session) -> Step {
    let methods = [MethodType::Kex, MethodType::HostKey, MethodType::CryptCs];
    let methods = methods.into_iter().filter_map(|kind| session.methods(kind));
    Step::Agreed {
        greeting: session.banner().unwrap_or_default().to_owned(),
        methods: methods.map(str::to_owned).collect(),
    }
}

fn prepare(known: &Known, socket: &Arc<OwnedFd>) -> Result<Session> {
    let make = || -> Result<Session, ssh2::Error> {
        let session = Session::new()?;
        wire::reset(socket.as_fd());
        ffi::hook_socket(&session);
        session.set_blocking(false);
        for (method, liked) in [
            (MethodType::Kex, KEX),
            (MethodType::CryptCs, CIPHERS),
            (MethodType::CryptSc, CIPHERS),
        ] {
            let supported = session.supported_algs(method)?;
            session.method_pref(method, &in_order(&supported, liked))?;
        }
        known.prefer(&session)?;
        Ok(session)
    };
    let mut session = make().map_err(|e| Error::local("cannot set up a session").source(e))?;
    session.set_tcp_stream(socket.clone());
    Ok(session)
}

/// `supported` with what is liked first. Nothing is left out: pseudo-methods such as `ext-info-c`
/// must stay in the list.
fn in_order(supported: &[&str], liked: &[&str]) -> String {
    let mut order: Vec<&str> = liked
        .iter()
        .copied()
        .filter(|m| supported.contains(m))
        .collect();
    order.extend(supported.iter().copied().filter(|m| !liked.contains(m)));
    order.join(",")
}

fn back_off(tries: u32, patience: &Patience) -> Result<()> {
    // The clock's low bits are random enough to keep a hundred servers from coming back at once.
    let jitter = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.subsec_nanos() % 250);
    let pause =
        BACK_OFF * 2u32.saturating_pow(tries - 1) + Duration::from_millis(u64::from(jitter));
    match patience.wait(None, Some(Instant::now() + pause)) {
        Err(Stop::Abandoned) => Err(abandoned()),
        // Out of time: the next attempt says so in its own words.
        Ok(_) | Err(Stop::Timeout) => Ok(()),
    }
}

/// libssh2's own words, in our style.
pub fn words(error: &ssh2::Error) -> String {
    let text = error.message().trim_end_matches('.');
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !text.chars().nth(1).is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn liked_methods_come_first_and_none_is_lost() {
        assert_eq!(in_order(&["a", "b", "ext"], &["b", "z"]), "b,a,ext");
        assert_eq!(in_order(&[], &["b"]), "");
    }

    #[test]
    fn libssh2_speaks_like_us() {
        let error = ssh2::Error::new(ssh2::ErrorCode::Session(-1), "Unable to do it.");
        assert_eq!(words(&error), "unable to do it");
        let error = ssh2::Error::new(ssh2::ErrorCode::Session(-1), "RSA is bad");
        assert_eq!(words(&error), "RSA is bad");
    }
}
