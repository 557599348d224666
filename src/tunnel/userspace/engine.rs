//! The tunnel's thread: datagrams from the gateway, bytes from the programs, the clock, and sleep until
//! one of them has something. Owns the stack, the flows and the keys; ends when nobody holds the tunnel.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use smoltcp::socket::tcp::State;
use tokio::sync::oneshot;

use super::datagrams::Datagrams;
use super::device::{Came, Device};
use super::flow::Flow;
use super::health::Health;
use super::icmp;
use super::opening::{Opening, closed, refused};
use super::settings::Settings;
use super::stack::Stack;
use super::wait::{Sleepers, sleep};
use crate::error::{Error, Kind, Result};
use crate::ssh::Wake;

/// Datagrams before the flows have their turn.
const BATCH: usize = 128;
/// How often WireGuard's own clock is looked at.
const TICK: Duration = Duration::from_secs(1);
/// What connections have for their goodbyes when the tunnel closes.
const GOODBYE: Duration = Duration::from_millis(700);

/// What is asked of the thread.
pub enum Command {
    /// A connection for a descriptor.
    Connect(Connect),
    /// UDP for a descriptor that keeps packets apart.
    Datagrams {
        /// Where to.
        to: SocketAddr,
        /// Whose packets go through it.
        near: OwnedFd,
    },
    /// The end. The answer comes when all have said goodbye.
    Close(oneshot::Sender<Result<()>>),
}

/// A connection for a descriptor.
pub struct Connect {
    /// Where to.
    pub to: SocketAddr,
    /// Whose bytes go through it.
    pub near: OwnedFd,
    /// Written to `near` before what comes.
    pub hello: Vec<u8>,
    /// Told when it is there.
    pub answer: oneshot::Sender<Result<()>>,
}

/// What others may look at meanwhile.
#[derive(Default)]
pub struct Shared {
    /// Bytes of packets that went.
    pub sent: AtomicU64,
    /// Bytes of packets that came.
    pub received: AtomicU64,
    /// When the gateway last answered a handshake.
    pub shaken: Mutex<Option<Instant>>,
}

/// All that the thread has.
pub struct Engine {
    settings: Arc<Settings>,
    stack: Stack<Device>,
    flows: Vec<Flow>,
    datagrams: Vec<Datagrams>,
    health: Health,
    inbox: mpsc::Receiver<Command>,
    wake: Arc<Wake>,
    shared: Arc<Shared>,
    ticked: Instant,
    /// Until then connections may say goodbye; who wants to know.
    closing: Option<(Instant, Option<oneshot::Sender<Result<()>>>)>,
}

impl Engine {
    /// Has sent nothing yet.
    pub fn new(
        settings: Arc<Settings>,
        device: Device,
        health: Health,
        inbox: mpsc::Receiver<Command>,
        wake: Arc<Wake>,
        shared: Arc<Shared>,
    ) -> Self {
        Engine {
            stack: Stack::new(device, &settings.addresses),
            settings,
            flows: Vec::new(),
            datagrams: Vec::new(),
            health,
            inbox,
            wake,
            shared,
            ticked: Instant::now(),
            closing: None,
        }
    }

    /// The thread's whole life.
    pub fn run(mut self) {
        self.stack.device.outer().ask();
        loop {
            self.obey();
            let mut is_busy = self.receive();
            self.tick();
            if !self.health.look(self.stack.device.outer()) {
                // Its port is free before anybody hears of it.
                drop(self.stack);
                return self.health.report();
            }
            for flow in &mut self.flows {
                flow.pump(self.stack.tcp(flow.handle));
            }
            for datagrams in &mut self.datagrams {
                datagrams.pump(self.stack.udp(datagrams.handle));
            }
            is_busy |= self.stack.send();
            self.settle();
            self.publish();
            if self.is_over() {
                return self.end();
            }
            self.sleep(is_busy);
        }
    }

    fn obey(&mut self) {
        loop {
            match self.inbox.try_recv() {
                Ok(Command::Connect(connect)) => self.connect(connect),
                Ok(Command::Datagrams { to, near }) => self.datagrams(to, near),
                Ok(Command::Close(answer)) => self.close(Some(answer)),
                Err(mpsc::TryRecvError::Empty) => return,
                // Nobody holds the tunnel any more.
                Err(mpsc::TryRecvError::Disconnected) => return self.close(None),
            }
        }
    }

    fn connect(&mut self, connect: Connect) {
        let Connect {
            to,
            near,
            hello,
            answer,
        } = connect;
        let refusal = match (&self.closing, self.settings.refusal(to.ip())) {
            (Some(_), _) => Some(closed(&self.settings.name)),
            (None, refusal) => refusal,
        };
        if let Some(error) = refusal {
            let _ = answer.send(Err(error));
            return;
        }
        match self.stack.connect(to) {
            Some(handle) => {
                let until = Instant::now() + self.settings.timeout;
                let opening = Opening { answer, until };
                self.flows.push(Flow::new(handle, to, near, hello, opening));
            }
            None => {
                let name = &self.settings.name;
                let message =
                    format!("the tunnel `{name}` cannot connect to {to}: no port is left");
                let _ = answer.send(Err(Error::new(Kind::Connect, message)));
            }
        }
    }

    /// Who may not have it gets a descriptor that has ended.
    fn datagrams(&mut self, to: SocketAddr, near: OwnedFd) {
        if self.settings.refusal(to.ip()).is_none()
            && let Some(handle) = self.stack.datagrams(to)
        {
            let datagrams = Datagrams::new(handle, to, near, self.settings.mtu);
            self.datagrams.push(datagrams);
        }
    }

    fn close(&mut self, answer: Option<oneshot::Sender<Result<()>>>) {
        match &mut self.closing {
            Some((_, other)) => *other = answer.or(other.take()),
            closing => *closing = Some((Instant::now() + GOODBYE, answer)),
        }
    }

    /// True when there may be more.
    fn receive(&mut self) -> bool {
        for _ in 0..BATCH {
            match self.stack.device.receive_one() {
                None => return false,
                Some(Came::Packet) => {
                    if let Some(report) = icmp::unreachable(self.stack.device.packet()) {
                        self.give_up(report);
                    }
                    self.stack.read();
                }
                Some(Came::Nothing | Came::Shaken) => {}
            }
        }
        true
    }

    /// A router says that a connection cannot be.
    fn give_up(&mut self, report: icmp::Unreachable) {
        for flow in &mut self.flows {
            let socket = self.stack.tcp(flow.handle);
            let own = socket.local_endpoint().map(|own| own.port);
            // Only before it is there: later it is a passing trouble, or somebody's lie.
            if flow.to != report.to || own != Some(report.from) || socket.state() != State::SynSent
            {
                continue;
            }
            if let Some(opening) = flow.opening.take() {
                let error = refused(&self.settings.name, flow.to, report.why);
                let _ = opening.answer.send(Err(error));
            }
            socket.abort();
        }
    }

    fn tick(&mut self) {
        if self.ticked.elapsed() >= TICK {
            self.ticked = Instant::now();
            self.stack.device.outer().tick();
        }
    }

    /// Tells those who wait how it went, and forgets what is over.
    fn settle(&mut self) {
        let fault = self.health.fault(self.stack.device.outer());
        let (stack, settings) = (&mut self.stack, &self.settings);
        self.flows.retain_mut(|flow| {
            let socket = stack.tcp(flow.handle);
            if let Some(opening) = flow.opening.take() {
                flow.opening = opening.settled(flow.to, socket, settings, fault.as_ref());
            }
            let is_over = flow.is_over(socket);
            if is_over {
                stack.remove(flow.handle);
            }
            !is_over
        });
        self.datagrams.retain(|datagrams| {
            if datagrams.is_over() {
                stack.remove(datagrams.handle);
            }
            !datagrams.is_over()
        });
    }

    fn publish(&mut self) {
        let outer = self.stack.device.outer();
        self.shared.sent.store(outer.traffic.0, Ordering::Relaxed);
        self.shared
            .received
            .store(outer.traffic.1, Ordering::Relaxed);
        if let Ok(mut shaken) = self.shared.shaken.lock() {
            *shaken = outer.shaken;
        }
    }

    fn is_over(&mut self) -> bool {
        let Some((until, _)) = self.closing else {
            return false;
        };
        let stack = &mut self.stack;
        let is_flushed = |flow: &Flow| flow.is_flushed(stack.tcp(flow.handle));
        self.flows.iter().all(is_flushed) || Instant::now() >= until
    }

    /// Resets what has not said goodbye, so that no server waits for us.
    fn end(mut self) {
        for flow in &self.flows {
            self.stack.tcp(flow.handle).abort();
        }
        self.stack.send();
        drop(self.stack);
        if let Some((_, Some(answer))) = self.closing {
            let _ = answer.send(Ok(()));
        }
    }

    fn sleep(&mut self, is_busy: bool) {
        let stuck = self.stack.device.outer().is_stuck();
        let mut pause = TICK.saturating_sub(self.ticked.elapsed());
        if is_busy && !stuck {
            pause = Duration::ZERO;
        } else if !stuck && let Some(due) = self.stack.patience() {
            pause = pause.min(due);
        }
        if let Some((until, _)) = &self.closing {
            pause = pause.min(until.saturating_duration_since(Instant::now()));
        }
        let Engine {
            stack,
            flows,
            datagrams,
            wake,
            ..
        } = self;
        let interest = |flow: &Flow| flow.interest(stack.tcp(flow.handle));
        let interests = flows.iter().map(interest).collect();
        let link = (stack.device.outer().link.fd(), stuck);
        let sleepers = Sleepers {
            wake,
            link,
            flows,
            interests,
            datagrams,
        };
        sleep(sleepers, pause);
    }
}
