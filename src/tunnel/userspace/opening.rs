//! Who waits for a connection behind the tunnel, and what they are told.

use std::net::SocketAddr;
use std::time::Instant;

use smoltcp::socket::tcp::{Socket, State};
use tokio::sync::oneshot;

use super::settings::Settings;
use crate::error::{Error, Kind, Result};

/// Somebody who waits for a connection.
pub struct Opening {
    /// To be told.
    pub answer: oneshot::Sender<Result<()>>,
    /// Until then.
    pub until: Instant,
}

impl Opening {
    /// Tells how it went, when that is known; itself when it is not. `fault` is what is wrong with the
    /// gateway.
    pub fn settled(
        self,
        to: SocketAddr,
        socket: &mut Socket<'_>,
        settings: &Settings,
        fault: Option<&Error>,
    ) -> Option<Opening> {
        let name = &settings.name;
        let told = match socket.state() {
            State::SynSent if self.answer.is_closed() => {
                socket.abort();
                return None;
            }
            State::SynSent if Instant::now() < self.until => return Some(self),
            State::SynSent => {
                socket.abort();
                Err(fault.cloned().unwrap_or_else(|| {
                    let seconds = settings.timeout.as_secs();
                    let message = format!(
                        "connecting to {to} through the tunnel `{name}` timed out after {seconds} s"
                    );
                    Error::new(Kind::Timeout, message).hint(NO_ANSWER)
                }))
            }
            State::Closed => Err(refused(name, to, "connection refused")),
            _ => Ok(()),
        };
        // Who has gone meanwhile leaves a descriptor that ends by itself.
        let _ = self.answer.send(told);
        None
    }
}

const NO_ANSWER: &str = "is the server up, and does the gateway let us to it?";

/// A connection that somebody does not want.
pub fn refused(name: &str, to: SocketAddr, why: &str) -> Error {
    let message = format!("cannot connect to {to} through the tunnel `{name}`: {why}");
    let hint = match why {
        "connection refused" => "is sshd running, and on this port?",
        _ => NO_ANSWER,
    };
    Error::new(Kind::Connect, message).hint(hint)
}

/// What who comes too late is told.
pub fn closed(name: &str) -> Error {
    Error::new(Kind::Tunnel, format!("the tunnel `{name}` is down")).reason("dropped")
}
