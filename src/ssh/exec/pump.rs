//! The bytes of one command on their way: its input out, both outputs in.

use std::io::{self, BufRead};
use std::task::Poll;

use super::TURNS;
use crate::error::Error;
use crate::output::Stream;
use crate::ssh::capture::Capture;
use crate::ssh::driver::{Core, Fault};
use crate::ssh::ffi::Channel;
use crate::ssh::input::{Input, unread};
use crate::ssh::sudo::Talk;

/// Bytes read at once from one stream: the largest SSH packet twice.
const CHUNK: usize = 64 << 10;

/// Moves bytes in all three directions.
pub(super) struct Pump<'a> {
    stdin: Box<dyn BufRead + 'a>,
    /// What goes before: until the command has begun, input is not for it.
    talk: Option<&'a mut Talk>,
    eof_sent: bool,
    /// Why the rest of its input cannot be read here.
    pub(super) unread: Option<Error>,
    buffer: Vec<u8>,
}

impl<'a> Pump<'a> {
    pub(super) fn new(stdin: &'a Input, talk: Option<&'a mut Talk>) -> Self {
        Pump {
            stdin: stdin.reader(),
            talk,
            eof_sent: false,
            unread: None,
            buffer: vec![0; CHUNK],
        }
    }

    /// Whether sudo asks for what it does not get.
    pub(super) fn is_refused(&self) -> bool {
        self.talk.as_ref().is_some_and(|talk| talk.is_refused())
    }

    /// Writes and reads what can be, until both outputs have ended or nothing is to be waited for.
    pub(super) fn turn(
        &mut self,
        core: &Core,
        channel: &Channel,
        capture: &mut Capture,
    ) -> Poll<Result<(), Fault>> {
        for _ in 0..TURNS {
            let mut progress = self.feed(core, channel);
            let mut gone = None;
            for stream in [Stream::Stdout, Stream::Stderr] {
                let number = i32::from(stream == Stream::Stderr);
                match core.attempt(|| channel.read(number, &mut self.buffer)) {
                    Poll::Ready(Ok(n)) if n > 0 => {
                        let own = match (&mut self.talk, stream) {
                            (Some(talk), stream) if talk.is_tty() || stream == Stream::Stderr => {
                                talk.hear(&self.buffer[..n])
                            }
                            _ => n,
                        };
                        capture.take(stream, &self.buffer[n - own..n]);
                        progress = true;
                    }
                    Poll::Ready(Err(fault)) => gone = Some(fault),
                    Poll::Ready(Ok(_)) | Poll::Pending => {}
                }
            }
            if self.is_refused() || self.unread.is_some() {
                return Poll::Ready(Ok(()));
            }
            if progress {
                continue;
            }
            if channel.eof() {
                return Poll::Ready(Ok(()));
            }
            // The end of the connection counts only when both streams have nothing left.
            return match gone {
                Some(fault) => Poll::Ready(Err(fault)),
                None => Poll::Pending,
            };
        }
        core.yield_turn();
        Poll::Pending
    }

    /// Writes some input; true when some went. A command that closed its input is no error.
    fn feed(&mut self, core: &Core, channel: &Channel) -> bool {
        if core.is_clogged() || self.eof_sent {
            return false;
        }
        if let Some(talk) = self.talk.as_mut().filter(|talk| !talk.has_begun()) {
            if talk.answer().is_empty() {
                return false;
            }
            let sent = core.attempt(|| channel.write(talk.answer()));
            if let Poll::Ready(Ok(n)) = sent {
                talk.sent(n);
            }
            return matches!(sent, Poll::Ready(Ok(n)) if n > 0);
        }
        let bytes = match self.stdin.fill_buf() {
            Ok(bytes) => bytes,
            Err(e) => {
                self.unread = Some(unread(e));
                return false;
            }
        };
        if bytes.is_empty() {
            self.eof_sent = core.attempt(|| channel.send_eof()).is_ready();
            return false;
        }
        // What was not taken is offered again, as libssh2 wants it.
        match core.attempt(|| channel.write(bytes)) {
            Poll::Ready(Ok(n)) => {
                self.stdin.consume(n);
                n > 0
            }
            Poll::Ready(Err(_)) => {
                self.stdin = Box::new(io::empty());
                false
            }
            Poll::Pending => false,
        }
    }
}
