//! The words of calls about containers.

use super::*;
use crate::docker::Text as Told;
use crate::secret::Secret;

fn map(pairs: &[(&str, Arg)]) -> Given {
    let own = |(key, arg): &(&str, Arg)| ((*key).to_owned(), arg.clone());
    pairs.iter().map(own).collect()
}

fn t(text: &str) -> Arg {
    Arg::Text(text.to_owned())
}

fn list(words: &[&str]) -> Arg {
    Arg::List(words.iter().map(|w| t(w)).collect())
}

fn shown(pairs: &[(&str, Arg)]) -> String {
    run("run", &map(pairs)).unwrap().call.shown()
}

#[test]
fn a_container_is_made() {
    for (given, told) in [
        (vec![("image", t("demo:1"))], "docker run --detach demo:1"),
        (
            vec![
                ("image", t("nginx:1.27")),
                ("name", t("edge")),
                ("ports", list(&["80:80", "443:443"])),
                ("env", Arg::Map(map(&[("MODE", t("a b"))]))),
                ("labels", Arg::Map(map(&[("machineroom.app", t("edge"))]))),
                ("restart", t("unless-stopped")),
                ("command", list(&["nginx", "-g", "daemon off;"])),
            ],
            "docker run --detach --name=edge --publish=80:80 --publish=443:443 \
             --label=machineroom.app=edge --restart=unless-stopped '--env=MODE=a b' nginx:1.27 nginx -g \
             'daemon off;'",
        ),
        (
            vec![
                ("image", t("demo:1")),
                ("detach", Arg::Flag(false)),
                ("rm", Arg::Flag(true)),
                ("command", t("echo $HOME")),
                ("entrypoint", list(&["/init", "-v"])),
                ("memory", t("64m")),
                ("cpus", Arg::Number(0.5)),
                ("pull", t("never")),
                ("extra", list(&["--shm-size=1g"])),
            ],
            "docker run --memory=64m --cpus=0.5 --rm --pull=never --entrypoint=/init --shm-size=1g demo:1 \
             -v sh -c 'echo $HOME'",
        ),
        (
            vec![
                ("image", t("demo:1")),
                (
                    "health",
                    Arg::Map(map(&[
                        ("command", list(&["wget", "-q", "http://127.0.0.1/"])),
                        ("interval", Arg::Number(0.5)),
                        ("retries", Arg::Number(3.0)),
                    ])),
                ),
                (
                    "log",
                    Arg::Map(map(&[
                        ("driver", t("json-file")),
                        ("options", Arg::Map(map(&[("max-size", t("10m"))]))),
                    ])),
                ),
            ],
            "docker run --detach '--health-cmd=wget -q http://127.0.0.1/' --health-interval=0.5s \
             --health-retries=3 --log-driver=json-file --log-opt=max-size=10m demo:1",
        ),
    ] {
        assert_eq!(shown(&given), told);
    }
    let wanted = run("create", &map(&[("image", t("demo:1"))])).unwrap();
    assert_eq!(wanted.call.shown(), "docker create demo:1");
}

#[test]
fn a_secret_goes_over_standard_input() {
    let env = map(&[("TOKEN", Arg::Secret(Secret::new("hunter2hunter2")))]);
    let given = map(&[("image", t("demo:1")), ("env", Arg::Map(env.clone()))]);
    let call = run("run", &given).unwrap().call;
    assert_eq!(
        call.shown(),
        "docker run --detach --env-file=/dev/stdin demo:1"
    );
    assert_eq!(call.stdin.held(), Some(&b"TOKEN=hunter2hunter2\n"[..]));
    let given = map(&[("env", Arg::Map(env))]);
    assert!(exec("web", t("true"), Some(b"x".to_vec()), &given).is_err());
    let call = exec("web", t("true"), None, &given).unwrap();
    assert_eq!(
        call.shown(),
        "docker exec --env-file=/dev/stdin web sh -c true"
    );
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for given in [
        vec![],
        vec![("image", t(""))],
        vec![("image", t("--privileged"))],
        vec![("image", t("x")), ("name", t("-f"))],
        vec![("image", t("x")), ("pull", t("sometimes"))],
        vec![("image", t("x")), ("on_conflict", t("keep"))],
        vec![
            ("image", t("x")),
            ("health", Arg::Map(map(&[("every", t("1"))]))),
        ],
        vec![("image", t("x")), ("health", t("curl"))],
        vec![
            ("image", t("x")),
            ("command", Arg::Secret(Secret::new("s"))),
        ],
    ] {
        assert!(run("run", &map(&given)).is_err(), "{given:?}");
    }
    for bad in ["", "-f", "a\nb", "--all"] {
        assert!(
            act("rm", RM, &Given::new(), &[bad.to_owned()]).is_err(),
            "{bad}"
        );
        assert!(rename("a", bad).is_err() && logs(bad, &Given::new()).is_err());
        assert!(one(bad).is_err() && stats(&[bad.to_owned()]).is_err());
    }
    assert!(act("rm", RM, &Given::new(), &[]).is_err());
    assert!(exec("web", Arg::List(vec![]), None, &Given::new()).is_err());
}

#[test]
fn names_of_a_script_are_quoted() {
    let Told::Script(text, _) = one("a'b $(reboot)").unwrap().text else {
        panic!("no script");
    };
    assert!(text.ends_with(r"-- 'a'\''b $(reboot)'"), "{text}");
}
