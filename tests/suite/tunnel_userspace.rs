//! The WireGuard of this process against `wireguard-go`, and real sshd behind it.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use futures::future::join_all;
use machineroom::error::{Kind, Result};
use machineroom::events::{Events, Level, Silent};
use machineroom::inventory::Tunnel;
use machineroom::secret::Secret;
use machineroom::ssh::{Connector as _, Exec, Route, Ssh, Target};
use machineroom::tunnel::userspace::{Userspace, open};
use machineroom::tunnel::{Dial, Way, dns};

use crate::support::sshd::{has, options};
use crate::support::wireguard::{Gateway, PATIENCE, Person, SERVERS, SSH, keys, until};

impl Gateway {
    fn open(&self) -> Arc<Userspace> {
        self.open_as(&self.profile(), Arc::new(Silent)).unwrap()
    }

    fn open_as(&self, profile: &Tunnel, events: Arc<dyn Events>) -> Result<Arc<Userspace>> {
        block_on(open(profile, self.address, events))
    }

    /// A command on a server behind it.
    async fn run(&self, tunnel: &Userspace, host: &str, command: &str) -> Result<String> {
        let socket = tunnel.dial(host, SSH).await?;
        let target = Target {
            id: host.to_owned(),
            host: host.to_owned(),
            port: SSH,
            user: "root".to_owned(),
            password: None,
            key: Some(self.cell.home.path(".ssh/id_ed25519")),
            key_only: true,
            without: None,
            network: None,
            route: Route::Over {
                socket: Arc::new(socket),
                hop: "the tunnel".to_owned(),
            },
        };
        let ssh = Ssh::new(options(self.cell.home.path(&format!("known-{host}"))));
        let server = ssh.connect(target).await?;
        let output = server.exec(Exec::new(command)).await?;
        server.close().await?;
        Ok(String::from_utf8(output.stdout).unwrap())
    }
}

/// Keeps what a person would be told.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Events for Heard {
    fn note(&self, _: Level, _: Option<&str>, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

impl Heard {
    fn has(&self, words: &str) -> bool {
        self.0
            .lock()
            .unwrap()
            .iter()
            .any(|text| text.contains(words))
    }
}

#[test]
fn twenty_servers_at_once_and_both_families() {
    let Some(gateway) = Gateway::start() else {
        return;
    };
    let tunnel = gateway.open();
    let hosts: Vec<String> = (1..=SERVERS).map(|i| format!("10.77.0.{i}")).collect();
    let runs = hosts
        .iter()
        .map(|host| gateway.run(&tunnel, host, "echo $SSH_CONNECTION"));
    for (host, output) in hosts.iter().zip(block_on(join_all(runs))) {
        let output = output.unwrap();
        let words: Vec<&str> = output.split_whitespace().collect();
        assert_eq!(
            (words[0], words[2]),
            ("10.77.1.2", host.as_str()),
            "{output}"
        );
    }
    let six = block_on(gateway.run(&tunnel, "fd77::1", "echo $SSH_CONNECTION")).unwrap();
    assert!(
        six.starts_with("fd77::2 ") && six.contains(" fd77::1 "),
        "{six}"
    );

    let big =
        "head -c 30000000 /dev/zero | tee /tmp/sum | cksum; head -c 3000000 /dev/urandom | base64";
    let output = block_on(gateway.run(&tunnel, "10.77.0.1", big)).unwrap();
    assert!(output.len() > 4_000_000, "{} bytes", output.len());
    let refused = block_on(tunnel.dial("10.77.0.1", 1)).unwrap_err();
    assert!(
        refused.message().ends_with("connection refused"),
        "{refused}"
    );
    // The gateway has no way there, and says so.
    let nowhere = block_on(tunnel.dial("10.99.0.1", 22)).unwrap_err();
    assert_eq!(nowhere.kind(), Kind::Connect);
    assert!(
        nowhere.message().contains("through the tunnel `lab`: "),
        "{nowhere}"
    );
    let facts = tunnel.facts();
    assert!(facts.received.unwrap() > 4_000_000, "{facts:?}");
    block_on(tunnel.close()).unwrap();
    let left = "ss -Htn state established '( sport = :2222 )' | wc -l";
    until("no connection is left on the servers", || {
        gateway.cell.shell(left).stdout == "0\n"
    });
}

#[test]
fn an_ordinary_user_needs_a_list_file_and_nothing_else() {
    let Some(gateway) = Gateway::start() else {
        return;
    };
    let Some(person) = Person::new(&gateway) else {
        return;
    };
    let done = person
        .run(&["exec", "web-*", "--", "echo $SSH_CONNECTION"])
        .ended(0);
    for i in 1..=SERVERS {
        let line = format!("web-{i:02}: 10.77.1.2 ");
        assert!(done.stdout.contains(&line), "{line}: {done:?}");
    }
    assert!(done.stderr.contains("ok 20 "), "{done:?}");
    // Killed in the middle: nothing is left that would be in the way of the next.
    let mut killed = person.command(&["exec", "web-03", "--", "touch /tmp/begun; sleep 600"]);
    let mut killed = killed
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = || {
        gateway
            .cell
            .shell("test -e /tmp/begun && echo yes || echo no")
            .stdout
    };
    until("the command has begun", || begun() == "yes\n");
    killed.kill().unwrap();
    killed.wait().unwrap();
    person.run(&["exec", "web-04", "--", "true"]).ended(0);

    // One attempt, told once for all servers.
    person.import(&keys().1, "--timeout=3");
    let done = person.run(&["exec", "web-*", "--", "true"]).ended(4);
    assert!(done.stderr.contains("unreachable 20"), "{done:?}");
    assert!(
        done.stderr
            .contains("the tunnel `lab` does not come up: the gateway 127.0.0.1:")
    );
    assert!(
        done.stderr.contains(&gateway.keys[0].1),
        "our key, for the gateway: {done:?}"
    );
    assert!(
        !done.stderr.contains(&gateway.keys[0].0),
        "our secret is shown"
    );
}

#[test]
fn a_gateway_that_comes_back_carries_the_same_connections_on() {
    let Some(mut gateway) = Gateway::start() else {
        return;
    };
    let heard = Arc::new(Heard::default());
    let tunnel = gateway.open_as(&gateway.profile(), heard.clone()).unwrap();
    let mut stream = UnixStream::from(block_on(tunnel.dial("10.77.0.1", SSH)).unwrap());
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut banner = [0; 8];
    stream.read_exact(&mut banner).unwrap();
    assert_eq!(&banner, b"SSH-2.0-");
    gateway.stop();
    // What is written now is lost on the way, and sent again.
    stream.write_all(b"SSH-2.0-test\r\n").unwrap();
    until("the loss is told", || heard.has("does not answer any more"));
    gateway.restart();
    until("the return is told", || heard.has("answers again"));
    // The server's answer to that: its part of the key exchange.
    let mut more = vec![0; 400];
    stream.read_exact(&mut more).unwrap();
    assert!(
        more.windows(10).any(|w| w == b"curve25519"),
        "{}",
        String::from_utf8_lossy(&more)
    );
}

#[test]
fn wrong_keys_and_silence_are_told_in_time() {
    let Some(gateway) = Gateway::start() else {
        return;
    };
    let mut profile = gateway.profile();
    profile.set("timeout", "2").unwrap();
    let refused = |profile: &Tunnel| gateway.open_as(profile, Arc::new(Silent)).err().unwrap();
    for (field, reason) in [("public_key", "gateway"), ("psk", "auth")] {
        let mut wrong = profile.clone();
        wrong.set(field, &keys().1).unwrap();
        let error = refused(&wrong);
        assert_eq!(
            (error.kind(), error.reason_word()),
            (Kind::Tunnel, Some(reason)),
            "{field}"
        );
    }
    let mut stranger = profile.clone();
    let (private, public) = keys();
    stranger.password = Secret::new(&private);
    let error = refused(&stranger);
    assert!(error.message().ends_with("does not answer"), "{error}");
    assert!(
        error.hint_text().unwrap().contains(&public),
        "the key to give to the gateway"
    );
    let shown = format!("{error:?}");
    assert!(!shown.contains(&private), "a private key is shown");
    assert!(gateway.open_as(&profile, Arc::new(Silent)).is_ok());
}

#[test]
fn names_that_are_known_behind_it_only() {
    if !has("dnsmasq") {
        return;
    }
    let Some(gateway) = Gateway::start() else {
        return;
    };
    let start = "dnsmasq --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= \
                 --listen-address=10.77.0.1 --bind-interfaces --log-facility=/dev/null \
                 --address=/db.corp.test/10.77.0.7 --address=/db.corp.test/fd77::1";
    gateway.cell.shell(start).ended(0);
    let mut profile = gateway.profile();
    profile.set("dns", "10.77.0.1").unwrap();
    let tunnel = gateway.open_as(&profile, Arc::new(Silent)).unwrap();
    let output = block_on(gateway.run(&tunnel, "db.corp.test", "echo $SSH_CONNECTION")).unwrap();
    assert!(output.contains(" 10.77.0.7 2222"), "{output}");
    let error = block_on(tunnel.dial("no.corp.test", SSH)).unwrap_err();
    assert!(
        error.message().contains("`no.corp.test` does not resolve"),
        "{error}"
    );
    let way = Way::Dial(tunnel);
    let server = "10.77.0.1".parse().unwrap();
    let found = block_on(dns::resolve(&way, &[server], "db.corp.test", PATIENCE)).unwrap();
    let expected: [std::net::IpAddr; 2] =
        ["10.77.0.7".parse().unwrap(), "fd77::1".parse().unwrap()];
    assert_eq!(found, expected);
}
