//! The plans of backends, run by hand against the real programs: OpenVPN and WireGuard between two network
//! namespaces.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use machineroom::inventory::{Tunnel, TunnelKind};
use machineroom::output::Output;
use machineroom::secret::Secret;
use machineroom::tunnel::backend::Backend;
use machineroom::tunnel::backend::choose::named;
use machineroom::tunnel::plan::{At, Facts, Plan, State, Step};

use crate::support::sshd::skip;
use crate::support::wire::{BEHIND, Wire, run};

/// A password that no file format likes.
const PASSWORD: &str = r#"p w"o'r\d #$1"#;

fn at(wire: &Wire, label: &str, port: u16) -> At {
    At {
        folder: wire.path(label),
        label: label.to_owned(),
        namespace: None,
        gateway: format!("192.0.2.1:{port}").parse().unwrap(),
        ranges: vec![format!("{BEHIND}/32").parse().unwrap()],
    }
}

/// One tunnel on the client of a wire.
struct Line<'a> {
    wire: &'a Wire,
    backend: Arc<dyn Backend>,
    profile: &'a Tunnel,
    at: At,
    plan: Plan,
}

impl Line<'_> {
    fn new<'a>(wire: &'a Wire, backend: &str, profile: &'a Tunnel, at: At) -> Line<'a> {
        let backend = named(backend).unwrap();
        let plan = backend.plan(profile, &at).unwrap();
        Line {
            wire,
            backend,
            profile,
            at,
            plan,
        }
    }

    fn step(&self, step: &Step) -> Output {
        let argv: Vec<&str> = step.argv.iter().map(String::as_str).collect();
        let input = step.stdin.as_ref().map_or("", |secret| secret.reveal());
        let output = run(&self.wire.client, &argv, input);
        Output {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: output.stderr,
            ..Output::default()
        }
    }

    fn up(&self) {
        for step in &self.plan.up {
            let output = self.step(step);
            assert!(output.is_success() || step.may_fail, "{step:?}: {output:?}");
        }
    }

    fn state(&self) -> State {
        self.backend
            .read(self.profile, &self.at, &self.step(&self.plan.status))
    }

    /// The state once it is neither down nor coming.
    fn settled(&self) -> State {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            match self.state() {
                State::Down | State::Coming if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                state => return state,
            }
        }
    }

    fn facts(&self) -> Facts {
        match self.settled() {
            State::Up(facts) => facts,
            other => panic!("{other:?}"),
        }
    }

    fn reason(&self) -> &'static str {
        match self.settled() {
            State::Failed { reason, .. } => reason,
            other => panic!("{other:?}"),
        }
    }

    /// Sends what is behind the gateway this way.
    fn route(&self) {
        let range = format!("{BEHIND}/32");
        let argv = ["ip", "route", "replace", &range, "dev", &self.at.label];
        assert!(run(&self.wire.client, &argv, "").status.success());
    }

    /// What somebody sees who has the same profile and did not bring this one up.
    fn seen(&self) -> Option<Facts> {
        let other = At {
            label: "mr00000099".to_owned(),
            ..self.at.clone()
        };
        let step = self.backend.elsewhere(self.profile, &other).unwrap();
        self.backend
            .is_elsewhere(self.profile, &other, &self.step(&step))
    }

    /// Takes it down; no interface and no process is left.
    fn down(&self) {
        for step in &self.plan.down {
            let output = self.step(step);
            assert!(output.is_success() || step.may_fail, "{step:?}: {output:?}");
        }
        assert!(self.wire.is_client_idle(), "a process is left");
        let argv = ["ip", "link", "show", "dev", &self.at.label];
        assert!(!run(&self.wire.client, &argv, "").status.success());
    }
}

fn key(command: &[&str], input: &str) -> String {
    let mut command = Command::new(command[0])
        .args(&command[1..])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut command.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let output = command.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn wireguard() {
    if !Path::new("/dev/net/tun").exists() {
        return skip("no /dev/net/tun");
    }
    let Some(wire) = Wire::new(&["wg", "wireguard-go"]) else {
        return;
    };
    let [gate, ours, stranger] = [0; 3].map(|_| key(&["wg", "genkey"], ""));
    let psk = key(&["wg", "genpsk"], "");
    let public = |private: &str| key(&["wg", "pubkey"], private);

    let name = format!("g{}", std::process::id());
    wire.on_gateway(&["wireguard-go", &name]);
    let config = wire.write(
        "gate.conf",
        &format!(
            "[Interface]\nPrivateKey = {gate}\nListenPort = 51820\n\n[Peer]\nPublicKey = {}\n\
         PresharedKey = {psk}\nAllowedIPs = 10.9.0.2/32\n",
            public(&ours)
        ),
    );
    wire.on_gateway(&["wg", "setconf", &name, config.to_str().unwrap()]);
    wire.on_gateway(&["ip", "address", "add", "10.9.0.1/24", "dev", &name]);
    wire.on_gateway(&["ip", "link", "set", &name, "up"]);

    let mut profile = Tunnel::new("office", TunnelKind::WireGuard, "192.0.2.1");
    profile.password = Secret::new(ours);
    profile.set("public_key", &public(&gate)).unwrap();
    profile.set("psk", &psk).unwrap();
    profile.set("address", "10.9.0.2/24").unwrap();
    let line = Line::new(
        &wire,
        "wireguard-go",
        &profile,
        at(&wire, &format!("h{}", std::process::id()), 51820),
    );
    assert_eq!(line.state(), State::Down);
    assert_eq!(line.seen(), None);
    line.up();
    let facts = line.facts();
    assert_eq!(facts.address, Some("10.9.0.2".parse().unwrap()));
    // The network of our address is not taken over, only what we ask for.
    assert_eq!(wire.hello(), "");
    line.route();
    assert_eq!(wire.hello(), "behind\n");
    assert!(line.facts().received > facts.received, "{facts:?}");
    let seen = line.seen().unwrap();
    assert_eq!(seen.interface.as_deref(), Some(&line.at.label[..]));
    line.down();
    assert_eq!(line.seen(), None);
    // Taken down twice is taken down.
    line.down();

    // Whom the gateway does not know gets no answer, and that may change any time.
    profile.password = Secret::new(stranger);
    let line = Line::new(
        &wire,
        "wireguard-go",
        &profile,
        at(&wire, &format!("i{}", std::process::id()), 51820),
    );
    line.up();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(line.state(), State::Coming);
    line.down();
}

/// Makes a certificate authority and what it signs; gives nothing: the files are in the wire's folder.
fn certificates(wire: &Wire) {
    let script = "cd \"$1\"\n\
        new() { openssl req -newkey rsa:2048 -nodes -keyout $1.key -subj /CN=$1 \"$2\" $3 $1.$4 2>/dev/null; }\n\
        new ca -x509 -out pem; new other -x509 -out pem; new gate -new -out csr\n\
        printf 'extendedKeyUsage=serverAuth\\nkeyUsage=digitalSignature,keyEncipherment\\n' >ext\n\
        openssl x509 -req -in gate.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out gate.pem 2>/dev/null";
    let folder = wire.path("");
    let status = Command::new("sh")
        .args(["-euc", script, "sh"])
        .arg(&folder)
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn openvpn() {
    if !Path::new("/dev/net/tun").exists() {
        return skip("no /dev/net/tun");
    }
    let Some(wire) = Wire::new(&["openvpn", "openssl"]) else {
        return;
    };
    certificates(&wire);
    let check = wire.write(
        "check",
        &format!(
            "#!/bin/sh\n{{ read -r user; IFS= read -r pass; }} <\"$1\"\n\
         [ \"$user\" = anna ] && [ \"$pass\" = '{}' ]\n",
            PASSWORD.replace('\'', r"'\''")
        ),
    );
    fs::set_permissions(&check, fs::Permissions::from_mode(0o755)).unwrap();
    let server = wire.write(
        "server.conf",
        &format!(
            "mode server\ntls-server\ndev tun\ntopology subnet\nifconfig 10.9.8.1 255.255.255.0\n\
         ifconfig-pool 10.9.8.10 10.9.8.50\npush \"topology subnet\"\n\
         push \"route 10.77.0.0 255.255.255.0\"\npush \"redirect-gateway def1\"\n\
         push \"dhcp-option DNS 10.77.0.53\"\nproto udp4\nlocal 192.0.2.1\nca ca.pem\n\
         cert gate.pem\nkey gate.key\ndh none\nverify-client-cert none\n\
         username-as-common-name\nauth-user-pass-verify {} via-file\nscript-security 2\n\
         keepalive 5 20\ntmp-dir {}\n",
            check.display(),
            wire.path("").display()
        ),
    );
    let (folder, server) = (wire.path(""), server.display().to_string());
    let log = wire.path("server.log").display().to_string();
    wire.on_gateway(&[
        "openvpn",
        "--cd",
        folder.to_str().unwrap(),
        "--config",
        &server,
        "--daemon",
        "--log",
        &log,
    ]);

    let read = |name: &str| fs::read_to_string(wire.path(name)).unwrap();
    let mut profile = Tunnel::new("office", TunnelKind::OpenVpn, "192.0.2.1");
    profile.user = "anna".to_owned();
    profile.password = Secret::new(PASSWORD);
    profile.set("ca", &read("ca.pem")).unwrap();
    let line = Line::new(&wire, "openvpn", &profile, at(&wire, "ovpn0", 1194));
    assert_eq!(line.state(), State::Down);
    line.up();
    let facts = line.facts();
    assert_eq!(
        facts
            .address
            .map(|a| a.to_string()[..7].to_owned())
            .as_deref(),
        Some("10.9.8.")
    );
    let mode = fs::metadata(line.at.folder.join("login"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    // What the gateway pushes is not taken over.
    assert_eq!(wire.hello(), "");
    assert_eq!(line.seen(), None);
    line.route();
    assert_eq!(wire.hello(), "behind\n");
    assert_eq!(line.seen().unwrap().interface.as_deref(), Some("ovpn0"));
    line.down();
    assert_eq!(line.seen(), None);

    profile.password = Secret::new("wrong");
    let line = Line::new(&wire, "openvpn", &profile, at(&wire, "ovpn1", 1194));
    line.up();
    assert_eq!(line.reason(), "auth");
    line.down();

    profile.set("ca", &read("other.pem")).unwrap();
    let line = Line::new(&wire, "openvpn", &profile, at(&wire, "ovpn2", 1194));
    line.up();
    assert_eq!(line.reason(), "auth");
    line.down();

    let line = Line::new(&wire, "openvpn", &profile, at(&wire, "ovpn3", 1195));
    line.up();
    assert_eq!(line.reason(), "gateway");
    line.down();
}
