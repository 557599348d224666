//! Programs of this machine through a tunnel over SSH: SOCKS5 and forwards, against real sshd.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::jump::deaf;
use crate::support::home::Home;
use crate::support::sshd::{Sshd, free_port};

/// `mroom eval` that is told what it listens on and then waits, ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs Lua that prints an address; gives that.
fn listening(home: &Home, lua: &str) -> (Running, String) {
    let script = format!("{lua} ssh.here():run 'sleep 300'");
    let mut command = home.mroom(&["eval", &script]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let address = line.trim().to_owned();
    assert!(address.starts_with("127.0.0.1:"), "{address:?}");
    (Running(child), address)
}

/// A command that listens until it is interrupted; gives the address that it tells.
fn serving(home: &Home, words: &[&str]) -> (Running, String) {
    let mut command = home.mroom(words);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let address = line.strip_prefix("listening on ").unwrap_or_default();
    let address = address.split(' ').next().unwrap_or_default().to_owned();
    assert!(address.starts_with("127.0.0.1:"), "{line:?}");
    (Running(child), address)
}

/// A home in which `gate` is a server, and the tunnel `office` goes to it.
fn home(gate: &Sshd) -> Home {
    let home = Home::new();
    home.add("gate", gate);
    home.trust(gate);
    let add = "tunnel.add { name = 'office', type = 'SSH', server = 'gate' }";
    home.ok(&["eval", add]);
    home
}

/// Sends back what it gets, and its end after that.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut back = client.try_clone().unwrap();
                let mut from = client;
                let mut all = Vec::new();
                // Answers only after the other side's end: each direction ends by itself.
                let _ = from.read_to_end(&mut all);
                let _ = back.write_all(&all);
            });
        }
    });
    port
}

fn connected(address: &str) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    let patience = Some(Duration::from_secs(30));
    socket.set_read_timeout(patience).unwrap();
    socket
}

/// Asks for a place by name; gives the reply's code.
fn ask(address: &str, host: &str, port: u16) -> (TcpStream, u8) {
    let mut socket = connected(address);
    let mut request = vec![5, 1, 0, 5, 1, 0, 3, host.len() as u8];
    request.extend(host.as_bytes());
    request.extend(port.to_be_bytes());
    // All at once: what follows the first message is not lost.
    socket.write_all(&request).unwrap();
    let mut reply = [0; 12];
    socket.read_exact(&mut reply).unwrap();
    assert_eq!(reply[..3], [5, 0, 5]);
    (socket, reply[3])
}

fn there_and_back(mut socket: TcpStream, size: usize) {
    let sent: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
    let mut writer = socket.try_clone().unwrap();
    let bytes = sent.clone();
    let writing = std::thread::spawn(move || {
        writer.write_all(&bytes).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut got = Vec::new();
    socket.read_to_end(&mut got).unwrap();
    writing.join().unwrap();
    assert!(got == sent, "{} of {size} bytes came back", got.len());
}

#[test]
fn socks_through_a_tunnel_over_ssh() {
    let Some(gate) = Sshd::start("") else { return };
    let home = home(&gate);
    let lua = "t = tunnel.open 'office' print(t:socks { listen = '0' })";
    let (_running, address) = listening(&home, lua);
    let port = echo();
    let (socket, code) = ask(&address, "localhost", port);
    assert_eq!(code, 0);
    there_and_back(socket, 3_000_000);
    let (_, code) = ask(&address, "127.0.0.1", free_port());
    assert_eq!(code, 5, "refused");

    // What is no SOCKS5 is sent away, and keeps nobody.
    let mut web = connected(&address);
    web.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut nothing = Vec::new();
    let _ = web.read_to_end(&mut nothing);
    assert_eq!(nothing, b"");
    let _silent: Vec<TcpStream> = (0..20).map(|_| connected(&address)).collect();
    // Nor does a place that does not answer.
    let (deaf, _held) = deaf();
    let deaf = deaf.local_addr().unwrap();
    let mut stuck = connected(&address);
    let mut request = vec![5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1];
    request.extend(deaf.port().to_be_bytes());
    stuck.write_all(&request).unwrap();
    for _ in 0..3 {
        let (socket, code) = ask(&address, "localhost", port);
        assert_eq!(code, 0);
        there_and_back(socket, 1000);
    }
}

#[test]
fn a_forward_leads_on_from_a_server() {
    let Some(gate) = Sshd::start("") else { return };
    let home = home(&gate);
    let port = echo();
    let lua = format!(
        "f = tunnel.forward {{ server = server 'gate', to = 'localhost:{port}' }} print(f.address)"
    );
    let (_running, address) = listening(&home, &lua);
    let sockets: Vec<_> = (0..8).map(|_| connected(&address)).collect();
    let all = sockets
        .into_iter()
        .map(|socket| std::thread::spawn(move || there_and_back(socket, 300_000)));
    for thread in all.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
    let no = home.run(&[
        "eval",
        "tunnel.forward { server = 'nobody', to = 'localhost:1' }",
    ]);
    assert!(no.stderr.contains("no server `nobody`"), "{no:?}");
}

#[test]
fn the_commands_listen_until_they_are_interrupted() {
    let Some(gate) = Sshd::start("") else { return };
    let home = home(&gate);
    let port = echo();
    let words = ["tunnel", "socks", "office", "--listen", "0"];
    let (mut socks, address) = serving(&home, &words);
    let (socket, code) = ask(&address, "localhost", port);
    assert_eq!(code, 0);
    there_and_back(socket, 100_000);
    let to = format!("localhost:{port}");
    let (_forward, at) = serving(&home, &["tunnel", "forward", "gate", &to]);
    there_and_back(connected(&at), 100_000);

    // Others see it, and can neither end nor keep it.
    let status = home.run(&["tunnel", "status", "office", "--json"]).ended(0);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    let place = format!("127.0.0.1:{}", gate.port);
    assert_eq!(
        [
            &status["state"],
            &status["type"],
            &status["backend"],
            &status["gateway"]
        ],
        ["up", "SSH", "builtin", &place],
        "{status}"
    );
    assert_eq!(status["holders"][0]["pid"], socks.0.id(), "{status}");
    let down = home.run(&["tunnel", "down", "office", "--force"]).ended(0);
    assert!(down.stderr.contains("is in use"), "{down:?}");
    home.run(&["tunnel", "up", "office"]).ended(2);
    let lua = "local t <close> = tunnel.open 'office' local at = t:socks { listen = '0' } \
               local s = t:status() print(s.backend, s.state, s.sent, #s.routes)";
    assert_eq!(home.ok(&["eval", lua]), "builtin\tup\t0\t0\n");

    let pid = Pid::from_raw(socks.0.id() as i32).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(socks.0.wait().unwrap().code(), Some(0));
    home.run(&["tunnel", "status", "office"]).ended(4);
    assert!(
        TcpStream::connect(&address).is_err(),
        "nobody listens any more"
    );
    for (words, code, message) in [
        (&["socks", "nobody"][..], 2, "no tunnel profile `nobody`"),
        (
            &["socks", "office", "--listen", "x"],
            2,
            "no address to listen on",
        ),
        (&["forward", "gate", "db"], 2, "names no port"),
        (&["forward", "nobody", "db:1"], 2, "no server `nobody`"),
        (&["socks", "office", "--listen", &at], 1, "cannot listen on"),
    ] {
        let done = home.run(&[&["tunnel"], words].concat()).ended(code);
        assert!(done.stderr.contains(message), "{words:?}: {done:?}");
    }
}
