//! Tunnels that need a tunnel: which can stand on which, and what is said of those that cannot.
//!
//! | fault | of a server | by hand |
//! |---|---|---|
//! | one over SSH, in this process or isolated below | unreachable, 4 | 2 |
//! | it needs one that is not there | unreachable, 4 | 2 |
//! | tunnels that need each other | unreachable, 4 | 2 |
//! | the same over SSH | unreachable, 4 | 4 |

use crate::support::home::{Done, Home};

/// A made-up key.
const WG: &str = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";

/// A home with a tunnel of each sort, none of whose servers is there.
fn home() -> Home {
    let home = Home::new();
    let lab = format!(
        "#lab--WireGuard--192.0.2.2----{WG}--public_key={WG}--address=10.9.0.2/32--backend=userspace--timeout=2"
    );
    home.write(
        "ca.pem",
        "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
    );
    for (tunnel, server) in [
        ("#gate--SSH--192.0.2.1--anna--", "g"),
        (&lab, "l"),
        (
            "#own--OpenVPN--192.0.2.3--anna--pw--ca=ca.pem--isolate=true",
            "o",
        ),
        ("#vpn--OpenVPN--192.0.2.4--anna--pw--ca=ca.pem", "v"),
    ] {
        home.write("list", format!("{tunnel}\n{server}--10.1.0.1--root--x\n"));
        home.ok(&["import", "list"]);
    }
    home
}

fn says(done: &Done, texts: &[&str]) {
    for text in texts {
        let there = done.stderr.contains(text) || done.stdout.contains(text);
        assert!(there, "`{text}`: {done:?}");
    }
    assert!(!format!("{done:?}").contains(WG), "{done:?}");
}

#[test]
fn what_cannot_stand_on_another_is_refused_before_anything_comes_up() {
    let home = home();
    for (inner, server, outer, why) in [
        ("lab", "l", "gate", "which is one over SSH"),
        ("vpn", "v", "gate", "which is one over SSH"),
        ("vpn", "v", "lab", "which is made inside of mroom"),
        ("own", "o", "lab", "which is made inside of mroom"),
    ] {
        let set = home
            .run(&["tunnel", "set", inner, &format!("needs={outer}")])
            .ended(0);
        let text = format!("the tunnel `{inner}` cannot stand on `{outer}`, {why}");
        says(&set, &[&text]);
        let exec = home.run(&["exec", server, "--", "true"]).ended(4);
        says(&exec, &[&text, "unreachable 1", "--no-tunnel"]);
        let json = home.run(&["exec", "--json", server, "--", "true"]).ended(4);
        says(&json, &[r#""kind":"tunnel""#, r#""reason":"config""#]);
        says(&home.run(&["tunnel", "up", inner]).ended(2), &[&text]);
        let doctor = home.run(&["doctor", "tunnel", inner]);
        assert_ne!(doctor.code, 0, "{doctor:?}");
        says(&doctor, &[&text]);
        home.ok(&["tunnel", "set", inner, "needs="]);
    }
}

#[test]
fn what_is_not_there_and_circles() {
    let home = home();
    home.ok(&["tunnel", "set", "lab", "needs=it's$"]);
    let exec = home.run(&["exec", "l", "--", "true"]).ended(4);
    let hint = r"`mroom tunnel add 'it'\''s$' TYPE SERVER` makes it";
    says(&exec, &["there is no such profile", hint]);
    says(&home.run(&["tunnel", "up", "lab"]).ended(2), &[hint]);
    says(&home.run(&["tunnel", "up", "it's$"]).ended(2), &[hint]);

    home.ok(&["tunnel", "set", "lab", "needs=vpn"]);
    home.ok(&["tunnel", "set", "vpn", "needs=lab"]);
    let circle = "tunnels that need each other: ";
    let exec = home.run(&["exec", "l,v", "--", "true"]).ended(4);
    says(
        &exec,
        &[circle, "needs=` breaks the circle", "unreachable 2"],
    );
    says(&home.run(&["tunnel", "up", "vpn"]).ended(2), &[circle]);
    home.ok(&["tunnel", "set", "lab", "needs=lab"]);
    says(&home.run(&["exec", "l", "--", "true"]).ended(4), &[circle]);

    home.ok(&["tunnel", "set", "gate", "needs=gate"]);
    says(&home.run(&["exec", "g", "--", "true"]).ended(4), &[circle]);
    says(&home.run(&["tunnel", "socks", "gate"]).ended(4), &[circle]);
}
