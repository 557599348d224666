//! How a login gets at the daemon: as it is, by sudo, by its own rootless daemon, or not at all;
//! and what is said when there is no daemon or no docker.

use std::time::{Duration, Instant};

use super::docker_engine::IMAGE;
use super::docker_object::lua;
use crate::support::cell::Cell;

/// A daemon of the login `plain` itself, without root, as `dockerd-rootless.sh` starts it.
const ROOTLESS: &str = r#"
id=$(id -u plain)
# Everybody's, as udev makes it.
mknod /tmp/tun c 10 200
chmod 666 /tmp/tun
mount --bind /tmp/tun /dev/net/tun
mkdir -p /run/user/$id
chown plain /run/user/$id
cat >/tmp/rootless <<'END'
export XDG_RUNTIME_DIR=/run/user/$(id -u) HOME=/home/plain PATH=$PATH:/usr/sbin:/sbin
cd
exec rootlesskit --net=slirp4netns --mtu=65520 --disable-host-loopback --copy-up=/etc --copy-up=/run --state-dir=$XDG_RUNTIME_DIR/rootlesskit sh -c \
    'rm -f /run/docker /run/containerd /run/xtables.lock
     exec dockerd --rootless --storage-driver=vfs --iptables=false --bridge=none --exec-root=/home/plain/exec \
        --host unix://'$XDG_RUNTIME_DIR/docker.sock
END
su plain -s /bin/sh -c 'sh /tmp/rootless' </dev/null >/tmp/rootless.log 2>&1 &
for tries in $(seq 300); do
    su plain -c "docker -H unix:///run/user/$id/docker.sock version" >/dev/null 2>&1 && exit 0
    sleep 0.1
done
tail -n 5 /tmp/rootless.log
exit 1
"#;

#[test]
fn the_way_is_found() {
    let Some(cell) = Cell::docker() else { return };
    cell.shell(IMAGE).ended(0);
    for login in ["root", "dock", "sudoer"] {
        lua(
            &cell,
            login,
            "local c = d:run { image = 'demo:1', name = 'way', command = 'echo on; exec sleep 1000' }\n\
             assert(c.state == 'running' and not d:version().is_rootless)\n\
             local seen\n\
             s:docker():logs('way', { follow = true, on_line = function(line) seen = line return false end })\n\
             assert(seen == 'on')\n\
             d:rm('way', { force = true })",
        );
    }
    // Who was told how does not look any further.
    lua(
        &cell,
        "sudoer",
        "local own = s:docker { sudo = false }\n\
         fails('permission', own.ps, own)\n\
         assert(#s:docker({ sudo = true }):ps() == 0)\n\
         local gone = s:docker { host = 'unix:///nowhere.sock' }\n\
         fails('daemon_down', gone.ps, gone)",
    );
    lua(
        &cell,
        "plain",
        "local err = fails('permission', d.ps, d)\nassert(err.hint:find('-b', 1, true))",
    );
    let told = cell.mroom(&["docker", "plain", "ps"]).ended(3);
    assert!(told.stderr.contains("may not use docker"), "{told:?}");
    assert!(told.stderr.contains("hint:"), "{told:?}");
    cell.shell(ROOTLESS).ended(0);
    lua(
        &cell,
        "plain",
        "assert(d:version().is_rootless)\nassert(#d:ps() == 0)",
    );
    let version = cell.mroom(&["docker", "plain", "version"]).ended(0).stdout;
    assert!(version.contains("yes"), "{version}");
}

#[test]
fn no_daemon_and_no_docker_are_told_apart() {
    let Some(cell) = Cell::docker() else { return };
    cell.shell("kill $(pidof dockerd); while pidof dockerd; do sleep 0.1; done >/dev/null")
        .ended(0);
    for login in ["root", "dock", "sudoer"] {
        lua(
            &cell,
            login,
            "local err = fails('daemon_down', d.ps, d)\nassert(err.hint:find 'systemctl start docker')",
        );
    }
    cell.shell("rm -f /run/docker.sock").ended(0);
    lua(&cell, "dock", "fails('daemon_down', d.version, d)");
    let told = cell.mroom(&["docker", "dock", "ps"]).ended(3);
    assert!(told.stderr.contains("does not answer"), "{told:?}");
    cell.shell("mv /usr/bin/docker /usr/bin/gone").ended(0);
    lua(
        &cell,
        "dock",
        "local err = fails('absent', d.ps, d)\nassert(err.hint:find 'stage docker')",
    );
}

/// The environment of the machine's logins from here on.
fn set_env(cell: &Cell, setting: &str) {
    let log = cell.home.path("cell/log");
    let listens = || {
        let said = std::fs::read_to_string(&log).unwrap();
        said.matches("Server listening").count()
    };
    let before = listens();
    cell.shell(&format!(
        "sed -i /^SetEnv/d /etc/engine/sshd_config\n\
         echo 'SetEnv {setting}' >>/etc/engine/sshd_config\nkill -HUP 1"
    ))
    .ended(0);
    let begun = Instant::now();
    while listens() == before {
        assert!(begun.elapsed() < Duration::from_secs(30), "sshd is gone");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_client_and_a_daemon_without_a_common_version_are_told() {
    let Some(cell) = Cell::docker() else { return };
    for (version, words) in [
        (
            "1.12",
            "client version 1.12 is too old. Minimum supported API version is ",
        ),
        (
            "1.99",
            "client version 1.99 is too new. Maximum supported API version is ",
        ),
    ] {
        set_env(&cell, &format!("DOCKER_API_VERSION={version}"));
        for login in ["root", "dock"] {
            lua(
                &cell,
                login,
                &format!(
                    "for _, f in ipairs {{ d.ps, d.version, d.images }} do\n\
                       local err = fails('api_version', f, d)\n\
                       assert(err.message:find('{words}', 1, true) == 1, err.message)\n\
                       assert(err.hint:find('DOCKER_API_VERSION', 1, true), err.hint)\n\
                     end\n\
                     fails('api_version', d.run, d, {{ image = 'demo:1', name = 'x', platform = 'linux/amd64' }})"
                ),
            );
        }
        let told = cell.mroom(&["docker", "dock", "ps"]).ended(3);
        assert!(told.stderr.contains(&format!("  {words}")), "{told:?}");
        // What the hint says shows it.
        let shown = cell.mroom(&["exec", "dock", "--", "docker", "version"]);
        let api = shown
            .stdout
            .lines()
            .any(|l| l.contains("API version") && l.contains(version));
        assert!(api, "{shown:?}");
        let scanned = cell.mroom(&["scan_docker", "dock"]);
        assert!(scanned.stderr.contains(words), "{scanned:?}");
        assert!(!scanned.stderr.contains("{\"message"), "{scanned:?}");
        // By sudo it is another environment, and another client for that.
        lua(&cell, "sudoer", "assert(#d:ps() == 0)");
    }
}
