//! An IPsec gateway and a client, each in a network namespace of its own with a wire between them: a real
//! strongSwan, which needs nothing of the kernel but a TUN device where there is no ESP. Both end
//! when dropped.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::home::{Done, run};
use super::sshd::{has, skip, user};

/// Keeps a daemon to itself; the product's own.
const SCRIPT: &str = include_str!("../../src/tunnel/backend/swanctl/charon.sh");

/// A password with all that quoting is about.
pub const NASTY: &str = r##"p w"q'\d #$1 {;} = ü"##;

/// The gateway 192.0.2.1, what is behind it (10.77.0.1), and the client 192.0.2.2.
pub struct Ipsec {
    /// Files of both.
    pub folder: tempfile::TempDir,
    gateway: String,
    client: String,
}

impl Drop for Ipsec {
    fn drop(&mut self) {
        let script = self.folder.path().join("gateway/charon");
        let _ = self
            .command(&self.gateway, "sh")
            .arg(script)
            .arg("stop")
            .output();
        for name in [&self.gateway, &self.client] {
            let _ = Command::new("ip").args(["netns", "delete", name]).output();
        }
    }
}

impl Ipsec {
    /// Starts both, or says why not.
    pub fn start() -> Option<Ipsec> {
        let tools = [
            "ip",
            "unshare",
            "nsenter",
            "swanctl",
            "charon-systemd",
            "openssl",
            "bash",
        ];
        let tools = tools.map(|tool| match tool {
            "swanctl" | "charon-systemd" => format!("/usr/sbin/{tool}"),
            tool => tool.to_owned(),
        });
        if !tools.iter().all(|tool| has(tool)) {
            return None;
        }
        if user() != "root" {
            skip("only root can make namespaces");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let own = folder
            .path()
            .file_name()
            .unwrap()
            .to_string_lossy()
            .replace('.', "mr-");
        let made = Ipsec {
            gateway: format!("{own}-g"),
            client: format!("{own}-c"),
            folder,
        };
        let may = Command::new("ip")
            .args(["netns", "add", &made.gateway])
            .output();
        if !may.unwrap().status.success() || !Path::new("/dev/net/tun").exists() {
            // No tool is missing: a container without that right cannot be given it.
            eprintln!("skipped: this container may not make namespaces and TUN devices");
            return None;
        }
        let (gateway, client) = (&made.gateway, &made.client);
        for words in [
            format!("netns add {client}"),
            format!("-n {gateway} link add wire type veth peer name wire netns {client}"),
            format!("-n {gateway} address add 192.0.2.1/24 dev wire"),
            format!("-n {client} address add 192.0.2.2/24 dev wire"),
            format!("-n {gateway} link set wire up"),
            format!("-n {client} link set wire up"),
            format!("-n {gateway} link set lo up"),
            format!("-n {client} link set lo up"),
            format!("-n {gateway} address add 10.77.0.1/24 dev lo"),
            format!("-n {client} route add default via 192.0.2.1"),
        ] {
            run(Command::new("ip").args(words.split(' ')), "").ended(0);
        }
        made.certificates();
        made.serve();
        Some(made)
    }

    /// The text of a file.
    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// A command of the client.
    pub fn client(&self, words: &[&str]) -> Done {
        let mut command = self.command(&self.client, words[0]);
        run(command.args(&words[1..]), "")
    }

    /// A command of the client, still to be run.
    pub fn on_client(&self, program: &str) -> Command {
        self.command(&self.client, program)
    }

    fn command(&self, namespace: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace, program]);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
        command.stdin(Stdio::null());
        command
    }

    /// An authority, the gateway's certificate and one for a client.
    fn certificates(&self) {
        let make = |name: &str, subject: &str, more: &[&str]| {
            let at = |end: &str| self.folder.path().join(format!("{name}.{end}"));
            let mut command = Command::new("openssl");
            command.args(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30"
                    .split(' '),
            );
            command
                .args(["-subj", subject, "-keyout"])
                .arg(at("key"))
                .arg("-out")
                .arg(at("pem"));
            command.args(more).current_dir(self.folder.path());
            run(&mut command, "").ended(0);
        };
        make("ca", "/CN=lab", &[]);
        let by_ca = |san: &'static str| {
            [
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-addext",
                san,
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ]
        };
        make("gw", "/CN=vpn.lab", &by_ca("subjectAltName=DNS:vpn.lab"));
        make(
            "me",
            "/CN=alice.lab",
            &by_ca("subjectAltName=DNS:alice.lab"),
        );
    }

    fn serve(&self) {
        let folder = self.folder.path().join("gateway");
        let write = |name: &str, text: &str| {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        write("charon", SCRIPT);
        write("strongswan.conf", DAEMON);
        let secret = NASTY.replace('\\', r"\\").replace('"', "\\\"");
        write(
            "swanctl/swanctl.conf",
            &CONNECTIONS.replace("SECRET", &secret),
        );
        write("swanctl/x509ca/ca.pem", &self.text("ca.pem"));
        write("swanctl/x509/gw.pem", &self.text("gw.pem"));
        write("swanctl/private/gw.key", &self.text("gw.key"));
        for words in [
            &["start"] as &[_],
            &["run", "swanctl", "--load-all", "--noprompt"],
        ] {
            let mut command = self.command(&self.gateway, "sh");
            run(command.arg(folder.join("charon")).args(words), "").ended(0);
        }
    }
}

/// The gateway's daemon: all plugins that the distribution has switched on.
const DAEMON: &str = "charon-systemd {
  routing_table = 300
  i_dont_care_about_security_and_use_aggressive_mode_psk = yes
  filelog { stderr { default = 1 } }
  journal { default = -1 }
  load_modular = yes
  plugins {
    include strongswan.d/charon/*.conf
    resolve { load = no }
    kernel-libipsec { load = no }
  }
}
";

const CONNECTIONS: &str = r#"
pools { all { addrs = 10.99.0.0/24 } }
secrets {
  eap-alice { id = alice
    secret = "SECRET" }
  xauth-bob { id = bob
    secret = "SECRET" }
  ike-all { secret = "SECRET" }
}
connections {
  eap { version = 2
    pools = all
    local { auth = pubkey
      certs = gw.pem
      id = vpn.lab }
    remote { auth = eap-mschapv2
      eap_id = %any }
    children { net { local_ts = 10.77.0.0/24 } } }
  psk { version = 2
    pools = all
    local { auth = psk
      id = psk.lab }
    remote { auth = psk
      id = me@psk.lab }
    children { net { local_ts = 10.77.0.0/24 } } }
  pub { version = 2
    pools = all
    local { auth = pubkey
      certs = gw.pem
      id = vpn.lab }
    remote { auth = pubkey
      id = alice.lab }
    children { net { local_ts = 10.77.0.0/24 } } }
  aggressive { version = 1
    aggressive = yes
    pools = all
    proposals = aes256-sha256-modp2048,aes128-sha1-modp1024
    local { auth = psk }
    remote-1 { auth = psk
      id = "keyid:sales team" }
    remote-2 { auth = xauth }
    children { net { local_ts = 10.77.0.0/24
      esp_proposals = aes256-sha256,aes128-sha1 } } }
  main { version = 1
    pools = all
    proposals = aes256-sha256-modp2048
    local { auth = psk }
    remote-1 { auth = psk }
    remote-2 { auth = xauth }
    children { net { local_ts = 10.77.0.0/24
      esp_proposals = aes256-sha256,aes128-sha1 } } }
}
"#;
