//! The life of one tunnel on a machine that is not there, with several "processes" at once: keepers that
//! share nothing but the folder.

mod changed;
mod slept;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::tunnel::testing::{Fake, Told, profile, tools};

struct Yard {
    folder: tempfile::TempDir,
    fake: Fake,
    told: Arc<Told>,
}

impl Yard {
    fn new() -> Self {
        Yard {
            folder: tempfile::tempdir().unwrap(),
            fake: Fake::default(),
            told: Arc::default(),
        }
    }

    fn keeper(&self, name: &str) -> Keeper {
        self.keeper_of(profile(name))
    }

    fn keeper_of(&self, profile: Tunnel) -> Keeper {
        let tools = tools(self.folder.path(), &self.fake, &self.told);
        Keeper::new(Arc::new(tools), profile, Arc::default())
    }

    fn record(&self, name: &str) -> Option<Record> {
        Folder::of(self.folder.path(), name).record()
    }

    /// A process that died with the tunnel up.
    fn die(&self, name: &str, keep: bool) -> Record {
        let (line, hold) = self.keeper(name).acquire(&web(), "web", keep).unwrap();
        // The kernel frees the lock; the file stays.
        drop(hold);
        line.record
    }
}

fn web() -> Vec<(String, u16)> {
    vec![("10.9.9.9".to_owned(), 9)]
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn up_shared_and_down_with_the_last() {
    let yard = Yard::new();
    let (one, two) = (yard.keeper("office"), yard.keeper("office"));
    let (line, first) = one.acquire(&web(), "web", false).unwrap();
    assert_eq!(line.record.interface.as_deref(), Some(&*line.record.label));
    assert_eq!(yard.fake.world().routes["10.9.9.9/32"], line.record.label);
    let (_, second) = two
        .acquire(&[("10.9.9.10".into(), 9)], "db", false)
        .unwrap();
    assert_eq!(yard.fake.count("fake up"), 1, "the second finds it up");
    assert_eq!(yard.fake.world().routes.len(), 2, "and adds its server");
    assert_eq!(yard.record("office").unwrap().ranges.len(), 2);
    one.release(first);
    assert_eq!(yard.fake.world().up.len(), 1, "the other works on");
    two.release(second);
    assert!(yard.fake.world().up.is_empty() && yard.fake.world().routes.is_empty());
    assert_eq!(yard.record("office"), None);
    assert!(is_empty(
        &Folder::of(yard.folder.path(), "office")
            .path()
            .join("holders")
    ));
}

#[test]
fn what_a_dead_process_left_is_taken_over_or_taken_down() {
    let yard = Yard::new();
    yard.die("office", false);
    let keeper = yard.keeper("office");
    let (_, hold) = keeper.acquire(&web(), "web", false).unwrap();
    assert_eq!(
        yard.fake.count("fake up"),
        1,
        "it was still up, and is used"
    );
    keeper.release(hold);
    assert!(yard.fake.world().up.is_empty());

    // Not up any more, but half of it there.
    yard.die("office", false);
    yard.fake.world().up.clear();
    let (_, hold) = keeper.acquire(&web(), "web", false).unwrap();
    assert_eq!(yard.fake.count("fake up"), 3);
    keeper.release(hold);

    // Another tunnel's command sweeps.
    let left = yard.die("office", false);
    let other = yard.keeper("lab");
    let (_, hold) = other
        .acquire(&[("10.1.1.1".into(), 9)], "web", false)
        .unwrap();
    assert!(!yard.fake.world().up.contains(&left.label));
    assert!(yard.told.has("left by a process that has ended"));
    other.release(hold);
}

#[test]
fn one_that_is_kept_stays() {
    let yard = Yard::new();
    let record = yard.die("office", true);
    let keeper = yard.keeper("office");
    let (_, hold) = keeper.acquire(&web(), "web", false).unwrap();
    keeper.release(hold);
    let lab = yard.keeper("lab");
    let (_, hold) = lab
        .acquire(&[("10.1.1.1".into(), 9)], "web", false)
        .unwrap();
    lab.release(hold);
    assert!(
        yard.fake.world().up.contains(&record.label),
        "neither use nor a sweep ends it"
    );
    assert!(yard.record("office").is_some_and(|r| r.keep));
}

#[test]
fn what_fails_is_taken_down_and_named() {
    for (fails, says, reason, text) in [
        (
            Some((1, "no proposal chosen")),
            None,
            "proposal",
            "the gateway takes none of the proposals",
        ),
        (
            Some((1, "a\nlast words\u{7}\n")),
            None,
            "config",
            "`fake` failed: last words",
        ),
        (
            None,
            Some("refused"),
            "auth",
            "the gateway refused the password",
        ),
        (
            None,
            Some("coming"),
            "timeout",
            "did not come up within 2 s",
        ),
    ] {
        let yard = Yard::new();
        {
            let mut world = yard.fake.world();
            world.fails = fails.map(|(code, text)| (code, text.to_owned()));
            world.says = says.map(str::to_owned);
        }
        let error = yard
            .keeper("office")
            .acquire(&web(), "web", false)
            .err()
            .unwrap();
        assert_eq!(
            (error.kind(), error.reason_word()),
            (Kind::Tunnel, Some(reason)),
            "{error}"
        );
        assert!(
            error.message().starts_with("the tunnel `office` "),
            "{error}"
        );
        assert!(error.message().contains(text), "{error}");
        assert!(yard.fake.world().up.is_empty() && yard.fake.count("fake down") == 1);
        assert_eq!(yard.record("office"), None);
        assert!(
            Folder::of(yard.folder.path(), "office")
                .holders(None)
                .is_empty()
        );
    }
}

#[test]
fn given_up_while_it_comes_up() {
    let yard = Yard::new();
    yard.fake.world().slow = Duration::from_secs(60);
    let talk = Arc::<Talk>::default();
    let tools = Arc::new(tools(yard.folder.path(), &yard.fake, &yard.told));
    let keeper = Keeper::new(tools, profile("office"), talk.clone());
    let went = std::thread::spawn(move || keeper.acquire(&web(), "web", false).err().unwrap());
    while yard.fake.count("fake up") == 0 {
        std::thread::sleep(Duration::from_millis(2));
    }
    talk.end();
    assert_eq!(went.join().unwrap().kind(), Kind::Cancelled);
    assert_eq!(
        yard.fake.count("fake down"),
        1,
        "what had begun is taken down"
    );
    assert_eq!(yard.record("office"), None);
}

#[test]
fn routes_that_lead_elsewhere_are_no_tunnel() {
    let yard = Yard::new();
    yard.fake
        .world()
        .routes
        .insert("10.9.9.9/32".into(), "eth1".into());
    let error = yard
        .keeper("office")
        .acquire(&web(), "web", false)
        .err()
        .unwrap();
    assert_eq!(error.reason_word(), Some("routes"), "{error}");
    assert!(
        error.message().contains("10.9.9.9 goes through `eth1`"),
        "{error}"
    );
    assert!(yard.fake.world().up.is_empty());
}

#[test]
fn without_root_nothing_is_done() {
    let yard = Yard::new();
    yard.fake.world().no_root = true;
    let error = yard
        .keeper("office")
        .acquire(&web(), "web", false)
        .err()
        .unwrap();
    assert_eq!(error.reason_word(), Some("rights"));
    assert!(yard.fake.world().ran.is_empty());
    assert_eq!(yard.record("office"), None);
}

#[test]
fn two_to_the_same_place_are_in_conflict() {
    let yard = Yard::new();
    let one = yard.keeper("office");
    let (_, hold) = one.acquire(&web(), "web", false).unwrap();
    let error = yard
        .keeper("lab")
        .acquire(&web(), "web", false)
        .err()
        .unwrap();
    assert_eq!(error.reason_word(), Some("conflict"));
    assert!(
        error
            .message()
            .contains("the tunnel `office`: both lead to 10.9.9.9"),
        "{error}"
    );
    assert!(error.hint_text().unwrap().contains("isolate=true"));
    assert_eq!(yard.fake.count("fake up"), 1);

    // With `serial` it waits for the other's end.
    let mut serial = tools(yard.folder.path(), &yard.fake, &yard.told);
    serial.serial = true;
    let lab = Keeper::new(Arc::new(serial), profile("lab"), Arc::default());
    let waits = std::thread::spawn(move || {
        let (_, hold) = lab.acquire(&web(), "web", false).unwrap();
        lab.release(hold);
    });
    while !yard.told.has("it waits") {
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(yard.fake.count("fake up"), 1);
    one.release(hold);
    waits.join().unwrap();
    assert_eq!(yard.fake.count("fake up"), 2);
    assert!(yard.fake.world().up.is_empty());
}

#[test]
fn one_that_is_up_already_is_used_and_left() {
    let yard = Yard::new();
    {
        let mut world = yard.fake.world();
        world.foreign = Some("tun7".into());
        world.routes.insert("10.0.0.0/8".into(), "tun7".into());
    }
    let keeper = yard.keeper("office");
    let (line, hold) = keeper.acquire(&web(), "web", false).unwrap();
    assert!(line.record.foreign);
    keeper.release(hold);
    assert_eq!(
        (yard.fake.count("fake up"), yard.fake.count("fake down")),
        (0, 0)
    );
    assert_eq!(
        yard.fake.count("ip -force"),
        0,
        "its routes lead there already"
    );

    // A route of ours on it goes again, and nothing else.
    yard.fake.world().routes.clear();
    let (_, hold) = keeper.acquire(&web(), "web", false).unwrap();
    assert_eq!(yard.fake.world().routes["10.9.9.9/32"], "tun7");
    keeper.release(hold);
    assert!(yard.fake.world().routes.is_empty());
    assert_eq!(
        (yard.fake.count("fake up"), yard.fake.count("fake down")),
        (0, 0)
    );
    assert_eq!(yard.record("office"), None);
}

#[test]
fn a_server_that_cannot_be_behind_it_is_left_out() {
    let yard = Yard::new();
    let keeper = yard.keeper("office");
    let mut ends = web();
    ends.extend([
        ("198.51.100.7".to_owned(), 22),
        ("127.0.0.1".to_owned(), 22),
    ]);
    let (line, hold) = keeper.acquire(&ends, "web", false).unwrap();
    assert_eq!(line.record.ranges.len(), 1);
    assert!(
        yard.told
            .has("Warning the tunnel `office` is not the way to 198.51.100.7")
    );
    keeper.release(hold);
    let mut greedy = profile("office");
    greedy.set("routes", "198.51.100.0/24").unwrap();
    let error = yard
        .keeper_of(greedy)
        .acquire(&web(), "web", false)
        .err()
        .unwrap();
    assert!(
        error
            .message()
            .contains("its own server 198.51.100.7 is in it"),
        "{error}"
    );
}

#[test]
fn what_is_told_of_them() {
    use super::status::{Condition, Down, down, list};
    let yard = Yard::new();
    let tools = tools(yard.folder.path(), &yard.fake, &yard.told);
    assert_eq!(down(&tools, "office", false).unwrap(), Down::None);
    yard.die("kept", true);
    let keeper = yard.keeper("office");
    let (_, hold) = keeper
        .acquire(&[("10.1.1.1".into(), 9)], "web", false)
        .unwrap();
    let conditions = || {
        let mut all = list(yard.folder.path());
        for status in &mut all {
            status.ask(&tools, &profile(&status.record.name.clone()));
        }
        all.iter()
            .map(|s| format!("{} {}", s.record.name, s.condition.as_str()))
            .collect::<Vec<_>>()
    };
    assert_eq!(conditions(), ["kept up", "office up"]);
    yard.fake.world().up.clear();
    assert_eq!(conditions(), ["kept lost", "office coming"]);
    let in_use = down(&tools, "office", false).unwrap();
    assert!(
        matches!(&in_use, Down::InUse(h) if h.len() == 1 && h[0].what == "web"),
        "{in_use:?}"
    );
    drop(hold);
    assert_eq!(conditions(), ["kept lost", "office left"]);
    assert_eq!(list(yard.folder.path())[1].condition, Condition::Left);
    assert_eq!(down(&tools, "kept", false).unwrap(), Down::Down);
    assert_eq!(down(&tools, "office", true).unwrap(), Down::Down);
    assert!(list(yard.folder.path()).is_empty());
}
