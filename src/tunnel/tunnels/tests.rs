//! Many servers and few tunnels, on a machine that is not there.

use std::time::Instant;

use futures::future::join_all;

use super::*;
use crate::error::Kind;
use crate::ssh::Reply;
use crate::tunnel::testing::{Fake, Told, backends, profile};

/// Opens nothing.
struct Nothing;

impl Within for Nothing {
    fn open(&self, _: &Tunnel, _: &str) -> Reply<Arc<dyn Dial>> {
        Box::pin(std::future::ready(Err(Error::usage(
            "nothing lives in here",
        ))))
    }
}

struct Yard {
    folder: tempfile::TempDir,
    fake: Fake,
    told: Arc<Told>,
    cancel: Cancel,
}

impl Yard {
    fn new() -> Self {
        Yard {
            folder: tempfile::tempdir().unwrap(),
            fake: Fake::default(),
            told: Arc::default(),
            cancel: Cancel::new(),
        }
    }

    fn tunnels(&self) -> Rc<Tunnels> {
        self.tunnels_as(false)
    }

    fn tunnels_as(&self, serial: bool) -> Rc<Tunnels> {
        Tunnels::new(Settings {
            folder: self.folder.path().to_owned(),
            runner: Arc::new(self.fake.clone()),
            backends: backends(),
            within: Arc::new(Nothing),
            events: self.told.clone(),
            cancel: self.cancel.clone(),
            program: "mroom".into(),
            serial,
            look: Duration::from_millis(20),
        })
    }

    async fn until(&self, mut there: impl FnMut(&Self) -> bool) {
        let begun = Instant::now();
        while !there(self) {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "{:?}",
                self.told.0.lock()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn ends() -> Vec<(String, u16)> {
    vec![("10.9.9.9".to_owned(), 9)]
}

#[tokio::test]
async fn a_hundred_servers_and_one_tunnel() {
    let yard = Yard::new();
    let tunnels = yard.tunnels();
    let office = profile("office");
    let names: Vec<String> = (0..100).map(|i| format!("s{i}")).collect();
    let (ends, profile) = (ends(), &office);
    let holds = names
        .iter()
        .map(|name| tunnels.hold(profile, &[], &ends, name));
    for held in join_all(holds).await {
        assert!(matches!(held, Ok(Way::Route)));
    }
    assert_eq!(yard.fake.count("fake up"), 1);
    for name in &names[1..] {
        tunnels.release("office", name).await;
    }
    tunnels.release("office", "somebody else").await;
    assert_eq!(yard.fake.world().up.len(), 1);
    tunnels.release("office", "s0").await;
    assert!(yard.fake.world().up.is_empty());
    // Again, and closed.
    tunnels.hold(&office, &[], &ends, "s0").await.unwrap();
    tunnels.close().await;
    assert!(yard.fake.world().up.is_empty());
    assert_eq!(yard.fake.count("fake up"), 2);
}

#[tokio::test]
async fn a_failure_is_shared() {
    let yard = Yard::new();
    yard.fake.world().says = Some("coming".into());
    let tunnels = yard.tunnels();
    let office = profile("office");
    let ends = ends();
    let holds = ["a", "b", "c"].map(|name| tunnels.hold(&office, &[], &ends, name));
    for held in join_all(holds).await {
        assert_eq!(held.err().unwrap().reason_word(), Some("timeout"));
    }
    assert_eq!(yard.fake.count("fake up"), 1, "nobody waits for it twice");
    // Who asks later has it tried again.
    yard.fake.world().says = None;
    tunnels.hold(&office, &[], &ends, "d").await.unwrap();
    tunnels.close().await;
    assert!(yard.fake.world().up.is_empty());
}

#[tokio::test]
async fn one_that_is_lost_comes_again() {
    let yard = Yard::new();
    let tunnels = yard.tunnels();
    tunnels
        .hold(&profile("office"), &[], &ends(), "web")
        .await
        .unwrap();
    yard.fake.world().up.clear();
    yard.until(|yard| yard.told.has("is up again")).await;
    assert!(yard.told.has("Warning the tunnel `office` was lost"));
    assert_eq!(yard.fake.world().routes.len(), 1, "its routes came with it");
    tunnels.close().await;
    assert!(yard.fake.world().up.is_empty());
}

#[tokio::test]
async fn a_gateway_that_is_away_for_a_while() {
    let yard = Yard::new();
    let tunnels = yard.tunnels();
    tunnels
        .hold(&profile("office"), &[], &ends(), "web")
        .await
        .unwrap();
    {
        let mut world = yard.fake.world();
        world.up.clear();
        world.fails = Some((1, "no answer".into()));
    }
    yard.until(|yard| yard.fake.count("fake up") >= 3).await;
    yard.fake.world().fails = None;
    yard.until(|yard| yard.told.has("is up again")).await;
    tunnels.close().await;
    assert!(yard.fake.world().up.is_empty() && yard.fake.world().routes.is_empty());
}

#[tokio::test]
async fn ctrl_c_while_it_comes_up() {
    let yard = Yard::new();
    yard.fake.world().slow = Duration::from_secs(60);
    let tunnels = yard.tunnels();
    let (office, ends) = (profile("office"), ends());
    let (held, ()) = tokio::join!(tunnels.hold(&office, &[], &ends, "web"), async {
        yard.until(|yard| yard.fake.count("fake up") > 0).await;
        yard.cancel.cancel();
    });
    assert_eq!(held.err().unwrap().kind(), Kind::Cancelled);
    tunnels.close().await;
    assert_eq!(yard.fake.count("fake down"), 1);
}

#[tokio::test]
async fn nobody_waits_for_it_any_more() {
    let yard = Yard::new();
    yard.fake.world().slow = Duration::from_secs(60);
    let tunnels = yard.tunnels();
    let (office, ends) = (profile("office"), ends());
    let short = Duration::from_millis(100);
    let held = tokio::time::timeout(short, tunnels.hold(&office, &[], &ends, "web")).await;
    assert!(held.is_err(), "the caller has gone");
    tunnels.close().await;
    assert!(yard.fake.world().up.is_empty());
    assert_eq!(yard.fake.count("fake up"), yard.fake.count("fake down"));
}

#[tokio::test]
async fn one_tunnel_needs_another() {
    let yard = Yard::new();
    let tunnels = yard.tunnels();
    let mut inner = profile("inner");
    inner.server = "10.8.8.8".to_owned();
    let outer = profile("outer");
    tunnels
        .hold(&inner, std::slice::from_ref(&outer), &ends(), "web")
        .await
        .unwrap();
    let ups: Vec<String> = yard
        .fake
        .world()
        .ran
        .iter()
        .filter(|l| l.starts_with("fake up"))
        .cloned()
        .collect();
    assert_eq!(ups.len(), 2);
    assert_eq!(
        yard.fake.world().routes.len(),
        2,
        "the inner one's server is behind the outer one"
    );
    tunnels.release("inner", "web").await;
    assert!(yard.fake.world().up.is_empty());
    let downs: Vec<String> = yard
        .fake
        .world()
        .ran
        .iter()
        .filter(|l| l.starts_with("fake down"))
        .cloned()
        .collect();
    assert_eq!(
        downs[0].replace("down", "up"),
        ups[1],
        "the inner one goes first"
    );
}

#[tokio::test]
async fn kept_when_the_process_is_done() {
    let yard = Yard::new();
    let tunnels = yard.tunnels();
    assert_eq!(
        tunnels.keep("office").await.unwrap_err().kind(),
        Kind::Usage,
        "one over SSH, say, is none of these"
    );
    tunnels
        .hold(&profile("office"), &[], &ends(), "up")
        .await
        .unwrap();
    tunnels.keep("office").await.unwrap();
    tunnels.close().await;
    assert_eq!(yard.fake.world().up.len(), 1);
}

#[tokio::test]
async fn what_a_kept_one_stands_on_is_kept() {
    let yard = Yard::new();
    let tunnels = yard.tunnels();
    let (outer, mut inner) = (profile("outer"), profile("inner"));
    inner.server = "10.8.8.8".to_owned();
    let needs = std::slice::from_ref(&outer);
    tunnels.hold(&inner, needs, &ends(), "up").await.unwrap();
    tunnels.keep("inner").await.unwrap();
    tunnels.close().await;
    assert_eq!(yard.fake.world().up.len(), 2);
}

#[tokio::test]
async fn a_profile_that_was_changed_while_it_is_held() {
    let yard = Yard::new();
    let tunnels = yard.tunnels();
    let office = profile("office");
    tunnels.hold(&office, &[], &ends(), "web").await.unwrap();
    let mut changed = office.clone();
    changed.server = "198.51.100.8".into();
    let held = tunnels.hold(&changed, &[], &ends(), "db").await;
    let error = held.err().unwrap();
    assert_eq!(error.reason_word(), Some("conflict"));
    assert!(
        error.message().ends_with("in use as it was: web"),
        "{error}"
    );
    tunnels.release("office", "web").await;
    tunnels.hold(&changed, &[], &ends(), "db").await.unwrap();
    tunnels.close().await;
    assert_eq!(yard.fake.count("fake up"), 2);
}

#[tokio::test]
async fn one_after_the_other_as_long_as_somebody_can_let_go() {
    let yard = Yard::new();
    let tunnels = yard.tunnels_as(true);
    let (office, lab, ends) = (profile("office"), profile("lab"), ends());
    tunnels.hold(&office, &[], &ends, "web").await.unwrap();
    // Nobody else works: it would be for ever.
    let error = tunnels.hold(&lab, &[], &ends, "db").await.err().unwrap();
    assert_eq!(error.reason_word(), Some("conflict"), "{error}");
    assert!(error.message().contains("would wait for ever"), "{error}");
    assert!(error.message().ends_with("holds for web"), "{error}");
    assert_eq!(yard.fake.world().up.len(), 1);
    // Another task does, and lets it go after a while.
    let works = tunnels.task();
    let (held, ()) = tokio::join!(tunnels.hold(&lab, &[], &ends, "db"), async {
        yard.until(|yard| yard.told.has("it waits")).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        tunnels.release("office", "web").await;
        drop(works);
    });
    held.unwrap();
    // Two tasks, each with what the other wants: one of them is told and ends, and the other goes on.
    let (works, far) = (tunnels.task(), vec![("10.1.1.1".to_owned(), 9)]);
    tunnels
        .hold(&profile("far"), &[], &far, "web")
        .await
        .unwrap();
    let (near, away) = (profile("near"), profile("away"));
    let one = async {
        let held = tunnels.hold(&near, &[], &ends, "web").await;
        tunnels.release("far", "web").await;
        held
    };
    let two = async {
        let held = tunnels.hold(&away, &[], &far, "db").await;
        tunnels.release("lab", "db").await;
        held
    };
    let (one, two) = tokio::join!(one, two);
    assert_ne!(one.is_err(), two.is_err());
    drop(works);
    tunnels.close().await;
    assert!(yard.fake.world().up.is_empty());
}
