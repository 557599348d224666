//! Servers behind jump hosts, all of them real sshd on loopback.

use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::home::{Done, Home, run};
use crate::support::sshd::{Sshd, free_port, user};

/// A home with a key that every server takes, and these servers; their host keys are known.
fn room(servers: &[(&str, &Sshd)]) -> Option<Home> {
    let home = Home::with_key()?;
    let public = std::fs::read(home.path(".ssh/id_ed25519.pub")).unwrap();
    let mut known = String::new();
    for (id, sshd) in servers {
        std::fs::write(sshd.path("authorized_keys"), &public).unwrap();
        let place = format!("{}@127.0.0.1:{}", user(), sshd.port);
        home.ok(&["add", id, &place]);
        let key = std::fs::read_to_string(sshd.path("host_ed25519.pub")).unwrap();
        known += &format!("[127.0.0.1]:{} {key}", sshd.port);
    }
    home.write(".ssh/known_hosts", known);
    Some(home)
}

/// How often a server has been asked to connect somewhere.
fn forwards(sshd: &Sshd) -> usize {
    let log = std::fs::read_to_string(sshd.path("log")).unwrap();
    log.matches("server_request_direct_tcpip").count()
}

fn refused(done: &Done, message: &str) {
    assert!(done.stderr.contains(message), "`{message}`: {done:?}");
}

#[test]
fn through_one_and_through_two() {
    let (Some(inner), Some(middle)) = (
        Sshd::start("LogLevel DEBUG1"),
        Sshd::start("LogLevel DEBUG1"),
    ) else {
        return;
    };
    let Some(outer) = Sshd::start("LogLevel DEBUG1") else {
        return;
    };
    let servers = [("web", &inner), ("middle", &middle), ("outer", &outer)];
    let Some(home) = room(&servers) else { return };
    let echo = |words: &[&str]| {
        let words = [&["exec", "web"][..], words, &["--", "echo there"]].concat();
        assert_eq!(home.ok(&words), "there\n", "{words:?}");
        (forwards(&middle), forwards(&outer))
    };
    assert_eq!(echo(&[]), (0, 0));
    assert_eq!(echo(&["-J", "middle"]), (1, 0));
    home.ok(&["set", "web", "jump=middle"]);
    assert_eq!(echo(&[]), (2, 0));
    assert_eq!(echo(&["-J", "none"]), (2, 0));
    assert_eq!(echo(&["-J", "outer,middle"]), (3, 1));
    home.ok(&["set", "middle", "jump=outer"]);
    assert_eq!(echo(&[]), (4, 2), "a jump host may stand behind another");
    let place = format!("{}@127.0.0.1:{}", user(), outer.port);
    assert_eq!(echo(&["-J", &place]), (4, 3));

    // The jump host itself is reached without itself.
    assert_eq!(
        home.ok(&["exec", "-q", "all", "-J", "outer", "--", "echo"])
            .lines()
            .count(),
        3
    );
    let big: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251) as u8).collect();
    home.write("big", &big);
    let there = format!("web:{}", inner.path("big").display());
    home.ok(&["cp", "big", &there]);
    home.ok(&["cp", &there, "back"]);
    assert!(
        std::fs::read(home.path("back")).unwrap() == big,
        "a copy through two"
    );
    let script = format!(
        "local s <close> = ssh.connect {{ host = '127.0.0.1', port = {}, jump = 'middle' }} \
         print(s:capture 'echo lua')",
        inner.port
    );
    let before = forwards(&middle);
    assert_eq!(home.ok(&["eval", &script]), "lua\n");
    assert_eq!(forwards(&middle), before + 1);
    let log = home.ok(&["log", "web", "--kind", "connect"]);
    assert!(log.contains(" through outer, middle"), "{log}");
}

#[test]
fn what_goes_wrong_names_the_jump_host() {
    let (Some(web), Some(closed)) = (Sshd::start(""), Sshd::start("AllowTcpForwarding no")) else {
        return;
    };
    let Some(open) = Sshd::start("") else { return };
    let Some(home) = room(&[("web", &web), ("closed", &closed), ("open", &open)]) else {
        return;
    };
    let gone = format!("{}@127.0.0.1:{}", user(), free_port());
    home.ok(&["add", "gone", &gone]);
    let exec = |id: &str, jump: &str| home.run(&["exec", id, "-J", jump, "--", "true"]);
    let no = exec("web", "closed").ended(4);
    refused(&no, "`closed` does not connect to [127.0.0.1]:");
    refused(&no, "administratively prohibited");
    refused(&no, "AllowTcpForwarding");
    let no = exec("gone", "open").ended(4);
    refused(&no, "gone");
    refused(&no, "`open` does not connect to [127.0.0.1]:");
    refused(&no, "connect failed");
    let no = exec("web", "gone").ended(4);
    refused(&no, "web");
    refused(&no, "jump host `gone`: cannot connect to 127.0.0.1:");

    for (jump, message) in [
        ("wbe", "no server `wbe` to jump through"),
        ("a@", "is not `[USER@]HOST[:PORT]`"),
        ("a@h:0", "the port must be from 1 to 65535"),
        (
            "open,open",
            "the jump hosts go in a circle: `web` behind `open`",
        ),
        (",", "no server `` to jump through"),
    ] {
        refused(&exec("web", jump), message);
    }
    for jump in ["wbe", "a@h:0"] {
        exec("web", jump).ended(2);
    }
    home.ok(&["set", "open", "jump=closed"]);
    home.ok(&["set", "closed", "jump=open"]);
    home.ok(&["set", "web", "jump=open"]);
    let no = home.run(&["exec", "web", "--", "true"]);
    refused(
        &no,
        "in a circle: `web` behind `open` behind `closed` behind `open`",
    );
    home.ok(&["set", "web", "jump=web"]);
    refused(&home.run(&["exec", "web", "--", "true"]), "in a circle");
    home.ok(&["set", "web", "jump=7"]);
    refused(
        &home.run(&["exec", "web", "--", "true"]),
        "`jump` must be an id or `user@host`",
    );

    // Each has its own host key, known or not under its own name.
    home.ok(&["set", "open", "jump="]);
    home.write(".ssh/known_hosts", "");
    let no = exec("web", "open").ended(5);
    refused(&no, "jump host `open`: ");
    home.trust(&open);
    let no = exec("web", "open").ended(5);
    refused(&no, &format!("[127.0.0.1]:{}", web.port));
}

#[test]
fn all_behind_one_share_its_session() {
    let (Some(web), Some(hop)) = (Sshd::start(""), Sshd::start("")) else {
        return;
    };
    let Some(home) = room(&[("hop", &hop)]) else {
        return;
    };
    std::fs::copy(hop.path("authorized_keys"), web.path("authorized_keys")).unwrap();
    let place = format!("{}@127.0.0.1:{}", user(), web.port);
    let list: String = (0..20)
        .map(|n| format!("web-{n:02}--127.0.0.1--{}----{}\n", user(), web.port))
        .collect();
    home.write("list", list);
    home.ok(&["import", "list"]);
    home.ok(&["add", "web-20", &place]);
    let (gate, running) = (home.path("gate"), home.path("running"));
    // Ends with the home as well: nothing waits for ever behind a test that was ended.
    let wait = format!(
        "touch {}/$$; while [ -d {} ] && [ ! -e {} ]; do sleep 0.3; done; echo done",
        running.display(),
        home.path("").display(),
        gate.display()
    );
    // Has them all run: who only connects after that would wait for a gate that nobody opens.
    let all = || {
        let _ = std::fs::remove_dir_all(&running);
        std::fs::create_dir(&running).unwrap();
        let words = ["exec", "web-*", "-J", "hop", "--accept-new", "--", &wait];
        let mut command = home.mroom(&words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(120);
        while std::fs::read_dir(&running).unwrap().count() < 21 {
            assert!(Instant::now() < until, "not all run");
            std::thread::sleep(Duration::from_millis(20));
        }
        child
    };
    let child = all();
    // A slow machine keeps some waiting until they make another one.
    let count = hop.sessions().len();
    std::fs::write(&gate, "").unwrap();
    let done = Done::from(child.wait_with_output().unwrap()).ended(0);
    assert!(count <= 15, "{count} sessions with the jump host");
    assert_eq!(done.stdout.matches("done").count(), 21);
    // The jump host dies: nobody hangs.
    std::fs::remove_file(&gate).unwrap();
    let child = all();
    hop.kill_sessions();
    let done = Done::from(child.wait_with_output().unwrap());
    assert!(done.code == 3 || done.code == 4, "{done:?}");
    refused(&done, "through `hop`: ");
    std::fs::write(&gate, "").unwrap();
}

/// A listener that nobody accepts at, its queue full: a further connection gets no answer.
pub(super) fn deaf() -> (TcpListener, Vec<std::io::Result<TcpStream>>) {
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(deaf.as_fd(), 0).unwrap();
    let address = deaf.local_addr().unwrap();
    let held: Vec<_> = (0..4)
        .map(|_| TcpStream::connect_timeout(&address, Duration::from_millis(300)))
        .collect();
    assert!(held.iter().any(Result::is_err), "the queue is not full");
    (deaf, held)
}

#[test]
fn a_silent_server_keeps_nobody_waiting() {
    let (Some(web), Some(hop)) = (Sshd::start(""), Sshd::start("")) else {
        return;
    };
    let Some(home) = room(&[("hop", &hop), ("web-1", &web), ("web-2", &web)]) else {
        return;
    };
    let (deaf, _held) = deaf();
    let address = deaf.local_addr().unwrap();
    home.ok(&["add", "deaf", &format!("{}@{address}", user())]);
    home.ok(&[
        "add",
        "web-3",
        &format!("{}@127.0.0.1:{}", user(), web.port),
    ]);
    let mut command = home.mroom(&[
        "exec",
        "deaf,web-*",
        "-J",
        "hop",
        "-T",
        "4",
        "--",
        "echo ok",
    ]);
    let done = run(&mut command, "").ended(4);
    for id in ["web-1", "web-2", "web-3"] {
        assert!(done.stdout.contains(&format!("{id}: ok")), "{done:?}");
    }
    refused(&done, "`hop` got no answer from [127.0.0.1]:");
}
