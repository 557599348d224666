//! WireGuard between the TCP/IP stack and the gateway: packets in the clear on one side, datagrams on
//! the other. Owns the keys' state and the [`Link`]; allocates nothing for a packet.

use std::net::IpAddr;
use std::time::Instant;

use boringtun::noise::errors::WireGuardError;
use boringtun::noise::{Tunn, TunnResult};
use ipnet::IpNet;
use smoltcp::phy::{self, DeviceCapabilities, Medium};

use super::link::{Link, Sent};
use super::settings::Settings;

/// The largest datagram there is, and what WireGuard puts around a packet.
const LARGEST: usize = 65_536 + 256;
/// First byte of a message that asks for a handshake, and of one that answers.
const ASK: u8 = 1;
const ANSWER: u8 = 2;

/// A handshake that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    /// When it was asked for first.
    pub since: Instant,
    /// When last.
    pub last: Instant,
    /// How often.
    pub times: u32,
}

/// What a datagram was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// Nothing for the stack: a keepalive, a cookie, noise.
    Nothing,
    /// A packet, which the stack reads next.
    Packet,
    /// The answer to our handshake: from now on packets go both ways.
    Shaken,
}

/// The stack's network card.
pub struct Device {
    outer: Outer,
    allowed: Vec<IpNet>,
    mtu: usize,
    raw: Vec<u8>,
    inner: Vec<u8>,
    /// So many bytes of `inner` wait for the stack.
    waiting: usize,
    plain: Vec<u8>,
}

/// The side of the network.
pub struct Outer {
    tunn: Tunn,
    /// The socket.
    pub link: Link,
    sealed: Vec<u8>,
    /// What the socket had no room for.
    stuck: Option<Vec<u8>>,
    /// Bytes of packets that went and came.
    pub traffic: (u64, u64),
    /// Our question that is out.
    pub asking: Option<Asking>,
    /// When the last handshake was answered.
    pub shaken: Option<Instant>,
    /// Answers that were for us and do not fit our keys, since the last that did.
    pub misfits: u32,
}

impl Device {
    /// Sends nothing yet.
    pub fn new(settings: &Settings, link: Link) -> Self {
        // Tells our sessions from each other; the gateway has no use for it.
        let index = super::random() as u32 >> 8;
        let tunn = Tunn::new(
            settings.private.clone(),
            settings.peer,
            settings.preshared.as_deref().copied(),
            settings.keepalive,
            index,
            None,
        );
        Device {
            outer: Outer {
                tunn,
                link,
                sealed: vec![0; LARGEST],
                stuck: None,
                traffic: (0, 0),
                asking: None,
                shaken: None,
                misfits: 0,
            },
            allowed: settings.allowed.clone(),
            mtu: settings.mtu,
            raw: vec![0; LARGEST],
            inner: vec![0; LARGEST],
            waiting: 0,
            plain: vec![0; LARGEST],
        }
    }

    /// The side of the network.
    pub fn outer(&mut self) -> &mut Outer {
        &mut self.outer
    }

    /// Takes the next datagram, when there is one.
    pub fn receive_one(&mut self) -> Option<Came> {
        let outer = &mut self.outer;
        let n = outer.link.receive(&mut self.raw)?;
        let datagram = &self.raw[..n];
        let from = outer.link.gateway().ip();
        let is_answer = datagram.first() == Some(&ANSWER);
        let result = outer
            .tunn
            .decapsulate(Some(from), datagram, &mut self.inner);
        let (length, source) = match result {
            TunnResult::WriteToTunnelV4(packet, source) => (packet.len(), IpAddr::V4(source)),
            TunnResult::WriteToTunnelV6(packet, source) => (packet.len(), IpAddr::V6(source)),
            TunnResult::WriteToNetwork(reply) => {
                outer.link.is_refused = false;
                Outer::put(&mut outer.link, &mut outer.stuck, reply);
                outer.send_waiting();
                if !is_answer {
                    return Some(Came::Nothing);
                }
                outer.asking = None;
                outer.misfits = 0;
                outer.shaken = Some(Instant::now());
                return Some(Came::Shaken);
            }
            TunnResult::Err(WireGuardError::InvalidAeadTag) if is_answer => {
                outer.misfits += 1;
                return Some(Came::Nothing);
            }
            TunnResult::Done | TunnResult::Err(_) => return Some(Came::Nothing),
        };
        outer.traffic.1 += length as u64;
        // As WireGuard has it: what the profile does not allow may not come from there either.
        if !self.allowed.iter().any(|range| range.contains(&source)) {
            return Some(Came::Nothing);
        }
        self.waiting = length;
        Some(Came::Packet)
    }

    /// The packet that waits for the stack.
    pub fn packet(&self) -> &[u8] {
        &self.inner[..self.waiting]
    }
}

impl Outer {
    /// Asks for a handshake now, also when one is under way.
    pub fn ask(&mut self) {
        let result = self
            .tunn
            .format_handshake_initiation(&mut self.sealed, true);
        if let TunnResult::WriteToNetwork(message) = result {
            asked(&mut self.asking, &mut self.link);
            Self::put(&mut self.link, &mut self.stuck, message);
        }
    }

    /// What is due by the clock: new keys, a keepalive, another try. To be called about once a second.
    pub fn tick(&mut self) {
        match self.tunn.update_timers(&mut self.sealed) {
            TunnResult::WriteToNetwork(message) => {
                if message.first() == Some(&ASK) {
                    asked(&mut self.asking, &mut self.link);
                }
                Self::put(&mut self.link, &mut self.stuck, message);
            }
            // It has given up; we have not.
            TunnResult::Err(WireGuardError::ConnectionExpired) => self.ask(),
            _ => {}
        }
    }

    /// Tries again what the socket had no room for; true when nothing is left of that.
    pub fn is_free(&mut self) -> bool {
        if let Some(datagram) = self.stuck.take()
            && self.link.send(&datagram) == Sent::Full
        {
            self.stuck = Some(datagram);
        }
        self.stuck.is_none()
    }

    /// Whether something waits for room in the socket.
    pub fn is_stuck(&self) -> bool {
        self.stuck.is_some()
    }

    fn seal(&mut self, packet: &[u8]) {
        self.traffic.0 += packet.len() as u64;
        if let TunnResult::WriteToNetwork(datagram) =
            self.tunn.encapsulate(packet, &mut self.sealed)
        {
            if datagram.first() == Some(&ASK) {
                asked(&mut self.asking, &mut self.link);
            }
            Self::put(&mut self.link, &mut self.stuck, datagram);
        }
    }

    /// Packets that have waited for the handshake.
    fn send_waiting(&mut self) {
        while let TunnResult::WriteToNetwork(datagram) =
            self.tunn.decapsulate(None, &[], &mut self.sealed)
        {
            Self::put(&mut self.link, &mut self.stuck, datagram);
        }
    }

    /// A datagram for which there is no room twice is lost, as on any network.
    fn put(link: &mut Link, stuck: &mut Option<Vec<u8>>, datagram: &[u8]) {
        if stuck.is_none() && link.send(datagram) == Sent::Full {
            *stuck = Some(datagram.to_vec());
        }
    }
}

/// What was said of the question before does not count for this one.
fn asked(asking: &mut Option<Asking>, link: &mut Link) {
    link.is_refused = false;
    let now = Instant::now();
    let (since, times) = asking.map_or((now, 0), |before| (before.since, before.times));
    *asking = Some(Asking {
        since,
        last: now,
        times: times + 1,
    });
}

/// The packet that has come.
pub struct Incoming<'a>(&'a [u8]);

/// Room for a packet that goes.
pub struct Outgoing<'a> {
    plain: &'a mut [u8],
    outer: &'a mut Outer,
}

impl phy::RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

impl phy::TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let packet = &mut self.plain[..length];
        let result = write(packet);
        self.outer.seal(packet);
        result
    }
}

impl phy::Device for Device {
    type RxToken<'a> = Incoming<'a>;
    type TxToken<'a> = Outgoing<'a>;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        let length = std::mem::take(&mut self.waiting);
        let incoming = (length > 0).then(|| Incoming(&self.inner[..length]))?;
        let outgoing = Outgoing {
            plain: &mut self.plain,
            outer: &mut self.outer,
        };
        Some((incoming, outgoing))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Outgoing<'_>> {
        let outgoing = Outgoing {
            plain: &mut self.plain,
            outer: &mut self.outer,
        };
        outgoing.outer.is_free().then_some(outgoing)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        capabilities
    }
}
