//! Deployments on a real engine: a new version behind the proxy, the evidence of one that fails, the
//! way back, two at once, and what is remembered.

use serde_json::Value as Json;

use crate::support::apps::Apps;

#[test]
fn a_version_follows_another_and_goes_back() {
    let Some(apps) = Apps::start() else { return };
    let first: Json = serde_json::from_str(&apps.play(&["demo:1"]).ended(0).stdout).unwrap();
    assert_eq!(first["status"], "changed");
    assert_eq!(
        (apps.answer(80), apps.states()),
        ("one".into(), "running".into())
    );
    // Nothing differs, nothing happens.
    let before = apps.containers();
    let again: Json = serde_json::from_str(&apps.play(&["demo:1"]).ended(0).stdout).unwrap();
    assert_eq!(
        (&again["status"], apps.containers()),
        (&"ok".into(), before)
    );

    apps.play(&["demo:2"]).ended(0);
    assert_eq!(
        (apps.answer(80), apps.states()),
        ("two".into(), "exited running".into())
    );
    let back: Json = serde_json::from_str(&apps.play(&["back"]).ended(0).stdout).unwrap();
    assert_eq!(back["deploy"], first["deploy"]);
    assert_eq!(
        (apps.answer(80), apps.states()),
        ("one".into(), "exited running".into())
    );
    // Only one earlier version is kept.
    apps.play(&["demo:2"]).ended(0);
    apps.play(&["demo:1"]).ended(0);
    assert_eq!(
        (apps.answer(80), apps.states()),
        ("one".into(), "exited running".into())
    );

    // What cannot be pulled again is not removed with the version that ran it.
    apps.cell
        .shell("docker image inspect demo:1 demo:2 >/dev/null")
        .ended(0);

    let text = "for _, e in ipairs(server('root'):docker():deploys('shop')) do print(e.action, e.outcome, e.image) end";
    let told = apps.cell.mroom(&["eval", text]).ended(0).stdout;
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines,
        [
            "deploy\tok\tdemo:1",
            "deploy\tok\tdemo:2",
            "rollback\tok\tdemo:1",
            "deploy\tok\tdemo:2",
            "deploy\tok\tdemo:1",
        ]
    );
}

#[test]
fn what_fails_leaves_the_old_one_serving_and_tells_why() {
    let Some(apps) = Apps::start() else { return };
    apps.play(&["demo:1"]).ended(0);
    let before = apps.containers();
    for (image, evidence) in [
        ("demo:exits", "cannot open the database"),
        ("demo:deaf", "here I am"),
    ] {
        let failed = apps.play(&[image]).ended(3);
        assert!(failed.stderr.contains(evidence), "{failed:?}");
        assert!(failed.stderr.contains("is not well") || failed.stderr.contains("was not well"));
        assert_eq!(
            (apps.answer(80), apps.containers()),
            ("one".into(), before.clone())
        );
    }
    // It was well, and falls ill before the old one is gone: back it goes.
    let failed = apps.play(&["demo:falls", "-e", "health=1", "-e", "settle=2"]);
    let failed = failed.ended(3);
    assert!(failed.stderr.contains("health"), "{failed:?}");
    assert_eq!((apps.answer(80), apps.containers()), ("one".into(), before));
    // An image that is not there.
    let failed = apps.play(&["demo:none"]).ended(1);
    assert!(failed.stderr.contains("no image `demo:none`"), "{failed:?}");
}

#[test]
fn without_a_proxy_the_gap_is_told_and_measured() {
    let Some(apps) = Apps::bare() else { return };
    let refused = apps.play(&["demo:1"]).ended(1);
    assert!(
        refused.stderr.contains("mroom stage proxy root"),
        "{refused:?}"
    );
    apps.play(&["demo:1", "-e", "ports=1"]).ended(0);
    assert_eq!(apps.answer(8090), "one");
    let done = apps.play(&["demo:2", "-e", "ports=1"]).ended(0);
    assert!(
        done.stderr
            .contains("does not answer while its ports change hands"),
        "{done:?}"
    );
    let result: Json = serde_json::from_str(&done.stdout).unwrap();
    let gap = result["gap"].as_f64().unwrap();
    assert!(gap > 0.0 && gap < 30.0, "{gap}");
    assert_eq!(
        (apps.answer(8090), apps.states()),
        ("two".into(), "exited running".into())
    );
    // One that is broken is found out before anything stops.
    let before = apps.containers();
    let failed = apps.play(&["demo:deaf", "-e", "ports=1"]).ended(3);
    assert!(!failed.stderr.contains("change hands"), "{failed:?}");
    assert_eq!(
        (apps.answer(8090), apps.containers()),
        ("two".into(), before)
    );
    apps.play(&["back", "-e", "ports=1"]).ended(0);
    assert_eq!(
        (apps.answer(8090), apps.states()),
        ("one".into(), "exited running".into())
    );
}

#[test]
fn one_at_a_time_and_a_lock_left_behind_can_be_broken() {
    let Some(apps) = Apps::start() else { return };
    apps.play(&["demo:1"]).ended(0);
    apps.play(&["demo:2", "-e", "die=prove"]).ended(137);
    let refused = apps.play(&["demo:2", "dock"]).ended(1);
    assert!(refused.stderr.contains("`shop` is held by "), "{refused:?}");
    assert!(
        refused.stderr.contains("deploy of shop, for "),
        "{refused:?}"
    );
    assert!(refused.stderr.contains("unlock shop"), "{refused:?}");
    apps.unlock();
    apps.play(&["demo:2"]).ended(0);
    assert_eq!(apps.answer(80), "two");
}

#[test]
fn check_mode_changes_nothing() {
    let Some(apps) = Apps::start() else { return };
    let done = apps.play(&["demo:1", "--check"]).ended(0);
    assert!(done.stderr.contains("would run `docker create"), "{done:?}");
    assert!(apps.containers().is_empty());
    apps.cell
        .shell("! test -e /var/lib/machineroom/deploys")
        .ended(0);
}
