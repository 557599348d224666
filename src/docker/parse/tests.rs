//! Answers of docker.io 26.1 and compose 2.26, shortened, and what is none.

use super::*;
use proptest::prelude::*;

const ID: &str = "1c56285144490be4b2a7151e9132b32158c93beef1864134733260d530d51e0b";

fn inspected() -> Value {
    json!([{
        "Id": ID,
        "Created": "2026-11-23T16:24:30.369231571Z",
        "Path": "sleep", "Args": ["10 00"],
        "State": {
            "Status": "running", "OOMKilled": false, "ExitCode": 0, "Error": "",
            "StartedAt": "2026-11-23T16:24:31.860769757Z", "FinishedAt": "0001-01-01T00:00:00Z",
            "Health": { "Status": "healthy" },
        },
        "Image": "sha256:c5b4", "Name": "/web", "RestartCount": 2,
        "HostConfig": { "RestartPolicy": { "Name": "always" } },
        "Mounts": [{ "Type": "volume", "Name": "data", "Source": "/v/data", "Destination": "/data", "RW": false }],
        "Config": { "Image": "demo:1", "Labels": { "machineroom.app": "web", "odd": 3 } },
        "NetworkSettings": {
            "Ports": {
                "80/tcp": [{ "HostIp": "0.0.0.0", "HostPort": "8080" }, { "HostIp": "::", "HostPort": "8080" }],
                "9000/udp": null, "odd": null,
            },
            "Networks": { "bridge": { "IPAddress": "172.17.0.2", "Aliases": null }, "back": { "IPAddress": "", "Aliases": ["db"] } },
        },
    }])
}

#[test]
fn a_container_is_read() {
    let text = format!("{ID} Up 5 minutes (healthy)\n\n{}\n", inspected());
    let list = containers(text.as_bytes()).unwrap();
    assert_eq!(
        list,
        [json!({
            "id": ID, "name": "web", "image": "demo:1", "image_id": "sha256:c5b4",
            "command": "sleep '10 00'", "state": "running", "status": "Up 5 minutes (healthy)",
            "health": "healthy", "created": 1_795_451_070, "started": 1_795_451_071,
            "is_oom_killed": false, "restarts": 2, "restart": "always",
            "ports": [
                { "host_ip": "0.0.0.0", "host_port": 8080, "port": 80, "protocol": "tcp" },
                { "host_ip": "::", "host_port": 8080, "port": 80, "protocol": "tcp" },
                { "port": 9000, "protocol": "udp" },
            ],
            "labels": { "machineroom.app": "web" },
            "networks": { "bridge": { "ip": "172.17.0.2", "aliases": [] }, "back": { "aliases": ["db"] } },
            "mounts": [{ "type": "volume", "name": "data", "source": "/v/data", "target": "/data", "is_read_only": true }],
        })]
    );
}

#[test]
fn one_that_has_ended_has_a_code() {
    let mut all = inspected();
    all[0]["State"] = json!({
        "Status": "exited", "ExitCode": 137, "OOMKilled": true, "Error": "killed",
        "StartedAt": "2026-11-23T16:24:31Z", "FinishedAt": "2026-11-23T16:24:40Z",
    });
    let list = containers(format!("\n{all}").as_bytes()).unwrap();
    let one = &list[0];
    assert_eq!(
        (&one["exit_code"], &one["finished"]),
        (&json!(137), &json!(1_795_451_080))
    );
    assert_eq!(
        (&one["status"], &one["is_oom_killed"]),
        (&json!("exited"), &json!(true))
    );
    assert!(one.get("health").is_none());
}

#[test]
fn nothing_is_an_empty_list() {
    assert!(containers(b"\n\n").unwrap().is_empty());
    assert!(containers(b"\n[]\n").unwrap().is_empty());
    assert!(images(b"[]").unwrap().is_empty());
    assert!(compose_ps(b"").unwrap().is_empty() && compose_ps(b"[]\n").unwrap().is_empty());
    assert!(stats(b"").is_empty() && lines(b"\n").is_empty());
    assert_eq!(first(b"[]\n").unwrap(), Value::Null);
}

#[test]
fn what_is_no_answer_is_an_error() {
    for bad in ["", "x", "\n{", "\n{}", "a b\n\n[", "\n\"x\""] {
        let error = containers(bad.as_bytes()).unwrap_err();
        assert!(
            error.message().contains("not understood"),
            "{bad:?}: {error}"
        );
    }
    for bad in ["", "{}", "[1", "<html>"] {
        assert!(
            images(bad.as_bytes()).is_err() && networks(bad.as_bytes()).is_err(),
            "{bad}"
        );
        assert!(
            volumes(bad.as_bytes()).is_err() && pulled(bad.as_bytes()).is_err(),
            "{bad}"
        );
    }
    assert!(version(b"").is_err() && version(b"{}\nx").is_err());
    assert!(compose_ps(b"no project").is_err() && compose_ps(b"[1").is_err());
}

#[test]
fn images_networks_and_volumes_are_read() {
    let image = json!([{
        "Id": "sha256:aa", "RepoTags": ["demo:1"], "RepoDigests": ["r/demo@sha256:dd"],
        "Created": "2026-11-23T16:24:30.1Z", "Size": 2_024_607, "Architecture": "amd64", "Os": "linux",
        "Config": { "Labels": null },
    }]);
    assert_eq!(
        images(image.to_string().as_bytes()).unwrap(),
        [json!({
            "id": "sha256:aa", "tags": ["demo:1"], "digests": ["r/demo@sha256:dd"], "created": 1_795_451_070,
            "size": 2_024_607, "os": "linux", "arch": "amd64", "labels": {},
        })]
    );
    let answer = |before: &str| pulled(format!("{before}\n{image}").as_bytes()).unwrap();
    assert_eq!(
        answer(""),
        json!({ "id": "sha256:aa", "digest": "sha256:dd", "is_new": true })
    );
    assert_eq!(answer("sha256:aa")["is_new"], json!(false));
    let network = json!([{
        "Name": "back", "Id": "75ec", "Created": "2026-11-23T16:24:30Z", "Scope": "local", "Driver": "bridge",
        "IPAM": { "Config": [{ "Subnet": "10.9.0.0/24" }] }, "Internal": false, "Labels": { "a": "b" },
    }]);
    assert_eq!(
        networks(network.to_string().as_bytes()).unwrap()[0]["subnets"],
        json!(["10.9.0.0/24"])
    );
    let volume = json!([{ "Name": "data", "Driver": "local", "Mountpoint": "/v", "CreatedAt": "2026-11-23T16:24:30Z", "Labels": null, "Scope": "local" }]);
    assert_eq!(
        volumes(volume.to_string().as_bytes()).unwrap(),
        [
            json!({ "name": "data", "driver": "local", "scope": "local", "path": "/v", "created": 1_795_451_070, "labels": {} })
        ]
    );
}

#[test]
fn versions_are_read() {
    let one = json!({
        "Client": { "Version": "26.1.5+dfsg1" },
        "Server": { "Version": "26.1.5+dfsg1", "ApiVersion": "1.45", "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64" },
    });
    let text = format!("{one}\n[\"name=seccomp,profile=builtin\",\"name=rootless\"]\n2.26.1-4\n");
    assert_eq!(
        version(text.as_bytes()).unwrap(),
        json!({
            "client": "26.1.5+dfsg1", "server": "26.1.5+dfsg1", "api": "1.45", "min_api": "1.24", "os": "linux",
            "arch": "amd64", "is_rootless": true, "compose": "2.26.1-4",
        })
    );
    let plain = version(format!("{one}\nnull\n").as_bytes()).unwrap();
    assert!(plain.get("compose").is_none() && plain["is_rootless"] == json!(false));
}

#[test]
fn stats_become_numbers() {
    let line = r#"{"BlockIO":"1.5MB / 0B","CPUPerc":"12.50%","ID":"1c56","MemPerc":"0.10%","MemUsage":"324KiB / 2GiB","Name":"web","NetIO":"1.04kB / 0B","PIDs":"3"}"#;
    assert_eq!(
        stats(line.as_bytes()),
        [json!({
            "id": "1c56", "name": "web", "cpu": 12.5, "memory": 331_776, "memory_limit": 2_147_483_648_u64,
            "memory_percent": 0.1, "net_in": 1040, "net_out": 0, "block_in": 1_500_000, "block_out": 0, "pids": 3,
        })]
    );
    let gone = stats(br#"{"Name":"--","CPUPerc":"--","MemUsage":"-- / --","PIDs":"--"}"#);
    assert_eq!(gone, [json!({ "name": "--" })]);
}

#[test]
fn sizes_have_both_kinds_of_units() {
    for (text, bytes) in [
        ("0B", Some(0)),
        ("324KiB", Some(331_776)),
        ("1.04kB", Some(1040)),
        ("2.02MB", Some(2_020_000)),
        ("1GiB", Some(1 << 30)),
        (" 3 TB ", Some(3_000_000_000_000)),
        ("--", None),
        ("", None),
        ("12", None),
        ("1e3B", None),
        ("99999999999PB", None),
        ("1.2.3MB", None),
        ("5 XB", None),
    ] {
        assert_eq!(size(text), bytes, "{text}");
    }
}

#[test]
fn what_came_back_is_added_up() {
    let text = "Deleted Containers:\nabc\n\nTotal reclaimed space: 1.5kB\nTotal:\t2kB\nTotal reclaimed space: odd\n";
    assert_eq!(reclaimed(text.as_bytes()), 3500);
    assert_eq!(reclaimed(b""), 0);
}

#[test]
fn both_forms_of_compose_are_read() {
    let one = json!({
        "ID": "1c", "Name": "app-web-1", "Service": "web", "Image": "demo:1", "State": "exited", "Health": "",
        "ExitCode": 3, "Status": "Exited (3)",
        "Publishers": [{ "URL": "0.0.0.0", "TargetPort": 80, "PublishedPort": 8080, "Protocol": "tcp" }],
    });
    let expected = json!({
        "id": "1c", "name": "app-web-1", "service": "web", "image": "demo:1", "state": "exited", "status": "Exited (3)",
        "exit_code": 3, "ports": [{ "host_ip": "0.0.0.0", "host_port": 8080, "port": 80, "protocol": "tcp" }],
    });
    assert_eq!(
        compose_ps(format!("[{one}]").as_bytes()).unwrap(),
        std::slice::from_ref(&expected)
    );
    assert_eq!(
        compose_ps(format!("{one}\n{one}\n").as_bytes()).unwrap(),
        [expected.clone(), expected]
    );
}

proptest! {
    /// Whatever a server answers, nothing panics, and records hold no null.
    #[test]
    fn no_answer_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = (images(&bytes), networks(&bytes), volumes(&bytes), version(&bytes), pulled(&bytes), first(&bytes));
        let _ = (stats(&bytes), reclaimed(&bytes), compose_ps(&bytes), whole("x", &bytes));
        let mut text = b"\n".to_vec();
        text.extend(bytes);
        let _ = containers(&text);
    }

    /// Fields of the wrong kind are left out.
    #[test]
    fn odd_fields_are_left_out(key in "(Id|Name|State|Config|NetworkSettings|Mounts|Created|Args)", odd in 0..5) {
        let odd = [json!(null), json!(7), json!("x"), json!([1, "a", null]), json!({ "Status": [], "Ports": { "x": 1 }, "Labels": [] })][odd as usize].clone();
        let mut all = inspected();
        all[0][&key] = odd;
        let list = containers(format!("\n{all}").as_bytes()).unwrap();
        prop_assert!(!list[0].as_object().unwrap().values().any(Value::is_null));
    }
}
