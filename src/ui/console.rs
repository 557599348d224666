//! [`Console`]: the person's end of a shell on a server. Bytes go between standard input, output
//! and error and the sockets of an [`Attach`](crate::ssh::Attach), each way on a thread of its own,
//! so that a terminal or pipe that does not move keeps nobody else waiting.

use std::io::Read as _;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustix::io::Errno;
use rustix::process::{Signal, getpid, kill_process};
use signal_hook::consts::{SIGCONT, SIGWINCH};
use signal_hook::iterator::{Handle, Signals};

use super::escape::{Escapes, Typed};
use super::tty::{self, Raw};
use super::{Screen, sanitize};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::output::Stream;

/// Bytes moved at once.
const CHUNK: usize = 32 << 10;

/// The server's ends.
pub struct Streams {
    /// What is typed.
    pub stdin: OwnedFd,
    /// What is to be shown.
    pub stdout: OwnedFd,
    /// What is to be shown as errors.
    pub stderr: OwnedFd,
    /// Sizes of the terminal.
    pub sizes: OwnedFd,
}

/// The threads of one session, and the terminal in raw mode when there is one.
pub struct Console {
    raw: Option<Arc<Raw>>,
    signals: Handle,
    printing: Vec<JoinHandle<()>>,
    hangup: Cancel,
}

impl Console {
    /// Begins to move bytes. With `raw` the terminal behind standard input passes every key on, and
    /// `escape` begins escapes.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] without the terminal, descriptors or threads that it needs.
    pub fn open(screen: &Arc<Screen>, raw: bool, escape: Option<u8>) -> Result<(Self, Streams)> {
        let failed = |e: std::io::Error| Error::local(format!("cannot attach: {e}")).source(e);
        let (stdin, typed) = UnixStream::pair().map_err(failed)?;
        let (stdout, printed) = UnixStream::pair().map_err(failed)?;
        let (stderr, complained) = UnixStream::pair().map_err(failed)?;
        let (sizes, resized) = UnixDatagram::pair().map_err(failed)?;
        let hangup = Cancel::new();
        let signals = Signals::new([SIGWINCH, SIGCONT]).map_err(failed)?;
        let raw = match raw {
            true => Some(Arc::new(Raw::enter(screen)?)),
            false => None,
        };
        let mut console = Console {
            raw: raw.clone(),
            signals: signals.handle(),
            printing: Vec::new(),
            hangup: hangup.clone(),
        };
        let keyboard = Keyboard {
            escapes: Escapes::new(escape.filter(|_| raw.is_some())),
            screen: screen.clone(),
            hangup,
            is_raw: raw.is_some(),
        };
        thread("typing", &console.hangup, move || keyboard.pass_on(typed)).map_err(failed)?;
        thread("sizes", &console.hangup, move || {
            watch(signals, raw.as_deref(), &resized)
        })
        .map_err(failed)?;
        for (stream, socket) in [(Stream::Stdout, printed), (Stream::Stderr, complained)] {
            let screen = screen.clone();
            let show = move || show(&screen, stream, socket);
            console
                .printing
                .push(thread("printing", &console.hangup, show).map_err(failed)?);
        }
        let streams = Streams {
            stdin: stdin.into(),
            stdout: stdout.into(),
            stderr: stderr.into(),
            sizes: sizes.into(),
        };
        Ok((console, streams))
    }

    /// Resolves when the person ends the connection with `~.`.
    pub async fn hung_up(&self) {
        self.hangup.cancelled().await;
    }

    /// Shows what is left, and gives the terminal back. The server's ends must be closed.
    pub fn close(mut self) {
        for thread in self.printing.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.signals.close();
        if let Some(raw) = &self.raw {
            raw.leave();
        }
    }
}

/// A thread that ends the session when it panics: with nobody to type or show, only that gives the
/// terminal back.
fn thread<T: Send + 'static>(
    name: &str,
    hangup: &Cancel,
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<JoinHandle<T>> {
    struct OnPanic(Cancel);
    impl Drop for OnPanic {
        fn drop(&mut self) {
            if std::thread::panicking() {
                self.0.cancel();
            }
        }
    }
    let on_panic = OnPanic(hangup.clone());
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let _on_panic = on_panic;
            work()
        })
}

/// Shows what comes until nothing more can, or nobody looks any more.
fn show(screen: &Screen, stream: Stream, mut socket: UnixStream) {
    let mut buffer = vec![0; CHUNK];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return,
            Ok(n) => {
                if screen.write(stream, &buffer[..n]).is_err() {
                    return;
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Tells each new size; takes the terminal again after a stop.
fn watch(mut signals: Signals, raw: Option<&Raw>, sizes: &UnixDatagram) {
    for signal in signals.forever() {
        if let (SIGCONT, Some(raw)) = (signal, raw) {
            raw.again();
        }
        if let Some((columns, rows)) = tty::size() {
            let (c, r) = (columns.to_be_bytes(), rows.to_be_bytes());
            let _ = sizes.send(&[c[0], c[1], r[0], r[1]]);
        }
    }
}

/// What passes on what is typed.
struct Keyboard {
    escapes: Escapes,
    screen: Arc<Screen>,
    hangup: Cancel,
    is_raw: bool,
}

impl Keyboard {
    /// Until standard input ends or nobody takes it; the end of `socket` says so to the server.
    fn pass_on(mut self, mut socket: UnixStream) {
        let mut buffer = vec![0; CHUNK];
        loop {
            let n = match rustix::io::read(std::io::stdin(), &mut buffer[..]) {
                Ok(0) => break,
                Ok(n) => n,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => {
                    wait();
                    continue;
                }
                Err(_) => break,
            };
            for typed in self.escapes.feed(&buffer[..n]) {
                match typed {
                    Typed::Bytes(bytes) => {
                        if socket.write_all(&bytes).is_err() {
                            return;
                        }
                    }
                    Typed::End => return self.hangup.cancel(),
                    Typed::Help => self.help(),
                    Typed::Suspend => {
                        let _ = kill_process(getpid(), Signal::TSTP);
                    }
                }
            }
        }
        if self.is_raw {
            // A terminal has no end of file in raw mode: it is gone.
            self.hangup.cancel();
        }
    }

    fn help(&self) {
        let character = self.escapes.character().map_or('~', char::from);
        let c = sanitize::one_line(&character.to_string());
        // The terminal is raw: a line ends with both.
        let text = format!(
            "\r\nAt the begin of a line:\r\n {c}.   end the connection\r\n {c}^Z  stop, and go on here\r\n \
             {c}{c}   {c} itself\r\n {c}?   this\r\n"
        );
        let _ = self.screen.write(Stream::Stderr, text.as_bytes());
    }
}

/// Waits until there is something to read where reading does not wait.
fn wait() {
    use rustix::event::{PollFd, PollFlags, poll};
    let stdin = std::io::stdin();
    let _ = poll(&mut [PollFd::new(&stdin, PollFlags::IN)], None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_panics_ends_the_session() {
        let hangup = Cancel::new();
        thread("fine", &hangup, || ()).unwrap().join().unwrap();
        assert!(!hangup.is_cancelled());
        let broken = thread("broken", &hangup, || panic!("on purpose")).unwrap();
        assert!(broken.join().is_err() && hangup.is_cancelled());
    }
}
