//! Through a server to another one: a `direct-tcpip` channel with a descriptor at its end.
//!
//! libssh2 speaks over descriptors only, so the next session gets one end of a socket pair; the
//! hop's thread moves bytes between the other end and the channel ([`super::bridge`]).

use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::bridge::{bridge, carry};
use super::connect::words;
use super::driver::{Core, Fault, Lease};
use super::exec::within;
use super::ffi::Opening;
use super::hostkey::name_of;
use crate::error::{Error, Kind, Result};

/// Has the server `hop`, whose session this is, connect to `host` (a name as the hop knows it).
///
/// # Errors
/// [`Kind::Connect`] when the hop refuses or cannot, [`Kind::Timeout`] when it says nothing for so
/// long: then no other channel can be opened on this session until it does.
async fn opened(
    core: &Rc<Core>,
    hop: String,
    (host, port): (String, u16),
    patience: Duration,
) -> Result<Lease> {
    let place = name_of(&host, port);
    if host.contains('\0') {
        return Err(Error::usage("a host's name cannot hold a NUL byte"));
    }
    let opening = Opening::Direct { host, port };
    let opened = within(core, Some(Instant::now() + patience), core.open(&opening)).await;
    let connect = |message: String| Error::new(Kind::Connect, message);
    match opened {
        Some(Ok(lease)) => Ok(lease),
        Some(Err(Fault::Gone(how))) => {
            Err(connect(format!("the connection to `{hop}` is gone: {how}")))
        }
        Some(Err(Fault::Ssh(error))) => {
            let why = words(&error).replace("channel open failure", "");
            let why = why.trim().trim_matches(['(', ')']);
            let hint = match why {
                "connect failed" => "is the server up, and can the jump host reach it?",
                "administratively prohibited" => {
                    "does the jump host allow it (AllowTcpForwarding, PermitOpen)?"
                }
                _ => "does the jump host allow it, and has it room for another connection?",
            };
            let message = format!("`{hop}` does not connect to {place}: {why}");
            Err(connect(message).hint(hint).source(error))
        }
        None => {
            let seconds = patience.as_secs_f32();
            let message = format!("`{hop}` got no answer from {place} for {seconds} s");
            Err(Error::new(Kind::Timeout, message)
                .hint("is the server up, and does a firewall drop the packets?"))
        }
    }
}

/// A socket whose other end is a connection that the server `hop` makes.
///
/// # Errors
/// As [`opened`].
pub async fn dial(
    core: Rc<Core>,
    hop: String,
    host: String,
    port: u16,
    patience: Duration,
) -> Result<OwnedFd> {
    let lease = opened(&core, hop, (host, port), patience).await?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let pair = rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None);
    let (near, far) = pair.map_err(|e| {
        Error::local(format!("cannot make a descriptor: {e}"))
            .hint("use fewer forks, or raise `ulimit -n`")
            .source(e)
    })?;
    bridge(&core, lease, near);
    Ok(far)
}

/// Connects as [`dial`] does, then moves bytes between there and `socket`, to which `hello` is written
/// first, until both sides have ended.
///
/// # Errors
/// As [`opened`].
pub async fn join(
    core: Rc<Core>,
    hop: String,
    place: (String, u16),
    patience: Duration,
    (socket, hello): (OwnedFd, Vec<u8>),
) -> Result<()> {
    let lease = opened(&core, hop, place, patience).await?;
    carry(&core, lease, socket, hello);
    Ok(())
}
