//! Tests of the map and the pool, on a connector that never leaves the process.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::cancel::Cancel;
use crate::config::Config;
use crate::error::{Error, Kind};
use crate::events::{Nobody, Silent};
use crate::inventory::Server;
use crate::secret::Redactor;
use crate::ssh::{Connector, Reply, Target, Transport};

/// Refuses every connection and counts the attempts.
#[derive(Default)]
struct Refusing(AtomicUsize);

impl Connector for Refusing {
    fn connect(&self, target: Target) -> Reply<Arc<dyn Transport>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Err(Error::new(
                Kind::Connect,
                format!("{} refused", target.host),
            ))
        })
    }
}

fn room(options: RunOptions) -> (Rc<Room>, Arc<Refusing>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::at(dir.path()).unwrap();
    let connector = Arc::new(Refusing::default());
    let room = Room::new(
        config,
        options,
        (Arc::new(Silent), Arc::new(Nobody)),
        (Arc::new(Redactor::new()), Cancel::new()),
        connector.clone(),
    );
    (room, connector, dir)
}

fn servers(n: usize) -> Vec<Server> {
    (0..n)
        .map(|i| Server::new(format!("s{i:02}"), "h", "u", 22))
        .collect()
}

fn policy(forks: usize) -> Policy {
    Policy {
        forks,
        ..Policy::default()
    }
}

#[tokio::test]
async fn is_bounded_and_keeps_the_order() {
    let (room, ..) = room(RunOptions::default());
    let (now, most) = (Cell::new(0), Cell::new(0));
    let seen = RefCell::new(Vec::new());
    let work = |server: Server| {
        let (now, most) = (&now, &most);
        async move {
            now.set(now.get() + 1);
            most.set(most.get().max(now.get()));
            let n: u64 = server.id[1..].parse().unwrap();
            tokio::time::sleep(Duration::from_millis(30 - n)).await;
            now.set(now.get() - 1);
            Ok((Status::Ok, n))
        }
    };
    let done = |o: &Outcome<u64>| seen.borrow_mut().push(o.server.clone());
    let outcomes = map(&room, "test", servers(20), &policy(4), work, done).await;
    assert_eq!(most.get(), 4);
    let values: Vec<_> = outcomes.iter().map(|o| o.value.unwrap()).collect();
    assert_eq!(values, (0..20).collect::<Vec<_>>());
    assert_ne!(
        seen.borrow()[0],
        "s00",
        "the first server is the slowest of its four"
    );
}

#[tokio::test]
async fn stops_starting_after_too_many_failures() {
    let (room, ..) = room(RunOptions::default());
    let most = Policy {
        forks: 1,
        max_fail: Some(Batch::Percent(10)),
        serial: None,
    };
    let work = |_| async { Err::<(Status, ()), _>(Error::local("broken")) };
    let outcomes = map(&room, "test", servers(20), &most, work, |_| {}).await;
    let counts = Counts::of(&outcomes);
    assert_eq!(
        (counts.get(Status::Failed), counts.get(Status::Skipped)),
        (3, 17)
    );
    assert_eq!(outcomes[0].error.as_ref().unwrap().server_id(), Some("s00"));
}

#[tokio::test]
async fn batches_run_one_after_another() {
    let (room, ..) = room(RunOptions::default());
    let serial = Policy {
        forks: 8,
        serial: Some(Batch::Count(2)),
        max_fail: None,
    };
    let log = RefCell::new(Vec::new());
    let work = |server: Server| {
        let log = &log;
        async move {
            log.borrow_mut().push(format!("+{}", server.id));
            tokio::time::sleep(Duration::from_millis(2)).await;
            log.borrow_mut().push("-".to_owned());
            Ok((Status::Ok, ()))
        }
    };
    map(&room, "test", servers(4), &serial, work, |_| {}).await;
    assert_eq!(
        *log.borrow(),
        ["+s00", "+s01", "-", "-", "+s02", "+s03", "-", "-"]
    );
}

#[tokio::test]
async fn an_interrupt_leaves_an_outcome_for_each() {
    let (room, ..) = room(RunOptions::default());
    let cancel = room.cancel.clone();
    let work = |server: Server| {
        let cancel = cancel.clone();
        async move {
            if server.id == "s00" {
                return Ok((Status::Ok, ()));
            }
            cancel.cancel();
            std::future::pending().await
        }
    };
    let outcomes = map(&room, "test", servers(5), &policy(2), work, |_| {}).await;
    let counts = Counts::of(&outcomes);
    assert_eq!(
        (counts.get(Status::Ok), counts.get(Status::Cancelled)),
        (1, 4)
    );
}

#[tokio::test]
async fn two_callers_share_one_attempt_and_a_later_one_tries_again() {
    let (room, connector, _dir) = room(RunOptions::default());
    let server = Server::new("a", "h", "u", 22);
    let (one, two) = tokio::join!(room.transport(&server), room.transport(&server));
    for error in [one.err().unwrap(), two.err().unwrap()] {
        assert_eq!(
            (error.kind(), error.server_id()),
            (Kind::Connect, Some("a"))
        );
    }
    assert_eq!(connector.0.load(Ordering::SeqCst), 1);
    assert!(room.transport(&server).await.is_err());
    assert_eq!(connector.0.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_tunnel_is_refused_unless_told_otherwise() {
    let mut server = Server::new("a", "h", "u", 22);
    server.meta.insert("tunnel_profile".into(), "office".into());
    let (strict, ..) = room(RunOptions::default());
    let error = strict.transport(&server).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Tunnel);
    assert!(error.hint_text().unwrap().contains("--no-tunnel"));
    let (direct, ..) = room(RunOptions {
        no_tunnel: true,
        ..RunOptions::default()
    });
    assert_eq!(
        direct.transport(&server).await.err().unwrap().kind(),
        Kind::Connect
    );
}

#[tokio::test]
async fn check_mode_lets_no_writer_through() {
    use crate::ssh::Exec;
    use crate::ssh::fake::Fake;
    struct Pretend(Fake);
    impl Connector for Pretend {
        fn connect(&self, _: Target) -> Reply<Arc<dyn Transport>> {
            let transport: Arc<dyn Transport> = Arc::new(self.0.clone());
            Box::pin(async move { Ok(transport) })
        }
    }
    let fake = Fake::new();
    fake.on("uptime", "up\n");
    let dir = tempfile::tempdir().unwrap();
    let room = Room::new(
        Config::at(dir.path()).unwrap(),
        RunOptions {
            check: true,
            ..RunOptions::default()
        },
        (Arc::new(Silent), Arc::new(Nobody)),
        (Arc::new(Redactor::new()), Cancel::new()),
        Arc::new(Pretend(fake.clone())),
    );
    let server = Server::new("a", "h", "u", 22);
    let shared = room.transport(&server).await.unwrap();
    let own = room.connect(room.target(&server).unwrap()).await.unwrap();
    for transport in [shared, own] {
        assert!(transport.exec(Exec::new("uptime")).await.is_err());
        assert!(transport.write("/x", vec![], None).await.is_err());
        assert!(transport.exec(Exec::reader("uptime")).await.is_ok());
    }
    let ran = fake.calls().len();
    assert_eq!(ran, 2, "only the two readers arrived");
}

/// Connects at once; knows how many of its connections are open, and how many were at the most.
#[derive(Clone, Default)]
struct Counting(Arc<(AtomicUsize, AtomicUsize)>);

struct Counted(Counting);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Connector for Counting {
    fn connect(&self, _: Target) -> Reply<Arc<dyn Transport>> {
        let open = self.0.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.1.fetch_max(open, Ordering::SeqCst);
        let transport: Arc<dyn Transport> = Arc::new(Counted(self.clone()));
        Box::pin(async move { Ok(transport) })
    }
}

impl Transport for Counted {
    fn exec(&self, _: crate::ssh::Exec) -> Reply<crate::output::Output> {
        Box::pin(async {
            tokio::task::yield_now().await;
            Ok(crate::output::Output::default())
        })
    }
    fn read(&self, _: &str, _: u64) -> Reply<Vec<u8>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn write(&self, _: &str, _: Vec<u8>, _: Option<u32>) -> Reply<()> {
        Box::pin(async { Ok(()) })
    }
    fn upload(&self, _: std::path::PathBuf, _: &str, _: crate::ssh::CopyOptions) -> Reply<u64> {
        Box::pin(async { Ok(0) })
    }
    fn download(&self, _: &str, _: std::path::PathBuf, _: crate::ssh::CopyOptions) -> Reply<u64> {
        Box::pin(async { Ok(0) })
    }
    fn is_alive(&self) -> bool {
        true
    }
    fn close(&self) -> Reply<()> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn ten_thousand_servers_do_not_keep_ten_thousand_sessions() {
    let dir = tempfile::tempdir().unwrap();
    let counting = Counting::default();
    let room = Room::new(
        Config::at(dir.path()).unwrap(),
        RunOptions::default(),
        (Arc::new(Silent), Arc::new(Nobody)),
        (Arc::new(Redactor::new()), Cancel::new()),
        Arc::new(counting.clone()),
    );
    let work = |server: Server| {
        let room = room.clone();
        async move {
            let transport = room.transport(&server).await?;
            transport.exec(crate::ssh::Exec::new("uptime")).await?;
            Ok((Status::Ok, ()))
        }
    };
    let outcomes = map(&room, "x", servers(10_000), &policy(100), work, |_| {}).await;
    assert!(outcomes.iter().all(|o| o.status == Status::Ok) && outcomes.len() == 10_000);
    let most = counting.0.1.load(Ordering::SeqCst);
    assert!((100..=600).contains(&most), "{most} at once");
    room.close().await;
    assert_eq!(counting.0.0.load(Ordering::SeqCst), 0);
}

#[test]
fn batch_is_a_number_or_a_share() {
    assert_eq!("3".parse::<Batch>().unwrap().of(100), 3);
    assert_eq!("25%".parse::<Batch>().unwrap().of(10), 2);
    for bad in ["", "x", "-1", "101%", "%", "3.5", "10 %"] {
        assert!(bad.parse::<Batch>().is_err(), "{bad:?}");
    }
}
