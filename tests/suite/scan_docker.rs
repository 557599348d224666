//! `mroom scan_docker` on a real engine: what runs, what is not well, and who may not ask.

use serde_json::Value;

use super::docker_engine::IMAGE;
use crate::support::cell::Cell;
use crate::support::home::{Done, Home};
use crate::support::sshd::Sshd;

fn objects(done: &Done) -> Vec<Value> {
    let lines = done.stdout.lines();
    lines.map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// Three containers: one that is well, one that is not, one that does not stay up.
const RUN: &str = "docker run -d --name web demo:1 /bin/sleep 600\n\
    docker run -d --name sick --health-cmd false --health-interval 1s --health-retries 1 demo:1 /bin/sleep 600\n\
    docker run -d --name again --restart always demo:1 /bin/false\n\
    until docker ps -a --format '{{.Status}}' | grep -q unhealthy; do sleep 0.1; done\n\
    until [ \"$(docker inspect --format '{{.RestartCount}}' again)\" -gt 1 ]; do sleep 0.1; done\n";

#[test]
fn what_runs_is_told_to_those_who_may_ask() {
    let Some(cell) = Cell::docker() else { return };
    cell.shell(&format!("{IMAGE}{RUN}")).ended(0);
    cell.home.ok(&["add", "gone", "root@127.0.0.1:1"]);

    let done = cell.mroom(&["scan_docker", "all"]).ended(4);
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert_eq!(lines.len(), 6, "{done:?}");
    for (line, id) in [(lines[1], "root"), (lines[2], "dock"), (lines[3], "sudoer")] {
        assert!(line.starts_with(id) && line.contains("26."), "{line}");
        // Between two falls it is up, and not well all the same.
        assert!(line.contains("again restart"), "{line}");
        assert!(line.ends_with(", sick unhealthy"), "{line}");
        assert_eq!(line.contains(" sudo "), id == "sudoer", "{line}");
    }
    assert!(lines[4].starts_with("plain") && lines[4].ends_with("denied"));
    assert!(lines[5].starts_with("gone") && lines[5].ends_with("unreachable"));
    assert!(
        done.stderr.contains("this login may not ask Docker"),
        "{done:?}"
    );
    assert!(done.stderr.contains("`-b` asks as root"), "{done:?}");

    // Who was answered has the marks; nobody else has.
    let marked = |pattern: &str| cell.home.ok(&["ls", pattern, "--columns", "id"]);
    let with_compose = marked("docker_compose_installed=true");
    assert_eq!(with_compose.split_whitespace().count(), 4, "{with_compose}");
    assert!(!marked("docker_installed=true").contains("gone"));

    let done = cell
        .mroom(&["scan_docker", "dock,gone", "--json", "--disk"])
        .ended(4);
    let all = objects(&done);
    let docker = &all[0];
    assert_eq!(
        (&docker["state"], &docker["access"]),
        (&"up".into(), &"direct".into())
    );
    assert!(
        docker["counts"]["running"].as_u64().unwrap() >= 2,
        "{docker}"
    );
    assert_eq!(
        (&docker["counts"]["unhealthy"], &docker["images"]["count"]),
        (&1.into(), &1.into())
    );
    assert!(docker["restarts"].as_u64().unwrap() > 0, "{docker}");
    assert_eq!(docker["containers"].as_array().unwrap().len(), 3);
    assert!(
        docker["disk"][0]["size"].as_u64().unwrap() > 100_000,
        "{docker}"
    );
    assert_eq!(
        (&all[1]["status"], &all[1]["containers"]),
        (&"unreachable".into(), &Value::Null)
    );
    assert_eq!(all[1]["error"]["kind"], "connect");

    let done = cell
        .mroom(&["scan_docker", "root", "--containers"])
        .ended(0);
    assert!(
        done.stdout
            .lines()
            .any(|l| l.contains("sick") && l.contains("unhealthy")),
        "{done:?}"
    );
    assert_eq!(done.stdout.lines().count(), 4, "{done:?}");
    let done = cell.mroom(&["scan_docker", "root", "--strict"]).ended(3);
    assert!(
        done.stderr.contains("not well: `again` restart"),
        "{done:?}"
    );
    cell.shell("docker rm -f sick again").ended(0);
    cell.mroom(&["scan_docker", "root", "--strict"]).ended(0);
}

#[test]
fn an_engine_that_does_not_answer_has_no_numbers() {
    let Some(cell) = Cell::docker() else { return };
    cell.shell("kill $(pidof dockerd); while pidof dockerd >/dev/null; do sleep 0.1; done")
        .ended(0);
    let done = cell.mroom(&["scan_docker", "root,sudoer"]).ended(3);
    let ends_down = |l: &str| l.ends_with("  down");
    assert!(done.stdout.lines().skip(1).all(ends_down), "{done:?}");
    assert!(done.stderr.contains("Docker does not answer: "), "{done:?}");
    let object = &objects(&cell.mroom(&["scan_docker", "root", "--json"]).ended(3))[0];
    assert_eq!(
        (&object["state"], &object["containers"]),
        (&"down".into(), &Value::Null)
    );
    assert_eq!(object["error"]["kind"], "docker");

    cell.shell("rm -f /run/docker.sock; mv /usr/bin/docker /usr/bin/docker.off")
        .ended(0);
    let done = cell.mroom(&["scan_docker", "root"]).ended(0);
    assert!(done.stdout.ends_with("absent\n"), "{done:?}");
    cell.mroom(&["scan_docker", "root", "--strict"]).ended(3);
    // What the inventory knew is not forgotten for that.
    let marked = cell
        .home
        .ok(&["ls", "docker_installed=true", "--columns", "id"]);
    assert!(marked.contains("root"), "{marked}");
}

/// A rootless engine does not run in these namespaces: the real one listens where such a one does.
#[test]
fn an_engine_of_the_login_is_found_where_it_listens() {
    let Some(cell) = Cell::docker() else { return };
    cell.shell(
        "kill $(pidof dockerd); while pidof dockerd >/dev/null; do sleep 0.1; done\n\
         at=/run/user/$(id -u plain); mkdir -p $at\n\
         setsid dockerd --host unix:///run/docker.sock --host unix://$at/docker.sock \
         </dev/null >/var/log/second.log 2>&1 &\n\
         tries=0; until docker version >/dev/null 2>&1; do\n\
         tries=$((tries + 1)); [ $tries -lt 300 ] || { tail /var/log/second.log; exit 1; }; sleep 0.1; done\n\
         chown -R plain /run/user/$(id -u plain)\n",
    )
    .ended(0);
    let object = &objects(&cell.mroom(&["scan_docker", "plain", "--json"]).ended(0))[0];
    assert_eq!(
        (&object["state"], &object["access"]),
        (&"up".into(), &"rootless".into())
    );
}

/// A server whose `docker` is the script's.
fn pretended(home: &Home, docker: &str) -> Option<Sshd> {
    let sshd = Sshd::start("")?;
    home.add("web", &sshd);
    home.trust(&sshd);
    let path = home.write("bin/docker", format!("#!/bin/sh\n{docker}\n"));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, mode).unwrap();
    home.write(
        ".config/machineroom/config.toml",
        format!("commands.docker = {path:?}\n"),
    );
    Some(sshd)
}

#[test]
fn what_a_client_prints_is_only_data() {
    let home = Home::new();
    let docker = r#"case $1 in
version) echo '{"Server":{"Version":"9.9","ApiVersion":"1;reboot"}}' ;;
ps) echo a1 ;;
inspect) printf 'container=["a1","/\\u001b[2Jweb","i","s","running",null,0,0,false,"","","no"]\nengine=absent\ncontainer=[\n' ;;
*) exit 1 ;;
esac"#;
    let Some(_sshd) = pretended(&home, docker) else {
        return;
    };
    let object = &objects(&home.run(&["scan_docker", "web", "--json"]).ended(0))[0];
    assert_eq!(
        (&object["state"], &object["version"]),
        (&"up".into(), &"9.9".into())
    );
    assert_eq!(
        (&object["api"], &object["compose"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(object["containers"][0]["name"], "[2Jweb", "{object}");
    // Images could not be listed: that is not "no images".
    assert_eq!(object["images"], Value::Null);
    let done = home.run(&["scan_docker", "web", "--containers"]).ended(0);
    assert!(!done.stdout.contains('\x1b'), "{done:?}");
    home.run(&["scan_docker", "nobody"]).ended(2);
}
