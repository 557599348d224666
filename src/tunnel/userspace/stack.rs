//! TCP/IP inside of this process: smoltcp's interface and its sockets, with what a client needs of them.
//! Owns the sockets; knows neither WireGuard nor descriptors.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::phy::Device;
use smoltcp::socket::{Socket, tcp, udp};
use smoltcp::time::Instant as Moment;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint};

/// What a server may send before it has our answer, bytes.
const RECEIVE: usize = 1 << 20;
/// What we send before we have its answer, bytes.
const SEND: usize = 512 << 10;
/// A server that says nothing for so long, with data on its way to it, is gone.
const SILENCE: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(300);
/// Datagrams that wait in each direction.
const PACKETS: usize = 16;
/// Local ports, as RFC 6335 has them.
const PORTS: std::ops::Range<u16> = 49_152..65_535;
/// Rounds of packets before somebody else has a turn: one packet of each socket.
const ROUNDS: usize = 256;

/// The stack with its network card.
pub struct Stack<D: Device> {
    /// The card.
    pub device: D,
    interface: Interface,
    sockets: SocketSet<'static>,
    begun: Instant,
    port: u16,
}

impl<D: Device> Stack<D> {
    /// With these addresses of its own; the others are all behind the card.
    pub fn new(mut device: D, addresses: &[IpNet]) -> Self {
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = super::random();
        let mut interface = Interface::new(config, &mut device, Moment::ZERO);
        interface.update_ip_addrs(|own| {
            for address in addresses {
                // Alone in its range: there is no broadcast behind a tunnel.
                let address = IpAddress::from(address.addr());
                let length = if matches!(address, IpAddress::Ipv4(_)) {
                    32
                } else {
                    128
                };
                let _ = own.push(IpCidr::new(address, length));
            }
        });
        for address in addresses {
            let _ = match address.addr() {
                IpAddr::V4(own) => interface.routes_mut().add_default_ipv4_route(own),
                IpAddr::V6(own) => interface.routes_mut().add_default_ipv6_route(own),
            };
        }
        let ports = u64::from(PORTS.end - PORTS.start);
        Stack {
            device,
            interface,
            sockets: SocketSet::new(Vec::new()),
            begun: Instant::now(),
            port: PORTS.start + (super::random() % ports) as u16,
        }
    }

    /// Begins a connection from our address of the same family; `None` when there is no such address, or no port
    /// is left.
    pub fn connect(&mut self, to: SocketAddr) -> Option<SocketHandle> {
        let from = self.free_end(to)?;
        let buffer = |size| tcp::SocketBuffer::new(vec![0; size]);
        let mut socket = tcp::Socket::new(buffer(RECEIVE), buffer(SEND));
        socket.set_nagle_enabled(false);
        socket.set_ack_delay(None);
        socket.set_timeout(Some(SILENCE));
        socket.set_congestion_control(tcp::CongestionControl::Cubic);
        socket.connect(self.interface.context(), to, from).ok()?;
        Some(self.sockets.add(socket))
    }

    /// A socket for datagrams to `to`; `None` as for [`Stack::connect`].
    pub fn datagrams(&mut self, to: SocketAddr) -> Option<SocketHandle> {
        let from = self.free_end(to)?;
        let packets = || vec![udp::PacketMetadata::EMPTY; PACKETS];
        let buffer = || udp::PacketBuffer::new(packets(), vec![0; PACKETS * 2048]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(from).ok()?;
        Some(self.sockets.add(socket))
    }

    /// Our end of what goes to `to`.
    fn free_end(&mut self, to: SocketAddr) -> Option<IpEndpoint> {
        let own = self.interface.ip_addrs().iter().map(|own| own.address());
        let mut own = own.filter(|own| IpAddr::from(*own).is_ipv4() == to.is_ipv4());
        Some(IpEndpoint::new(own.next()?, self.free_port()?))
    }

    fn free_port(&mut self) -> Option<u16> {
        let taken: std::collections::HashSet<u16> = self
            .sockets
            .iter()
            .filter_map(|(_, socket)| match socket {
                Socket::Tcp(socket) => socket.local_endpoint().map(|own| own.port),
                Socket::Udp(socket) => Some(socket.endpoint().port),
            })
            .collect();
        for _ in PORTS {
            self.port = if self.port + 1 < PORTS.end {
                self.port + 1
            } else {
                PORTS.start
            };
            if !taken.contains(&self.port) {
                return Some(self.port);
            }
        }
        None
    }

    /// A socket that takes one connection: the far side of a test.
    #[cfg(test)]
    pub fn listen(&mut self, port: u16) -> SocketHandle {
        let buffer = || tcp::SocketBuffer::new(vec![0; 64 << 10]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        socket.listen(port).unwrap();
        self.sockets.add(socket)
    }

    /// A connection.
    pub fn tcp(&mut self, handle: SocketHandle) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(handle)
    }

    /// A socket for datagrams.
    pub fn udp(&mut self, handle: SocketHandle) -> &mut udp::Socket<'static> {
        self.sockets.get_mut(handle)
    }

    /// Forgets a socket. A connection that is not over should be aborted first, and given a round of [`Stack::send`].
    pub fn remove(&mut self, handle: SocketHandle) {
        self.sockets.remove(handle);
    }

    /// Reads the packet that the card has.
    pub fn read(&mut self) {
        let now = self.now();
        self.interface
            .poll_ingress_single(now, &mut self.device, &mut self.sockets);
    }

    /// Sends what is to be sent; true when there may be more of it.
    pub fn send(&mut self) -> bool {
        for _ in 0..ROUNDS {
            let now = self.now();
            let sent = self
                .interface
                .poll_egress(now, &mut self.device, &mut self.sockets);
            if sent == PollResult::None {
                return false;
            }
        }
        true
    }

    /// How long nothing is due if nothing comes.
    pub fn patience(&mut self) -> Option<Duration> {
        let now = self.now();
        let delay = self.interface.poll_delay(now, &self.sockets)?;
        Some(Duration::from_micros(delay.total_micros()))
    }

    fn now(&self) -> Moment {
        let micros = self.begun.elapsed().as_micros();
        Moment::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use smoltcp::phy::{DeviceCapabilities, Medium, RxToken, TxToken};

    /// A card that brings one packet, and forgets what is sent.
    struct Tray(Option<Vec<u8>>);
    struct Brought(Vec<u8>);
    struct Forgotten;

    impl RxToken for Brought {
        fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
            read(&self.0)
        }
    }

    impl TxToken for Forgotten {
        fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
            write(&mut vec![0; length])
        }
    }

    impl Device for Tray {
        type RxToken<'a> = Brought;
        type TxToken<'a> = Forgotten;

        fn receive(&mut self, _: Moment) -> Option<(Brought, Forgotten)> {
            self.0.take().map(|packet| (Brought(packet), Forgotten))
        }

        fn transmit(&mut self, _: Moment) -> Option<Forgotten> {
            Some(Forgotten)
        }

        fn capabilities(&self) -> DeviceCapabilities {
            let mut capabilities = DeviceCapabilities::default();
            capabilities.medium = Medium::Ip;
            capabilities.max_transmission_unit = 1420;
            capabilities
        }
    }

    /// The beginning of an IPv4 or IPv6 packet to us that looks right, with `rest` in it.
    fn packet(is_six: bool, protocol: u8, port: u16, rest: &[u8]) -> Vec<u8> {
        let mut inner = [22u16.to_be_bytes(), port.to_be_bytes()].concat();
        inner.extend(rest);
        let mut packet = match is_six {
            true => {
                let mut header = vec![0x60, 0, 0, 0, 0, inner.len() as u8, protocol, 64];
                header.extend([0xfd, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
                header.extend([0xfd, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
                header
            }
            false => {
                let length = 20 + inner.len() as u8;
                let mut header = vec![0x45, 0, 0, length, 0, 0, 0, 0, 64, protocol, 0, 0];
                header.extend([10, 7, 0, 1, 10, 7, 0, 2]);
                let words = header
                    .chunks(2)
                    .map(|w| u32::from(w[0]) << 8 | u32::from(w[1]));
                let sum: u32 = words.sum();
                let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
                header[10..12].copy_from_slice(&sum.to_be_bytes());
                header
            }
        };
        packet.extend(inner);
        packet
    }

    proptest! {
        #[test]
        fn survives_any_packet(
            rest in proptest::collection::vec(any::<u8>(), 0..120),
            protocol in prop_oneof![Just(6u8), Just(17), Just(1), Just(58), Just(0), any::<u8>()],
            is_six: bool,
            is_raw: bool,
        ) {
            let own = ["10.7.0.2/32".parse().unwrap(), "fd07::2/128".parse().unwrap()];
            let mut stack = Stack::new(Tray(None), &own);
            let to = if is_six { "[fd07::1]:22" } else { "10.7.0.1:22" };
            let handle = stack.connect(to.parse().unwrap()).unwrap();
            stack.datagrams("10.7.0.1:53".parse().unwrap()).unwrap();
            stack.send();
            let port = stack.tcp(handle).local_endpoint().unwrap().port;
            stack.device.0 = Some(match is_raw {
                true => rest,
                false => packet(is_six, protocol, port, &rest),
            });
            stack.read();
            stack.send();
            stack.patience();
        }
    }
}
