//! Who comes to a tunnel's process, and what they say: each is heard by a thread of its own, and all of it
//! ends as an [`Event`]. Owns the sockets to users.

use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::SendFlags;
use tokio::sync::mpsc::UnboundedSender;

use super::place;
use super::wire::{hear, say};
use super::words::{Ask, Loudness, Tell};
use crate::events::{Events, Level};

/// Stack of a thread that listens to a user.
const STACK: usize = 128 << 10;

/// What the process waits for.
pub enum Event {
    /// Somebody has connected.
    Joined(UnixStream),
    /// A user says something.
    Asked(usize, Ask, Option<OwnedFd>),
    /// A user has gone.
    Gone(usize),
    /// The tunnel has something for a person.
    Note(Loudness, String),
}

/// Passes notes on.
pub struct Told(pub UnboundedSender<Event>);

impl Events for Told {
    fn note(&self, level: Level, _: Option<&str>, message: &str) {
        let _ = self.0.send(Event::Note(level.into(), message.to_owned()));
    }
}

/// Somebody who is connected.
pub struct User {
    /// Its socket.
    pub stream: Arc<UnixStream>,
    /// The tunnel is up for it; who only asks does not count.
    pub counts: bool,
}

impl User {
    /// One that does not listen is given up.
    pub fn tell(&self, what: &Tell) {
        if say(&self.stream, what, None, SendFlags::DONTWAIT).is_err() {
            let _ = self.stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// Hears what a user says.
pub fn listen(who: usize, stream: &Arc<UnixStream>, events: &UnboundedSender<Event>) {
    let (stream, heard) = (stream.clone(), events.clone());
    let work = move || {
        while let Ok(Some((ask, with))) = hear(&stream) {
            if heard.send(Event::Asked(who, ask, with)).is_err() {
                return;
            }
        }
        let _ = heard.send(Event::Gone(who));
    };
    let thread = std::thread::Builder::new().name("user".to_owned());
    if thread.stack_size(STACK).spawn(work).is_err() {
        let _ = events.send(Event::Gone(who));
    }
}

/// Lets in who is of the same user.
pub fn accept(listener: UnixListener, events: UnboundedSender<Event>) {
    let work = move || {
        for stream in listener.incoming() {
            match stream {
                Ok(stream) if !place::is_ours(&stream) => {}
                Ok(stream) => {
                    if events.send(Event::Joined(stream)).is_err() {
                        return;
                    }
                }
                // Too many open files, say: that passes.
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    };
    let thread = std::thread::Builder::new().name("door".to_owned());
    let _ = thread.stack_size(STACK).spawn(work);
}
