//! Profiles that were changed while their tunnel was up, tunnels that are kept in the way of others, and those
//! that their gateway has forgotten.

use super::*;

fn elsewhere(name: &str) -> Tunnel {
    let mut profile = profile(name);
    profile.server = "198.51.100.8".into();
    profile
}

#[test]
fn what_nobody_uses_is_brought_up_anew() {
    for keep in [true, false] {
        let yard = Yard::new();
        let old = yard.die("office", keep);
        let keeper = yard.keeper_of(elsewhere("office"));
        let (line, hold) = keeper.acquire(&web(), "web", false).unwrap();
        assert!(yard.told.has("`office` was changed since it came up"));
        assert_eq!(
            (yard.fake.count("fake up"), yard.fake.count("fake down")),
            (2, 1)
        );
        assert_ne!(line.record.mark, old.mark);
        assert_eq!(line.record.gateway.ip().to_string(), "198.51.100.8");
        keeper.release(hold);
        assert_eq!(yard.record("office").is_some(), keep, "kept as before");
    }
}

#[test]
fn what_somebody_uses_is_left_to_them() {
    let yard = Yard::new();
    yard.die("office", true);
    let folder = Folder::of(yard.folder.path(), "office");
    let other = folder.path().join("holders/1-0");
    std::fs::write(&other, r#"{"pid":1,"what":"db"}"#).unwrap();
    let file = std::fs::File::open(&other).unwrap();
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let changed = yard.keeper_of(elsewhere("office"));
    let error = changed.acquire(&web(), "web", false).err().unwrap();
    assert_eq!(error.reason_word(), Some("conflict"), "{error}");
    assert!(
        error.message().contains("in use as it was: 1 (db)"),
        "{error}"
    );
    assert!(
        error
            .hint_text()
            .unwrap()
            .contains("tunnel down office --force")
    );
    assert_eq!(yard.fake.count("fake down"), 0);
    // Who has the profile as it was shares it.
    let keeper = yard.keeper("office");
    let (_, hold) = keeper.acquire(&web(), "web", false).unwrap();
    keeper.release(hold);
    assert_eq!(yard.fake.count("fake up"), 1);
    drop(file);
    let (_, hold) = changed.acquire(&web(), "web", false).unwrap();
    changed.release(hold);
    assert_eq!(yard.fake.count("fake up"), 2);
}

#[test]
fn a_password_is_no_reason_and_an_old_record_none() {
    let yard = Yard::new();
    yard.die("office", true);
    let mut profile = profile("office");
    profile.password = crate::secret::Secret::new("another");
    let keeper = yard.keeper_of(profile);
    let (line, hold) = keeper.acquire(&web(), "web", false).unwrap();
    keeper.release(hold);
    // Written by a version that did not know of marks.
    let folder = Folder::of(yard.folder.path(), "office");
    let lock = folder.lock(&|| false).unwrap();
    let mut record = line.record;
    record.mark = None;
    folder.write(&record, &lock).unwrap();
    drop(lock);
    let keeper = yard.keeper_of(elsewhere("office"));
    let (_, hold) = keeper.acquire(&web(), "web", false).unwrap();
    keeper.release(hold);
    assert_eq!(yard.fake.count("fake up"), 1);
}

#[test]
fn nobody_waits_for_one_that_is_kept() {
    let yard = Yard::new();
    yard.die("office", true);
    let mut serial = tools(yard.folder.path(), &yard.fake, &yard.told);
    serial.serial = true;
    let lab = Keeper::new(Arc::new(serial), profile("lab"), Arc::default());
    let error = lab.acquire(&web(), "web", false).err().unwrap();
    assert_eq!(error.reason_word(), Some("conflict"), "{error}");
    let hint = error.hint_text().unwrap();
    assert!(
        hint.contains("is kept: `mroom tunnel down office` ends it"),
        "{hint}"
    );
}

fn in_an_hour() -> SystemTime {
    SystemTime::now() + Duration::from_secs(3600)
}

#[test]
fn what_was_left_up_and_leads_nowhere_is_brought_up_anew() {
    let yard = Yard::new();
    let mut probed = profile("office");
    // No connection goes to a broadcast address.
    probed.set("probe", "127.255.255.255:9").unwrap();
    let keep = |keeper: &Keeper| drop(keeper.acquire(&web(), "web", true).unwrap().1);
    keep(&yard.keeper_of(probed.clone()));
    let ups = || yard.fake.count("fake up");
    keep(&yard.keeper_of(probed.clone()));
    assert_eq!(ups(), 1, "it has just come up");
    let later = |profile: Tunnel| {
        let mut tools = tools(yard.folder.path(), &yard.fake, &yard.told);
        tools.wall = in_an_hour;
        Keeper::new(Arc::new(tools), profile, Arc::default())
    };
    keep(&later(probed.clone()));
    assert_eq!((ups(), yard.fake.count("fake down")), (2, 1));
    assert!(
        yard.told
            .has("nothing behind it answers: it is brought up anew")
    );
    // Nobody listens there, and that is an answer.
    probed.set("probe", "127.0.0.1:1").unwrap();
    keep(&yard.keeper_of(probed.clone()));
    let after = ups();
    keep(&later(probed));
    assert_eq!(ups(), after);
    assert!(yard.record("office").unwrap().keep);
}
