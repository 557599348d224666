//! The stages that run a container, on a real engine. Their images are stand-ins made from a busybox,
//! which sleep under the names of the real ones: what is tried is the stages' own work.

use crate::support::cell::Cell;

/// Stand-ins for the images, and settings of the engine that the stage docker has nothing to do with.
const IMAGES: &str = r#"
mkdir -p /tmp/image/bin
cp /bin/busybox /tmp/image/bin
ln -s busybox /tmp/image/bin/sh
for name in nickfedor/watchtower:latest selfhostedpro/yacht:latest portainer/portainer-ce:lts \
    metacubex/mihomo:latest containrrr/watchtower:latest
do
    tar -C /tmp/image -c . |
        docker import --change 'ENTRYPOINT ["/bin/sh", "-c", "exec busybox sleep 100000"]' - "$name"
done
mkdir -p /etc/docker
echo '{ "log-driver": "json-file", "log-opts": { "max-size": "10m", "max-file": "3" } }' \
    >/etc/docker/daemon.json
"#;

const STAGES: &str = "watchtower,yacht9055,portainer,clash";

/// What runs, by name.
fn running(cell: &Cell) -> Vec<String> {
    let text = cell
        .shell("docker ps --format '{{.Names}}' | sort")
        .ended(0);
    text.stdout.lines().map(str::to_owned).collect()
}

fn cell() -> Option<Cell> {
    let cell = Cell::docker()?;
    cell.shell(IMAGES).ended(0);
    cell.home
        .write("url", "telegram://tok3n-of-ours@telegram\n");
    cell.home.write(
        "clash.yaml",
        "mixed-port: {{ port }}\nexternal-controller: {{ controller }}\nsecret: '{{ secret }}'\n",
    );
    Some(cell)
}

/// Brings `root` through the stages; gives how each of them ended.
fn stage(cell: &Cell, names: &str, more: &[&str], code: i32) -> String {
    let mut words = vec!["stage", names, "root"];
    words.extend(more);
    let done = cell.mroom(&words).ended(code);
    format!("{}{}", done.stdout, done.stderr)
}

#[test]
fn containers_are_made_left_alone_and_repaired() {
    let Some(cell) = cell() else { return };
    let url = format!(
        "watchtower.notification_url=@{}",
        cell.home.path("url").display()
    );
    let config = format!("clash.config={}", cell.home.path("clash.yaml").display());
    let options = [
        "--set",
        "watchtower.containers=web,db",
        "--set",
        &url,
        "--set",
        &config,
        "--set",
        "clash.secret=s3cret-of-clash",
    ];
    let mut checked = options.to_vec();
    checked.push("--check");
    let told = stage(&cell, STAGES, &checked, 0);
    assert!(
        told.contains("would run `docker run --detach --name=watchtower"),
        "{told}"
    );
    assert_eq!(running(&cell), [""; 0]);

    let told = stage(&cell, STAGES, &options, 0);
    assert!(
        told.contains(
            "docker ok, watchtower changed, yacht9055 changed, portainer changed, clash changed"
        ),
        "{told}"
    );
    let all = ["clash", "portainer", "watchtower", "yacht"];
    assert_eq!(running(&cell), all);
    let seen = cell
        .shell(
            "docker inspect -f '{{.Config.Env}} {{.Args}}' watchtower; docker port yacht; docker port portainer\n\
             stat -c %a /root/machineroom/assets/clash/config.yaml; cat /root/machineroom/assets/clash/config.yaml",
        )
        .ended(0)
        .stdout;
    for part in [
        "WATCHTOWER_NOTIFICATION_URL=telegram://tok3n-of-ours@telegram",
        "WATCHTOWER_SCHEDULE=0 0 4 * * *",
        "web db]",
        "8000/tcp -> 127.0.0.1:9055",
        "9443/tcp -> 127.0.0.1:9443",
        "600\nmixed-port: 7890\nexternal-controller: 127.0.0.1:9090\nsecret: 's3cret-of-clash'",
    ] {
        assert!(seen.contains(part), "{part}: {seen}");
    }
    let marks = cell.home.ok(&["show", "root"]);
    for mark in ["watchtower", "yacht", "portainer", "clash"] {
        assert!(marks.contains(&format!("{mark}_installed true")), "{marks}");
    }
    let told = stage(&cell, STAGES, &options, 0);
    assert!(
        told.contains("watchtower ok, yacht9055 ok, portainer ok, clash ok"),
        "{told}"
    );

    cell.shell(
        "docker stop -t 0 yacht; docker rm -f portainer; docker update --restart no watchtower",
    )
    .ended(0);
    let told = stage(&cell, STAGES, &options, 0);
    assert!(
        told.contains("yacht9055 changed, portainer changed, clash ok"),
        "{told}"
    );
    assert_eq!(running(&cell), all);
    // Another definition takes the place of the old one; a new configuration does not.
    let before = "docker inspect -f '{{.Id}}' clash yacht";
    let ids = cell.shell(before).ended(0).stdout;
    cell.home.write(
        "clash.yaml",
        "mixed-port: {{ port }}\nsecret: '{{ secret }}'\n",
    );
    let mut other = options.to_vec();
    other.extend(["--set", "yacht9055.port=9056"]);
    let told = stage(&cell, STAGES, &other, 0);
    assert!(
        told.contains("yacht9055 changed, portainer ok, clash changed"),
        "{told}"
    );
    let now = cell.shell(before).ended(0).stdout;
    assert_eq!(now.lines().next(), ids.lines().next(), "clash is the same");
    assert_ne!(now.lines().nth(1), ids.lines().nth(1), "yacht is another");

    let log = cell.home.ok(&["log", "all", "--json"]);
    assert!(
        !log.contains("tok3n-of-ours") && !log.contains("s3cret-of-clash"),
        "{log}"
    );
}

#[test]
fn what_is_somebody_elses_or_archived_or_dies_is_told() {
    let Some(cell) = cell() else { return };
    cell.shell("docker run -d --name portainer metacubex/mihomo")
        .ended(0);
    let told = stage(&cell, "portainer", &[], 3);
    assert!(
        told.contains("there is a container `portainer` already, made by somebody else"),
        "{told}"
    );
    let told = stage(&cell, "portainer", &["--set", "replace=true"], 0);
    assert!(told.contains("portainer changed"), "{told}");
    let told = stage(
        &cell,
        "watchtower",
        &["--set", "image=containrrr/watchtower"],
        0,
    );
    assert!(
        told.contains("`containrrr/watchtower` is archived"),
        "{told}"
    );
    cell.shell(
        "tar -C /tmp/image -c . | docker import --change 'ENTRYPOINT [\"/bin/sh\", \"-c\", \
         \"echo no database >&2; exit 7\"]' - yacht:bad",
    )
    .ended(0);
    let told = stage(&cell, "yacht", &["--set", "image=yacht:bad"], 3);
    assert!(
        told.contains("the container `yacht` does not stay up") && told.contains("no database"),
        "{told}"
    );
    assert!(!cell.home.ok(&["show", "root"]).contains("yacht_installed"));
}

/// On an engine that somebody else installed: nothing to install, its settings mended, what they say kept.
#[test]
fn an_engine_that_is_there_is_taken_as_it_is() {
    let Some(cell) = Cell::docker() else { return };
    cell.shell("mkdir -p /etc/docker; echo '{ \"log-opts\": { \"tag\": \"kept\" } }' >/etc/docker/daemon.json")
        .ended(0);
    let run = |login: &str| cell.mroom(&["stage", "docker", login]);
    let told = run("sudoer").ended(0);
    assert!(told.stdout.contains("docker changed"), "{told:?}");
    let settings = cell
        .shell("cat /etc/docker/daemon.json; id -nG sudoer")
        .ended(0)
        .stdout;
    for part in [
        "\"tag\": \"kept\"",
        "\"max-size\": \"10m\"",
        "\"max-file\": \"3\"",
        "docker",
    ] {
        assert!(settings.contains(part), "{settings}");
    }
    assert!(run("sudoer").ended(0).stdout.contains("docker ok"));
    assert!(run("dock").ended(0).stdout.contains("docker ok"));
    let marks = cell.home.ok(&["show", "dock"]);
    assert!(
        marks.contains("docker_installed true") && marks.contains("docker_compose_installed true")
    );

    cell.shell("echo '{ oh' >/etc/docker/daemon.json").ended(0);
    let told = run("root").ended(3);
    assert!(told.stderr.contains("is no valid JSON"), "{told:?}");
    assert_eq!(
        cell.shell("cat /etc/docker/daemon.json").ended(0).stdout,
        "{ oh\n"
    );
    for (option, words) in [
        (
            "docker.source=official",
            "`docker.io` is installed, and not from the source `official`",
        ),
        ("docker.min_version=99", "`docker.io` is 26"),
    ] {
        cell.shell("echo '{}' >/etc/docker/daemon.json").ended(0);
        let told = cell
            .mroom(&["stage", "docker", "root", "--set", option])
            .ended(3);
        assert!(told.stderr.contains(words), "{told:?}");
        assert_eq!(
            cell.shell("cat /etc/docker/daemon.json").ended(0).stdout,
            "{}\n"
        );
    }
}

/// Lists of packages as Debian 12 has them: its own engine, which is too old.
const OLD: &str = r#"
mkdir -p /srv/apt /var/lib/dpkg /var/lib/apt/lists/partial /var/cache/apt/archives/partial
mkdir -p /run/systemd/system
touch /var/lib/dpkg/status
cat >/srv/apt/Packages <<END
Package: docker.io
Version: 20.10.24+dfsg1-1+deb12u1
Architecture: $(dpkg --print-architecture)
Maintainer: nobody <nobody@localhost>
Filename: ./docker.io.deb
Size: 1
SHA256: 4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865
Description: an engine

END
rm -rf /etc/apt/sources.list.d /etc/apt/apt.conf.d
echo 'deb [trusted=yes] file:/srv/apt ./' >/etc/apt/sources.list
apt-get -q update
"#;

#[test]
fn an_engine_that_is_too_old_is_refused_by_name() {
    let Some(cell) = Cell::start() else { return };
    if cell.shell("command -v dockerd").code == 0 {
        eprintln!("skipped: this machine has an engine of its own");
        return;
    }
    cell.shell(OLD).ended(0);
    let told = cell
        .mroom(&["stage", "docker", "lab", "--set", "docker.source=distro"])
        .ended(3);
    let words = "`docker.io` is 20.10.24+dfsg1-1+deb12u1 here, and 25 or newer is required";
    assert!(told.stderr.contains(words), "{told:?}");
    assert!(told.stderr.contains("docker.source=official"), "{told:?}");
    cell.shell("test ! -e /etc/docker && test ! -e /etc/apt/keyrings/docker.asc")
        .ended(0);
}
