//! `mroom scanports` and what ports say: banners, certificates, tarpits; and a machine that is short of
//! descriptors.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::scanports::{numbers, port, rows};
use crate::support::home::{Home, MROOM, run};
use crate::support::sshd::{free_port, has};

/// A port that answers with these bytes as soon as somebody connects, so many times.
fn speaker(bytes: &'static [u8], times: usize) -> (u16, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let number = port(&listener);
    let thread = std::thread::spawn(move || {
        for _ in 0..times {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write_all(bytes);
        }
    });
    (number, thread)
}

#[test]
fn banners_are_shown_and_never_obeyed() {
    let home = Home::new();
    home.ok(&["add", "web", "me@127.0.0.1"]);
    // Two scans, each of which connects and looks.
    let (evil, thread) = speaker(b"220 \x1b[2J\x07 evil\r\nmore", 4);
    let words = ["scanports", "web", "--outside", "--banner", "--ports"];
    let evil = evil.to_string();
    let json = home
        .run(&[&words[..], &[&evil, "--json"]].concat())
        .ended(0)
        .stdout;
    assert_eq!(
        rows(&json)[0]["outside"]["open"][0]["banner"],
        "220 \u{1b}[2J\u{7} evil\r\nmore"
    );
    let text = home.run(&[&words[..], &[&evil]].concat()).ended(0).stdout;
    assert!(
        text.contains("220 ^[[2J^G evil") && !text.contains('\u{1b}'),
        "{text:?}"
    );
    thread.join().unwrap();
}

#[test]
fn certificates_are_looked_at() {
    if !has("openssl") {
        return;
    }
    let home = Home::new();
    home.ok(&["add", "web", "me@127.0.0.1"]);
    let make = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 30 \
        -subj '/O=Lab/CN=shop.example' -addext 'subjectAltName=DNS:shop.example,DNS:*.shop.example,IP:192.0.2.7'";
    run(home.command("sh").args(["-c", make]), "").ended(0);
    let number = free_port();
    let mut server = Command::new("openssl")
        .args([
            "s_server", "-quiet", "-key", "key.pem", "-cert", "cert.pem", "-accept",
        ])
        .arg(number.to_string())
        .current_dir(home.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", number)).is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    // Plain text, and no words at all, are no TLS.
    let (plain, thread) = speaker(b"SSH-2.0-x\r\n", 2);
    let ports = format!("{number},{plain}");
    let words = [
        "scanports",
        "web",
        "--outside",
        "--tls",
        "--ports",
        &ports,
        "--json",
    ];
    let row = rows(&home.run(&words).ended(0).stdout).remove(0);
    let open = row["outside"]["open"].as_array().unwrap();
    let of = |wanted: u16| open.iter().find(|o| o["port"] == wanted).unwrap();
    let tls = &of(number)["tls"];
    assert_eq!(tls["version"], "TLSv1.3");
    assert_eq!(
        (&tls["subject"], &tls["issuer"]),
        (&"shop.example".into(), &"shop.example".into())
    );
    assert_eq!(
        tls["names"],
        serde_json::json!(["shop.example", "*.shop.example", "192.0.2.7"])
    );
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let days = (tls["not_after"].as_i64().unwrap() - now.as_secs() as i64) / 86_400;
    assert!((29..=30).contains(&days), "{days}");
    assert!(of(plain).get("tls").is_none());
    let _ = server.kill();
    server.wait().unwrap();
    thread.join().unwrap();
}

#[test]
fn a_tarpit_holds_nobody_for_long() {
    let home = Home::new();
    home.ok(&["add", "web", "me@127.0.0.1"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let number = port(&listener).to_string();
    // Lets in and says nothing, or a byte now and then, for ever.
    let thread = std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming().flatten().take(3) {
            kept.push(std::thread::spawn(move || {
                let mut stream = stream;
                while stream.write_all(b"\x16").is_ok() {
                    std::thread::sleep(Duration::from_millis(100));
                }
                let _ = stream.read(&mut [0]);
            }));
        }
        kept.into_iter().for_each(|thread| thread.join().unwrap());
    });
    let words = [
        "scanports",
        "web",
        "--outside",
        "--tls",
        "--ports",
        &number,
        "--json",
    ];
    let row = rows(&home.run(&words).ended(0).stdout).remove(0);
    assert!(row["outside"]["open"][0].get("tls").is_none(), "{row}");
    let _ = TcpStream::connect(("127.0.0.1", number.parse().unwrap()));
    drop(thread);
}

#[test]
fn few_descriptors_are_enough() {
    let home = Home::new();
    home.ok(&["add", "web", "me@127.0.0.1"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // A queue that is full keeps some questions open.
    let full = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(full.as_fd(), 0).unwrap();
    let _kept: Vec<_> = (0..3)
        .map(|_| {
            TcpStream::connect_timeout(&full.local_addr().unwrap(), Duration::from_millis(100))
        })
        .collect();
    let script = "ulimit -n 64; exec \"$0\" \"$@\"";
    let mut command = home.command("sh");
    command.args(["-c", script, MROOM]).args([
        "scanports",
        "web",
        "--outside",
        "--ports",
        "all",
        "--wait",
        "0.2",
        "--json",
    ]);
    let row = rows(&run(&mut command, "").ended(0).stdout).remove(0);
    assert!(numbers(&row["outside"]["open"]).contains(&port(&listener)));
    assert!(numbers(&row["outside"]["filtered"]).contains(&port(&full)));
    assert!(row["outside"].get("unknown").is_none());
}
