//! The addresses of many hosts at once, by the system's resolver, within a deadline that even one
//! that hangs keeps.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::error::{Error, Kind, Result};

/// Names asked for at once.
const THREADS: usize = 32;
/// How often somebody is asked whether to go on.
const TICK: Duration = Duration::from_millis(50);

/// The addresses of each host, in the resolver's order; none is empty. The ports in them are 0.
pub(super) fn addresses(
    hosts: &[&str],
    within: Duration,
    stop: &dyn Fn() -> bool,
) -> Vec<Result<Vec<SocketAddr>>> {
    let until = Instant::now() + within;
    let mut found: Vec<Option<Result<Vec<SocketAddr>>>> = Vec::with_capacity(hosts.len());
    let mut names = VecDeque::new();
    for (at, host) in hosts.iter().enumerate() {
        let bare = bare(host);
        let literal = bare.parse::<IpAddr>().ok();
        if literal.is_none() {
            names.push_back((at, bare.to_owned()));
        }
        found.push(literal.map(|ip| Ok(vec![SocketAddr::new(ip, 0)])));
    }
    let (mut left, threads) = (names.len(), names.len().min(THREADS));
    let (names, (tx, rx)) = (Arc::new(Mutex::new(names)), mpsc::channel());
    for _ in 0..threads {
        let (names, tx) = (names.clone(), tx.clone());
        // The C resolver cannot be interrupted; its thread can be left behind.
        let thread = std::thread::Builder::new()
            .name("resolve".to_owned())
            .stack_size(256 << 10)
            .spawn(move || {
                let next = || {
                    names
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .pop_front()
                };
                while let Some((at, name)) = next() {
                    let answer = (name.as_str(), 0).to_socket_addrs();
                    let answer = answer.map(Iterator::collect::<Vec<_>>);
                    if tx.send((at, answer)).is_err() {
                        return;
                    }
                }
            });
        if thread.is_err() {
            break;
        }
    }
    drop(tx);
    while left > 0 && Instant::now() < until && !stop() {
        match rx.recv_timeout(TICK) {
            Ok((at, answer)) => {
                left -= 1;
                found[at] = Some(named(bare(hosts[at]), answer));
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    // What is not begun is not wanted any more.
    names.lock().unwrap_or_else(PoisonError::into_inner).clear();
    let missing = |host: &str| match stop() {
        true => Error::new(Kind::Cancelled, "interrupted"),
        false => Error::new(
            Kind::Connect,
            format!(
                "resolving host `{}` took longer than {} s",
                bare(host),
                within.as_secs()
            ),
        )
        .hint("check that DNS works from here"),
    };
    let all = found.into_iter().zip(hosts);
    all.map(|(one, host)| one.unwrap_or_else(|| Err(missing(host))))
        .collect()
}

/// An address without the brackets that some write around it.
fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

fn named(host: &str, answer: std::io::Result<Vec<SocketAddr>>) -> Result<Vec<SocketAddr>> {
    let error = || {
        Error::new(Kind::Connect, format!("host `{host}` does not resolve"))
            .hint("check the host's name, and that DNS works from here")
    };
    match answer {
        Ok(mut found) if !found.is_empty() => {
            found.dedup();
            Ok(found)
        }
        Ok(_) => Err(error()),
        Err(source) => Err(error().source(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses() {
        let hosts = [
            "127.0.0.1",
            "[::1]",
            "localhost",
            "no.such.host.invalid",
            "::1",
            "",
        ];
        let found = addresses(&hosts, Duration::from_secs(20), &|| false);
        let first = |at: usize| found[at].as_ref().unwrap()[0].ip().to_string();
        assert_eq!(
            (first(0).as_str(), first(1).as_str(), first(4).as_str()),
            ("127.0.0.1", "::1", "::1")
        );
        assert!(found[2].as_ref().unwrap()[0].ip().is_loopback());
        let error = found[3].as_ref().unwrap_err();
        assert_eq!(error.kind(), Kind::Connect);
        assert!(error.message().contains("`no.such.host.invalid`"));
    }

    #[test]
    fn nobody_waits_after_ctrl_c() {
        let found = addresses(&["no.such.host.invalid"], Duration::from_secs(20), &|| true);
        assert_eq!(found[0].as_ref().unwrap_err().kind(), Kind::Cancelled);
    }
}
