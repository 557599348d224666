//! Connections made inside a network namespace and passed out: a helper, started there as root, connects
//! and sends the socket over its standard input (SCM_RIGHTS, unix(7)). So `mroom` itself needs no root.

use std::collections::HashMap;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use tokio::sync::oneshot;

use super::plan::Step;
use super::runner::Runner;
use super::{Dial, pump};
use crate::error::{Error, Kind, Result};
use crate::ssh::Reply;

/// How the helper is called: `mroom __socket ADDRESS PORT MILLISECONDS`.
pub const HELPER: &str = "__socket";
/// The helper's exit codes, for what std says of a connection.
const REFUSED: u8 = 3;
const SILENT: u8 = 4;
const UNREACHABLE: u8 = 5;
/// How long a connection may take to come about.
const PATIENCE: Duration = Duration::from_secs(15);
/// What sudo and the helper itself may take beside that.
const MARGIN: Duration = Duration::from_secs(15);

/// Two sockets that are joined; the second is for another process.
///
/// # Errors
/// [`Kind::Local`] when there are no descriptors left.
pub fn pair() -> Result<(OwnedFd, OwnedFd)> {
    let pair = rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    );
    pair.map_err(|e| {
        Error::local(format!("cannot make a descriptor: {e}"))
            .hint("use fewer forks, or raise `ulimit -n`")
            .source(e)
    })
}

/// Sends a descriptor, with one byte that carries it.
///
/// # Errors
/// [`Kind::Local`] when the other end is gone or no socket.
pub fn send(over: impl AsFd, socket: impl AsFd) -> Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let sockets = [socket.as_fd()];
    control.push(SendAncillaryMessage::ScmRights(&sockets));
    let carrier = [IoSlice::new(b"s")];
    rustix::net::sendmsg(over, &carrier, &mut control, SendFlags::NOSIGNAL)
        .map(|_| ())
        .map_err(|e| Error::local(format!("cannot pass a socket on: {e}")).source(e))
}

/// The descriptor that was sent, if one was; does not wait.
pub fn receive(over: impl AsFd) -> Option<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0; 1];
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    rustix::net::recvmsg(over, &mut [IoSliceMut::new(&mut byte)], &mut control, flags).ok()?;
    control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut sockets) => sockets.next(),
        _ => None,
    })
}

/// The helper's work: connects and sends the socket over `out`. Gives its exit code.
pub fn help(out: impl AsFd, address: IpAddr, port: u16, patience: Duration) -> u8 {
    use std::io::ErrorKind::{ConnectionRefused, TimedOut};
    match TcpStream::connect_timeout(&SocketAddr::new(address, port), patience) {
        Ok(stream) => match send(out, &stream) {
            Ok(()) => 0,
            Err(_) => UNREACHABLE,
        },
        Err(e) if e.kind() == ConnectionRefused => REFUSED,
        Err(e) if e.kind() == TimedOut => SILENT,
        Err(_) => UNREACHABLE,
    }
}

/// Connects inside of one namespace.
pub struct Inside {
    /// Its name.
    pub namespace: String,
    /// This program.
    pub program: PathBuf,
    /// Starts the helper.
    pub runner: Arc<dyn Runner>,
    /// The names that are known there.
    pub names: HashMap<String, IpAddr>,
}

impl Inside {
    /// A connection from there, made on this thread.
    ///
    /// # Errors
    /// As [`Dial::dial`].
    pub fn connect(
        &self,
        host: &str,
        port: u16,
        patience: Duration,
        stop: &dyn Fn() -> bool,
    ) -> Result<OwnedFd> {
        let literal = host.trim_matches(['[', ']']).parse().ok();
        let address: IpAddr = literal
            .or_else(|| self.names.get(host).copied())
            .ok_or_else(|| {
                let message = format!("host `{host}` does not resolve behind the tunnel");
                Error::new(Kind::Connect, message)
                    .hint("give the profile `dns=`, or the server its address")
            })?;
        let milliseconds = patience.as_millis().to_string();
        let words = [
            self.program.to_string_lossy().into_owned(),
            HELPER.to_owned(),
            address.to_string(),
            port.to_string(),
            milliseconds,
        ];
        let step = Step::new(words).patience(patience + MARGIN);
        let (output, socket) = self.runner.fetch(&step, &self.namespace, stop)?;
        let place = SocketAddr::new(address, port);
        let failed = |kind, message: String| Error::new(kind, message);
        match (output.code, socket) {
            (Some(0), Some(socket)) => Ok(socket),
            (Some(code), _) if code == i32::from(REFUSED) => Err(failed(
                Kind::Connect,
                format!("connection to {place} refused"),
            )
            .hint("does a server listen on that port?")
            .reason("refused")),
            (Some(code), _) if code == i32::from(SILENT) => {
                let seconds = patience.as_secs_f32();
                Err(failed(
                    Kind::Timeout,
                    format!("no answer from {place} for {seconds} s"),
                )
                .hint("is the server up, and does a firewall drop the packets?"))
            }
            (Some(code), _) if code == i32::from(UNREACHABLE) => Err(failed(
                Kind::Connect,
                format!("{place} cannot be reached from the tunnel's namespace"),
            )),
            _ => {
                let said = String::from_utf8_lossy(&output.stderr);
                let last = said.lines().rev().find(|l| !l.trim().is_empty());
                let message = format!(
                    "no connection to {place} from the tunnel's namespace: {}",
                    last.unwrap_or("the helper ended without a word")
                );
                Err(failed(Kind::Connect, message))
            }
        }
    }
}

/// [`Inside`] for async callers.
pub struct InsideDial(pub Arc<Inside>);

impl InsideDial {
    fn connected(&self, host: &str, port: u16) -> Reply<OwnedFd> {
        let (inside, host) = (self.0.clone(), host.to_owned());
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let work = move || {
                let stop = || answer.is_closed();
                let connected = inside.connect(&host, port, PATIENCE, &stop);
                let _ = answer.send(connected);
            };
            std::thread::Builder::new()
                .name("inside".to_owned())
                .spawn(work)
                .map_err(|e| Error::local(format!("cannot start a thread: {e}")).source(e))?;
            answered
                .await
                .unwrap_or_else(|_| Err(Error::local("a connection attempt ended early")))
        })
    }
}

impl Dial for InsideDial {
    fn dial(&self, host: &str, port: u16) -> Reply<OwnedFd> {
        self.connected(host, port)
    }

    fn join(&self, host: &str, port: u16, socket: OwnedFd, hello: Vec<u8>) -> Reply<()> {
        let connected = self.connected(host, port);
        Box::pin(async move { pump::join(connected.await?, socket, hello) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

    #[test]
    fn a_socket_goes_from_hand_to_hand() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (near, far) = pair().unwrap();
        let localhost: IpAddr = "127.0.0.1".parse().unwrap();
        assert_eq!(help(&far, localhost, port, PATIENCE), 0);
        let mut stream = TcpStream::from(receive(&near).unwrap());
        stream.write_all(b"hello").unwrap();
        drop(stream);
        let mut text = String::new();
        listener
            .accept()
            .unwrap()
            .0
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "hello");
        drop(listener);
        assert_eq!(help(&far, localhost, port, PATIENCE), REFUSED);
        assert!(receive(&near).is_none(), "nothing came");
        drop(near);
        assert!(send(&far, &far).is_err());
    }
}
