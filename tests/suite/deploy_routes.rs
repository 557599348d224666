//! Apps behind a route with TLS and behind a plain TCP port of the proxy: no answer fails while versions
//! change, and what is wrong with a certificate or a port is told before anything is reloaded.

use super::deploy_load::{none_failed, under_load};
use crate::support::apps::Apps;
use crate::support::home::Done;

/// `-e` and these: an app behind TLS, and one that has a port of its own.
const TLS: &str = r#"proxy={"listen":443,"hosts":["shop.test"],"cert":"/etc/ssl/shop.pem"}"#;
const TCP: &str = r#"proxy={"listen":7000,"mode":"tcp"}"#;

/// `made NAME OPTIONS...` makes /etc/ssl/NAME.pem, the certificate of `shop.test` and its key, and
/// NAME.crt and NAME.key beside it.
const MADE: &str = r#"
made() {
    name=/etc/ssl/$1
    shift
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" -out "$name.crt" \
        -subj /CN=shop.test -addext subjectAltName=DNS:shop.test "$@" 2>/dev/null
    cat "$name.crt" "$name.key" >"$name.pem"
}
"#;

/// Four clients that believe only that certificate, until /tmp/enough is there: HTTP/1.1 and HTTP/2, each
/// with a connection for each question and with one for many. They print the bodies, and a line for each
/// question: how curl ended, the code, the version of HTTP, and how many connections it took.
const CLIENTS: &str = r#"
cd /tmp
ask() {
    curl -s -m 20 --cacert /etc/ssl/shop.crt --resolve shop.test:443:127.0.0.1 \
        -w '%{exitcode} %{http_code} %{http_version} %{num_connects}\n' "$@"
}
for version in 1.1 2; do
    (while [ ! -e enough ]; do ask --http$version https://shop.test/version; sleep 0.02; done >fresh$version || :) &
    (while [ ! -e enough ]; do ask --http$version --rate 50/s 'https://shop.test/version?[1-100]'; done >kept$version || :) &
done
wait
cat fresh* kept*
"#;

fn apps_with_certificate(apps: Option<Apps>) -> Option<Apps> {
    let apps = apps?;
    let text = format!("{MADE}made shop -days 2");
    apps.cell.shell(&text).ended(0);
    Some(apps)
}

/// What answers behind TLS, for somebody who believes that certificate.
fn secured(apps: &Apps) -> String {
    let ask = "curl -sS -m 5 --cacert /etc/ssl/shop.crt --resolve shop.test:443:127.0.0.1 https://shop.test/version";
    let done = apps.cell.shell(ask).ended(0);
    done.stdout.trim().to_owned()
}

fn none_failed_behind_tls(apps: &Apps) {
    let play = |image, code| apps.play(&[image, "-e", TLS]).ended(code);
    play("demo:1", 0);
    let said = std::thread::scope(|scope| {
        let clients = scope.spawn(|| apps.cell.shell(CLIENTS));
        play("demo:2", 0);
        assert_eq!(secured(apps), "two");
        play("demo:exits", 3);
        with_cert(apps, "demo:1", "/etc/ssl/nowhere.pem").ended(1);
        play("back", 0);
        assert_eq!(secured(apps), "one");
        apps.cell.shell("sleep 1; touch /tmp/enough").ended(0);
        clients.join().unwrap().ended(0).stdout
    });
    let count = |fits: &dyn Fn(&str) -> bool| said.lines().filter(|line| fits(line)).count();
    let bad = |line: &str| line != "one" && line != "two" && !line.starts_with("0 200 ");
    let (one, two) = (count(&|line| line == "one"), count(&|line| line == "two"));
    let (h1, h2) = (
        count(&|line| line.contains(" 1.1 ")),
        count(&|line| line.contains(" 2 ")),
    );
    let kept = count(&|line| line.starts_with("0 200 ") && line.ends_with(" 0"));
    println!("answers one={one} two={two} http1={h1} http2={h2} kept={kept}");
    let wrong: Vec<&str> = said.lines().filter(|line| bad(line)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(one + two, h1 + h2);
    for number in [one, two, h1, h2, kept] {
        assert!(number > 50, "{said}");
    }
}

#[test]
fn no_answer_fails_behind_tls() {
    let Some(apps) = apps_with_certificate(Apps::start()) else {
        return;
    };
    none_failed_behind_tls(&apps);
}

#[test]
fn nor_when_the_proxy_is_a_container() {
    let Some(apps) = apps_with_certificate(Apps::contained()) else {
        return;
    };
    none_failed_behind_tls(&apps);
    apps.cell.shell("echo junk >/etc/ssl/new.pem").ended(0);
    let failed = with_cert(&apps, "demo:2", "/etc/ssl/new.pem").ended(1);
    assert!(failed.stderr.contains("`/etc/ssl/new.pem`"), "{failed:?}");
    assert_eq!(secured(&apps), "one");
}

#[test]
fn no_answer_fails_on_a_tcp_port() {
    let Some(apps) = Apps::start() else { return };
    none_failed(&under_load(&apps, 7000, &["-e", TCP]));
}

/// Images that talk: they say each line again with their version before it.
const TALK: &str = r#"
cd /tmp/image
printf '#!/bin/sh\nwhile read -r line; do echo "$(cat /www/version) $line"; done\n' >bin/talk
chmod 755 bin/talk
for version in one two; do
    echo $version >www/version
    tar -c . | docker import -c 'CMD ["/bin/nc","-ll","-p","8080","-e","/bin/talk"]' - talk:$version >/dev/null
done
"#;

/// A talk that goes on until others are led to the new version, and five words longer.
const TALKS: &str = r#"
(
    until [ "$(echo x | busybox nc 127.0.0.1 7000)" = 'two x' ]; do echo before; sleep 0.1; done
    for i in 1 2 3 4 5; do echo after; sleep 0.1; done
) | busybox nc 127.0.0.1 7000
"#;

#[test]
fn who_talks_with_the_old_version_may_end_it() {
    let Some(apps) = apps_with_certificate(Apps::start()) else {
        return;
    };
    apps.cell.shell(TALK).ended(0);
    let play = |image, code| apps.play(&[image, "-e", TCP, "-e", "talks=1"]).ended(code);
    play("talk:one", 0);
    let said = std::thread::scope(|scope| {
        let talk = scope.spawn(|| apps.cell.shell(TALKS));
        play("talk:two", 0);
        talk.join().unwrap().ended(0).stdout
    });
    let count = |wanted: &str| said.lines().filter(|line| *line == wanted).count();
    assert!(count("one before") > 0, "{said}");
    assert_eq!(count("one after"), 5, "{said}");
    assert_eq!(count("one before") + 5, said.lines().count(), "{said}");
    // HTTP is nothing that it could be proven by.
    play("demo:exits", 3);
    let asked = "echo x | busybox nc 127.0.0.1 7000";
    assert_eq!(apps.cell.shell(asked).ended(0).stdout, "two x\n");
    play("back", 0);
    assert_eq!(apps.cell.shell(asked).ended(0).stdout, "one x\n");
    // With TLS before it.
    let proxy = r#"proxy={"listen":7001,"mode":"tcp","cert":"/etc/ssl/shop.pem"}"#;
    apps.play(&["talk:two", "-e", proxy, "-e", "talks=1"])
        .ended(0);
    let asked = "(echo x; sleep 1) | openssl s_client -quiet -no_ign_eof -verify_return_error -verify_hostname shop.test \
                 -CAfile /etc/ssl/shop.crt -connect 127.0.0.1:7001 2>/dev/null";
    assert_eq!(apps.cell.shell(asked).ended(0).stdout, "two x\n");
}

fn with_cert(apps: &Apps, image: &str, cert: &str) -> Done {
    let proxy = format!(r#"proxy={{"listen":443,"hosts":["shop.test"],"cert":"{cert}"}}"#);
    apps.play(&[image, "-e", &proxy])
}

/// What must stay as it is: the configuration, the processes of the proxy, the containers.
fn state(apps: &Apps) -> String {
    let text = "cat /etc/haproxy/haproxy.cfg; pidof haproxy";
    let done = apps.cell.shell(text).ended(0);
    format!("{}{:?}", done.stdout, apps.containers())
}

#[test]
fn a_bad_certificate_is_named_before_anything_changes() {
    let Some(apps) = apps_with_certificate(Apps::start()) else {
        return;
    };
    // Not even the first deployment leaves anything.
    let failed = with_cert(&apps, "demo:1", "/etc/ssl/nowhere.pem").ended(1);
    assert!(
        failed.stderr.contains("HAProxy refuses the configuration")
            && failed.stderr.contains("`/etc/ssl/nowhere.pem`"),
        "{failed:?}"
    );
    assert!(apps.containers().is_empty());
    apps.play(&["demo:1", "-e", TLS]).ended(0);
    let before = state(&apps);
    for (break_it, words) in [
        ("rm -f new.pem", "`/etc/ssl/new.pem` : No such file"),
        ("echo junk >new.pem", "`/etc/ssl/new.pem`: no start line"),
        (
            "cp shop.crt new.pem",
            "No Private Key found in `/etc/ssl/new.pem.key`",
        ),
        (
            "made other -days 2; cat shop.crt other.key >new.pem",
            "inconsistencies between private key and certificate loaded `/etc/ssl/new.pem`",
        ),
        ("cp shop.key new.pem", "`/etc/ssl/new.pem`: no start line"),
        (
            "made new -not_before 20200101000000Z -not_after 20210102030405Z",
            "the certificate `/etc/ssl/new.pem` is over since Jan 2 03:04:05 2021 GMT",
        ),
    ] {
        let text = format!("{MADE}cd /etc/ssl\n{break_it}");
        apps.cell.shell(&text).ended(0);
        let failed = with_cert(&apps, "demo:2", "/etc/ssl/new.pem").ended(1);
        assert!(failed.stderr.contains(words), "{failed:?}");
        assert!(!failed.stderr.contains("leads back"), "{failed:?}");
        assert_eq!(
            (secured(&apps), state(&apps)),
            ("one".into(), before.clone())
        );
    }
    // The one that serves is gone from its place: the proxy goes on with what it has read.
    apps.cell.shell("mv /etc/ssl/shop.pem /tmp").ended(0);
    let failed = apps.play(&["demo:2", "-e", TLS]).ended(1);
    assert!(failed.stderr.contains("`/etc/ssl/shop.pem`"), "{failed:?}");
    assert_eq!((secured(&apps), state(&apps)), ("one".into(), before));
    // A new one in its place is read with the next version.
    let text = format!("{MADE}made shop -days 3");
    apps.cell.shell(&text).ended(0);
    apps.play(&["demo:2", "-e", TLS]).ended(0);
    assert_eq!(secured(&apps), "two");
    // That it is over by now keeps nobody from the version before.
    let text = format!("{MADE}made shop -not_before 20200101000000Z -not_after 20210102030405Z");
    apps.cell.shell(&text).ended(0);
    let done = apps.play(&["back", "-e", TLS]).ended(0);
    assert!(done.stderr.contains("is over since"), "{done:?}");
}

#[test]
fn a_port_that_somebody_has_is_told_before_anything_changes() {
    let Some(apps) = Apps::start() else { return };
    apps.play(&["demo:1"]).ended(0);
    let before = state(&apps);
    // sshd has it. A reload would take the ports of all apps for seconds before it fails.
    for proxy in [
        r#"proxy={"listen":22,"mode":"tcp"}"#,
        r#"proxy={"listen":22}"#,
    ] {
        let failed = apps.play(&["demo:2", "-e", proxy]).ended(1);
        assert!(
            failed.stderr.contains("port 22 is taken") && failed.stderr.contains("ss -ltnp"),
            "{failed:?}"
        );
        assert_eq!(
            (apps.answer(80), state(&apps)),
            ("one".into(), before.clone())
        );
    }
    // Nor does it start without its port; what it says itself is told.
    let thief = "kill $(cat /run/haproxy-mroom.pid); while pidof haproxy >/dev/null; do sleep 0.1; done\n\
                 busybox httpd -f -p 80 -h /tmp </dev/null >/dev/null 2>&1 &\necho $! >/tmp/thief";
    apps.cell.shell(thief).ended(0);
    let failed = apps.cell.mroom(&["stage", "proxy", "root"]).ended(3);
    let words = "HAProxy does not start: Binding [/etc/haproxy/haproxy.cfg:";
    assert!(
        failed.stderr.contains(words) && failed.stderr.contains("port_80"),
        "{failed:?}"
    );
    apps.cell.shell("kill $(cat /tmp/thief)").ended(0);
    apps.cell.mroom(&["stage", "proxy", "root"]).ended(0);
    assert_eq!(apps.answer(80), "one");
    // From one port to another, and back.
    apps.play(&["demo:2", "-e", r#"proxy={"listen":81}"#])
        .ended(0);
    assert_eq!(
        (apps.answer(81), apps.answer(80)),
        ("two".into(), "-".into())
    );
    apps.play(&["demo:1"]).ended(0);
    assert_eq!(
        (apps.answer(80), apps.answer(81)),
        ("one".into(), "-".into())
    );
}
