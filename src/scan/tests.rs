//! Scans of this machine's own loopback.

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use super::*;

fn target(host: &str, ports: &str) -> Target {
    Target {
        host: host.to_owned(),
        ports: ports.parse().unwrap(),
    }
}

fn quiet(targets: &[Target], manner: &Manner) -> Vec<Result<Found>> {
    scan(targets, manner, &|| false, &mut |_| {}).unwrap()
}

fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().unwrap().port()
}

#[test]
fn open_and_closed_ports_of_both_families() {
    let v4 = TcpListener::bind("127.0.0.9:0").unwrap();
    let v6 = TcpListener::bind("[::1]:0").ok();
    let number = v6.as_ref().map_or(1, port);
    let all = [
        target("127.0.0.9", "all"),
        target("[::1]", &format!("1-100,{},{number}", port(&v4))),
        target("no.such.host.invalid", "1"),
    ];
    let found = quiet(&all, &Manner::default());
    let one = found[0].as_ref().unwrap();
    assert_eq!(one.state(port(&v4)), Some(State::Open));
    assert_eq!(one.open.len() + one.closed + one.filtered.len(), 65535);
    assert!(one.is_whole() && !one.is_silent() && one.filtered.is_empty());
    if let (Some(listener), Ok(two)) = (v6, &found[1]) {
        assert_eq!(two.state(port(&listener)), Some(State::Open));
        assert_eq!(two.state(port(&v4)), Some(State::Closed));
    }
    assert_eq!(found[2].as_ref().unwrap_err().kind(), Kind::Connect);
}

#[test]
fn a_connection_to_ourselves_is_no_open_port() {
    // The ports from which connections come: of so many one meets itself in two runs of three.
    let found = quiet(&[target("127.0.0.10", "32768-60999")], &Manner::default());
    for open in &found[0].as_ref().unwrap().open {
        let again = TcpStream::connect(("127.0.0.10", open.port));
        assert!(again.is_ok(), "{} is not open", open.port);
    }
}

#[test]
fn a_full_queue_is_silence_and_others_are_not_held_up() {
    let full = TcpListener::bind("127.0.0.11:0").unwrap();
    rustix::net::listen(&full, 0).unwrap();
    let place = full.local_addr().unwrap();
    let mut kept = Vec::new();
    while let Ok(one) = TcpStream::connect_timeout(&place, Duration::from_millis(200)) {
        kept.push(one);
        assert!(kept.len() < 100);
    }
    let manner = Manner {
        wait: Duration::from_millis(200),
        ..Manner::default()
    };
    let ports = format!("1-100,{}", place.port());
    let found = quiet(&[target("127.0.0.11", &ports)], &manner);
    let one = found[0].as_ref().unwrap();
    assert_eq!(
        (one.closed, one.filtered.as_slice()),
        (100, &[place.port()][..])
    );
}

#[test]
fn what_is_let_in_and_thrown_out_is_open() {
    let listener = TcpListener::bind("127.0.0.12:0").unwrap();
    let place = listener.local_addr().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let thread = std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
            drop(stream);
            if stopped.load(Ordering::SeqCst) {
                return;
            }
        }
    });
    let manner = Manner {
        banner: true,
        tls: true,
        ..Manner::default()
    };
    for _ in 0..20 {
        let found = quiet(&[target("127.0.0.12", &place.port().to_string())], &manner);
        let one = found[0].as_ref().unwrap();
        assert_eq!(one.open_ports(), [place.port()]);
        assert!(one.open[0].banner.is_none() && one.open[0].tls.is_none());
    }
    stop.store(true, Ordering::SeqCst);
    drop(TcpStream::connect(place));
    thread.join().unwrap();
}

#[test]
fn a_rate_is_kept_and_one_socket_is_enough() {
    let begun = Instant::now();
    let manner = Manner {
        concurrency: Some(1),
        rate: Some(1000),
        ..Manner::default()
    };
    let found = quiet(&[target("127.0.0.13", "1-500")], &manner);
    assert_eq!(
        found[0].as_ref().unwrap().open.len() + found[0].as_ref().unwrap().closed,
        500
    );
    // 50 ms may be made up for.
    assert!(
        begun.elapsed() >= Duration::from_millis(400),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_scan_that_is_stopped_tells_what_it_knows() {
    let count = AtomicUsize::new(0);
    let stop = || count.fetch_add(1, Ordering::SeqCst) >= 3;
    let found = scan(
        &[target("127.0.0.14", "all")],
        &Manner::default(),
        &stop,
        &mut |_| {},
    );
    let found = found.unwrap();
    let one = found[0].as_ref().unwrap();
    assert!(!one.is_whole() && one.unknown > 0 && one.state(1).is_none());
    assert_eq!(
        one.unknown + one.open.len() + one.closed + one.filtered.len(),
        65535
    );
}

#[test]
fn many_hosts_take_turns() {
    let targets: Vec<Target> = (1..=100)
        .map(|n| target(&format!("127.0.1.{n}"), "1-200"))
        .collect();
    let mut done = Vec::new();
    let found = scan(&targets, &Manner::default(), &|| false, &mut |news| {
        if let News::Done { host } = news {
            done.push(host);
        }
    });
    assert!(
        found
            .unwrap()
            .iter()
            .all(|f| f.as_ref().is_ok_and(|f| f.is_whole()))
    );
    done.sort_unstable();
    assert_eq!(done, (0..100).collect::<Vec<_>>());
}

#[test]
fn what_a_port_says_first_is_kept_within_bounds() {
    use std::io::Write as _;
    let listener = TcpListener::bind("127.0.0.15:0").unwrap();
    let place = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        // The scan itself, then the look.
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let _ =
                stream.write_all(format!("220 \u{1b}[2J{}\r\n", "x".repeat(100_000)).as_bytes());
        }
    });
    let manner = Manner {
        banner: true,
        ..Manner::default()
    };
    let found = quiet(&[target("127.0.0.15", &place.port().to_string())], &manner);
    let open = &found[0].as_ref().unwrap().open[0];
    let said = open.banner.as_deref().unwrap();
    assert!(
        said.starts_with("220 \u{1b}[2Jxxx") && said.len() <= look::LONGEST,
        "{said}"
    );
    thread.join().unwrap();
}
