//! A host asked without any network.

use super::*;

fn host(ports: u16, most: usize) -> Host {
    let order: Vec<u16> = (1..=ports).collect();
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    Host::new(local, vec![], order.into(), (most, Duration::from_secs(1)))
}

/// Asks all that may be asked; `says` answers at once, or not at all.
fn run(host: &mut Host, mut says: impl FnMut(u16, bool) -> Option<Answer>) -> usize {
    let mut asked = 0;
    while !host.ends() {
        let mut any = false;
        while let Some((port, is_second)) = host.question() {
            let sent = Instant::now();
            let probe = Probe {
                host: 0,
                port,
                is_second,
                sent,
            };
            (asked, any) = (asked + 1, true);
            match says(port, is_second) {
                Some(answer) => host.answered(&probe, answer, sent),
                None => host.silent(&probe),
            }
        }
        assert!(any, "nothing to ask, and no end");
    }
    asked
}

#[test]
fn what_is_silent_is_asked_again() {
    let mut one = host(1000, 64);
    let asked = run(&mut one, |port, _| (port == 500).then_some(Answer::Open));
    assert_eq!(
        (one.open.as_slice(), one.closed, one.filtered.len()),
        (&[500][..], 0, 999)
    );
    assert_eq!(asked, 1999);
    let mut lossy = host(1000, 64);
    run(&mut lossy, |port, is_second| {
        (is_second || port % 10 != 0).then_some(Answer::Closed)
    });
    assert_eq!((lossy.closed, lossy.filtered.len()), (1000, 0));
    assert!(lossy.pace.window() < 64, "a loss slows down");
}

#[test]
fn a_silent_host_is_asked_little_more_than_once() {
    let mut dead = host(1000, 64);
    let asked = run(&mut dead, |_, _| None);
    assert_eq!((asked, dead.filtered.len()), (1000 + SAMPLE, 1000));
    assert!(!dead.is_alive());
    let mut late = host(1000, 64);
    run(&mut late, |_, is_second| {
        is_second.then_some(Answer::Closed)
    });
    assert_eq!(late.closed, 1000, "one answer, and all are asked again");
}

#[test]
fn what_is_barred_is_no_sign_of_life() {
    let mut barred = host(10, 64);
    run(&mut barred, |_, _| Some(Answer::Barred(Errno::HOSTUNREACH)));
    assert!(!barred.is_alive() && barred.filtered.len() == 10);
}

#[test]
fn another_address_is_tried_only_at_the_beginning() {
    let mut both = host(2, 64);
    both.others = vec![SocketAddr::from(([127, 0, 0, 2], 0))];
    let (port, is_second) = both.question().unwrap();
    both.put_back(port, is_second);
    assert!(both.elsewhere(Errno::NETUNREACH));
    assert_eq!(both.address, SocketAddr::from(([127, 0, 0, 2], 0)));
    assert_eq!(both.question(), Some((1, false)));
    both.put_back(1, false);
    assert!(!both.elsewhere(Errno::NETUNREACH) && both.ends());
    assert_eq!(both.done(), 0);
}
