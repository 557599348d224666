//! A WireGuard gateway, which is `wireguard-go`, with real sshd behind it in a machine of namespaces. Its
//! socket is on loopback, so that nothing of this machine's network changes.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use machineroom::inventory::{Tunnel, TunnelKind};
use machineroom::secret::Secret;

use super::cell::Cell;
use super::home::{Done, MROOM, run};
use super::sshd::{free_port, has, skip};

/// To tell "ends" from "hangs".
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Where the servers behind it listen, on 10.77.0.1 to 20 and on fd77::1.
pub const SSH: u16 = 2222;
/// So many of them.
pub const SERVERS: u8 = 20;

/// Addresses, and an sshd on all of them.
const BEHIND: &str = "
ip addr add 10.77.1.1/24 dev INTERFACE
ip -6 addr add fd77::1/64 dev INTERFACE nodad
ip link set INTERFACE mtu 1420 up
for i in $(seq 20); do ip addr add 10.77.0.$i/32 dev lo 2>/dev/null || true; done
[ -e /etc/lab/wide ] && exit 0
sed -e 's/^Port .*/Port 2222/' -e 's/^ListenAddress .*/ListenAddress 0.0.0.0\\nListenAddress ::/' \
    /etc/lab/sshd_config >/etc/lab/wide
echo MaxStartups 1000 >>/etc/lab/wide
/usr/sbin/sshd -f /etc/lab/wide
";

/// A gateway, its network, and the keys of both sides.
pub struct Gateway {
    /// Its network and that behind it; the home is ours.
    pub cell: Cell,
    daemon: Child,
    interface: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Ours and the gateway's: private, public.
    pub keys: [(String, String); 2],
}

fn wg(words: &[&str], input: &str) -> String {
    let mut child = Command::new("wg")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "wg {words:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A private key and the public one of it.
pub fn keys() -> (String, String) {
    let private = wg(&["genkey"], "");
    let public = wg(&["pubkey"], &private);
    (private, public)
}

fn ip(words: &[&str]) {
    let status = Command::new("ip").args(words).status().unwrap();
    assert!(status.success(), "ip {words:?}");
}

impl Gateway {
    /// Starts one, or says why not.
    pub fn start() -> Option<Gateway> {
        if !["wireguard-go", "wg", "ip"].into_iter().all(has) {
            return None;
        }
        if !Path::new("/dev/net/tun").exists() {
            skip("there is no /dev/net/tun");
            return None;
        }
        let cell = Cell::start()?;
        let keys = [keys(), keys()];
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (daemon, interface) = daemon();
        let mut gateway = Gateway {
            cell,
            daemon,
            interface,
            address,
            keys,
        };
        gateway.set_up();
        Some(gateway)
    }

    fn set_up(&mut self) {
        let Gateway {
            cell,
            interface,
            address,
            keys,
            ..
        } = self;
        let key = cell.home.write("gateway.key", &keys[1].0);
        let (port, key) = (address.port().to_string(), key.display().to_string());
        wg(
            &[
                "set",
                interface,
                "listen-port",
                &port,
                "private-key",
                &key,
                "peer",
                &keys[0].1,
                "allowed-ips",
                "10.77.1.2/32,fd77::2/128",
            ],
            "",
        );
        ip(&["link", "set", interface, "netns", cell.pid()]);
        cell.shell(&BEHIND.replace("INTERFACE", interface)).ended(0);
    }

    /// After a crash: another process, which knows nothing of us but our key.
    pub fn restart(&mut self) {
        self.stop();
        (self.daemon, self.interface) = daemon();
        self.set_up();
    }

    /// As in a crash.
    pub fn stop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }

    /// Ours to it.
    pub fn profile(&self) -> Tunnel {
        let mut profile = Tunnel::new("lab", TunnelKind::WireGuard, self.address.to_string());
        profile.password = Secret::new(&self.keys[0].0);
        profile.set("public_key", &self.keys[1].1).unwrap();
        profile.set("address", "10.77.1.2/24,fd77::2/64").unwrap();
        profile
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A person who is not root and has no program at all, with `mroom` and the list file of a room behind the
/// gateway.
pub struct Person<'a>(pub &'a Gateway);

impl Person<'_> {
    /// With the home of the gateway; `None` where such a person cannot run the program.
    pub fn new(gateway: &Gateway) -> Option<Person<'_>> {
        let home = &gateway.cell.home;
        let host = std::fs::read_to_string(home.path("cell/host.pub")).unwrap();
        let known = (1..=SERVERS).map(|i| format!("[10.77.0.{i}]:{SSH} {host}"));
        home.write(".ssh/known_hosts", known.collect::<String>());
        let own = Command::new("chown")
            .args(["-R", "65534:65534"])
            .arg(home.path(""))
            .status();
        assert!(own.unwrap().success());
        let person = Person(gateway);
        if person.run(&["--version"]).code != 0 {
            skip("an ordinary user cannot run the program where it is");
            return None;
        }
        person.import(&gateway.keys[1].1, "");
        Some(person)
    }

    /// The list file, with this key of the gateway.
    pub fn import(&self, theirs: &str, more: &str) {
        let gateway = self.0;
        let mut list = format!(
            "#lab--WireGuard--{}----{}--backend=userspace--public_key={theirs}--address=10.77.1.2/32{more}\n",
            gateway.address, gateway.keys[0].0
        );
        let key = gateway.cell.home.path(".ssh/id_ed25519");
        for i in 1..=SERVERS {
            list += &format!(
                "web-{i:02}--10.77.0.{i}--root----{SSH}--{}\n",
                key.display()
            );
        }
        let file = gateway.cell.home.write("room.txt", list);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        self.run(&["import", "room.txt"]).ended(0);
    }

    /// `mroom` with these words.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = self.0.cell.home.command("/usr/bin/setpriv");
        let who = [
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--no-new-privs",
            "--",
        ];
        command
            .args(who)
            .arg(MROOM)
            .args(words)
            .env("PATH", "/nonexistent");
        command
    }

    /// Runs it.
    pub fn run(&self, words: &[&str]) -> Done {
        run(&mut self.command(words), "")
    }
}

/// The daemon and its interface, which is gone with it.
fn daemon() -> (Child, String) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let interface = format!("mrw{}x{number}", std::process::id());
    let child = Command::new("wireguard-go")
        .args(["-f", &interface])
        .env("LOG_LEVEL", "silent")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let socket = format!("/var/run/wireguard/{interface}.sock");
    until("wireguard-go", || Path::new(&socket).exists());
    (child, interface)
}

/// Waits for something; fails when it does not come.
pub fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !ready() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
