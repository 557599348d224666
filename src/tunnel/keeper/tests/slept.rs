//! A laptop that was closed with a tunnel up: the clock on the wall has gone on without this process. And a tunnel
//! whose daemon comes to itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures::executor::block_on;
use tokio::sync::oneshot;

use super::*;
use crate::tunnel::keeper::watch::{Order, start};

/// Seconds that the wall is ahead.
static AHEAD: AtomicU64 = AtomicU64::new(0);

fn wall() -> SystemTime {
    SystemTime::now() + Duration::from_secs(AHEAD.load(Ordering::SeqCst))
}

#[test]
fn it_is_looked_at_when_it_wakes() {
    let yard = Yard::new();
    let mut tools = tools(yard.folder.path(), &yard.fake, &yard.told);
    (tools.look, tools.wall) = (Duration::from_secs(3600), wall);
    let keeper = Keeper::new(Arc::new(tools), profile("office"), Arc::default());
    let (up, came) = oneshot::channel();
    let orders = start(keeper, web(), ("web".to_owned(), false), up).unwrap();
    block_on(came).unwrap().unwrap();
    yard.fake.world().up.clear();
    std::thread::sleep(Duration::from_secs(3));
    assert!(!yard.told.has("was lost"), "the next look is far away");
    AHEAD.store(8 * 3600, Ordering::SeqCst);
    let begun = Instant::now();
    while !yard.told.has("is up again") {
        assert!(begun.elapsed() < Duration::from_secs(30), "nobody looks");
        std::thread::sleep(Duration::from_millis(20));
    }
    let (answer, answered) = oneshot::channel();
    assert!(orders.send(Order::Release(answer)).is_ok());
    block_on(answered).unwrap();
    assert!(yard.fake.world().up.is_empty() && yard.fake.world().routes.is_empty());
}

#[test]
fn one_that_comes_again_by_itself_is_let_come_and_not_for_ever() {
    let yard = Yard::new();
    let (up, came) = oneshot::channel();
    let orders = start(yard.keeper("office"), web(), ("web".to_owned(), false), up);
    block_on(came).unwrap().unwrap();
    let looks = |n: usize| {
        let (begun, before) = (Instant::now(), yard.fake.count("fake status"));
        while yard.fake.count("fake status") < before + n {
            assert!(begun.elapsed() < Duration::from_secs(30), "nobody looks");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    yard.fake.world().says = Some("coming".into());
    looks(4);
    yard.fake.world().says = None;
    looks(2);
    assert_eq!(yard.fake.count("fake down"), 0);
    yard.fake.world().says = Some("coming".into());
    looks(10);
    yard.fake.world().says = None;
    let begun = Instant::now();
    while !yard.told.has("is up again") {
        assert!(begun.elapsed() < Duration::from_secs(30), "it was given up");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(yard.fake.count("fake down"), 1);
    drop(orders);
}
