//! Moves bytes between two sockets on threads of its own.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;

use crate::error::{Error, Result};

/// Bytes moved at once.
const CHUNK: usize = 64 << 10;
/// Stack of a thread that moves them.
const STACK: usize = 256 << 10;

/// Writes `hello` to `client`, then moves bytes between both until each side has ended.
///
/// # Errors
/// [`crate::error::Kind::Local`] without descriptors or threads.
pub fn join(server: OwnedFd, client: OwnedFd, hello: Vec<u8>) -> Result<()> {
    let failed =
        |e: std::io::Error| Error::local(format!("cannot join two sockets: {e}")).source(e);
    // What std does with a stream's descriptor is the same for unix and TCP sockets.
    let (server, mut client) = (TcpStream::from(server), TcpStream::from(client));
    for socket in [&server, &client] {
        socket.set_nonblocking(false).map_err(failed)?;
    }
    let back = (
        server.try_clone().map_err(failed)?,
        client.try_clone().map_err(failed)?,
    );
    let there = client.try_clone().map_err(failed)?;
    let run = |name: &str, work: Box<dyn FnOnce() + Send>| {
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .stack_size(STACK);
        thread.spawn(work).map_err(failed)
    };
    run("pump up", Box::new(move || carry(there, server)))?;
    run(
        "pump down",
        Box::new(move || {
            if client.write_all(&hello).is_ok() {
                carry(back.0, back.1);
            }
        }),
    )?;
    Ok(())
}

/// Until `from` ends; then `to` hears of it.
fn carry(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..n]).is_err() {
            // Nobody reads: the other side need not send.
            let _ = from.shutdown(Shutdown::Both);
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn both_ways_and_to_the_end() {
        let (mut here, client) = UnixStream::pair().unwrap();
        let (server, mut there) = UnixStream::pair().unwrap();
        join(server.into(), client.into(), b"hi ".to_vec()).unwrap();
        there.write_all(b"down").unwrap();
        here.write_all(b"up").unwrap();
        here.shutdown(Shutdown::Write).unwrap();
        let mut text = String::new();
        there.read_to_string(&mut text).unwrap();
        assert_eq!(text, "up");
        drop(there);
        text.clear();
        here.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hi down");
    }
}
