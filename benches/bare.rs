//! The least that libssh2 can do: a pool of threads, each with one blocking session at a time.
//!
//! usage: `bare USER KEYFILE THREADS COMMAND PORT...`, servers on 127.0.0.1. No inventory, no host
//! keys, no time-outs, nothing shown but the output. This is the bar that `exec` is held to.

use std::io::{Error, Read as _, Result, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Mutex;

use rustix::net::sockopt::{set_tcp_nodelay, set_tcp_quickack};
use ssh2::Session;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let [user, key, threads, command, ports @ ..] = arguments.as_slice() else {
        return Err(Error::other(
            "usage: bare USER KEYFILE THREADS COMMAND PORT...",
        ));
    };
    let threads: usize = threads.parse().map_err(Error::other)?;
    let queue = Mutex::new(ports.iter());
    let next = || queue.lock().ok()?.next();
    let worker = || -> Result<()> {
        while let Some(port) = next() {
            let output = run(user, Path::new(key), port, command)?;
            std::io::stdout().write_all(&output)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| Error::other("a thread failed"))?)
    })
}

fn run(user: &str, key: &Path, port: &str, command: &str) -> Result<Vec<u8>> {
    let socket = TcpStream::connect(format!("127.0.0.1:{port}"))?;
    set_tcp_nodelay(&socket, true)?;
    let own = socket.try_clone()?;
    // Else the server's small packets wait for our delayed acknowledgement.
    let prompt = || set_tcp_quickack(&own, true);
    let mut session = Session::new()?;
    session.set_tcp_stream(socket);
    prompt()?;
    session.handshake()?;
    prompt()?;
    session.userauth_pubkey_file(user, None, key, None)?;
    prompt()?;
    let mut channel = session.channel_session()?;
    prompt()?;
    channel.exec(command)?;
    let mut output = Vec::new();
    channel.read_to_end(&mut output)?;
    channel.wait_close()?;
    match channel.exit_status()? {
        0 => Ok(output),
        code => Err(Error::other(format!("{port}: exit {code}"))),
    }
}
