//! A deployment that breaks off at each of its steps: what serves goes on, and the next run brings
//! the new version up and leaves nothing behind.

use crate::support::apps::Apps;

/// The steps of a deployment behind a proxy, in their order.
const STEPS: [&str; 10] = [
    "recover", "pull", "create", "start", "prove", "switch", "promote", "drain", "stop", "prune",
];

/// Removes the app as if it had never been.
fn begin(apps: &Apps, more: &[&str]) {
    let clean = "docker ps -aq --filter label=machineroom.app | xargs -r docker rm -f >/dev/null\n\
        rm -f /var/lib/machineroom/proxy/shop.json";
    apps.cell.shell(clean).ended(0);
    apps.unlock();
    apps.play(&[&["demo:1"], more].concat()).ended(0);
}

fn ends_well(apps: &Apps, port: u16, more: &[&str], what: &str) {
    apps.unlock();
    apps.play(&[&["demo:2"], more].concat()).ended(0);
    let is = (apps.answer(port), apps.states());
    assert_eq!(
        is,
        ("two".into(), "exited running".into()),
        "{what}: {:?}",
        apps.containers()
    );
    assert!(!apps.containers().concat().contains("-next"), "{what}");
}

#[test]
fn killed_before_each_step() {
    let Some(apps) = Apps::start() else { return };
    for step in STEPS {
        begin(&apps, &[]);
        let die = format!("die={step}");
        apps.play(&["demo:2", "-e", &die]).ended(137);
        let between = apps.answer(80);
        assert!(between == "one" || between == "two", "{step}: {between}");
        ends_well(&apps, 80, &[], step);
    }
}

#[test]
fn cut_off_in_the_middle_of_each_step() {
    let Some(apps) = Apps::start() else { return };
    let mut lost = 0;
    for step in STEPS {
        begin(&apps, &[]);
        let cut = format!("cut={step}");
        // Some steps are over before the session is: that is a deployment that ends well.
        let done = apps.play(&["demo:2", "-e", &cut]);
        lost += usize::from(!done.stderr.is_empty());
        let between = apps.answer(80);
        assert!(
            between == "one" || between == "two",
            "{step}: {between} {done:?}"
        );
        ends_well(&apps, 80, &[], step);
    }
    assert!(lost > 0, "no session was ever cut");
}

#[test]
fn killed_and_cut_while_ports_change_hands() {
    let Some(apps) = Apps::bare() else { return };
    let ports = ["-e", "ports=1"];
    for way in [
        "die=rehearse",
        "die=create",
        "die=prove",
        "die=prune",
        "cut=prove",
        "cut=rehearse",
    ] {
        begin(&apps, &ports);
        apps.play(&["demo:2", "-e", way, "-e", "ports=1"]);
        ends_well(&apps, 8090, &ports, way);
    }
}
