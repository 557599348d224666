//! What docker says, and what is made of it. `CAPTURED` was printed by the docker.io 26.1 that the
//! tests have, with its compose 2.26 and its registry; `KNOWN` is what other releases say, from
//! their sources.

use super::*;
use proptest::prelude::*;

fn output(code: i32, stderr: &str) -> Output {
    Output {
        code: Some(code),
        stderr: stderr.into(),
        ..Output::default()
    }
}

#[rustfmt::skip]
const CAPTURED: &[(i32, &str, Reason)] = &[
    (1, "Error: No such object: nope\n", NotFound),
    (1, "Error response from daemon: No such container: nope\n", NotFound),
    (125, "docker: Error response from daemon: Invalid container name (a), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed.\nSee 'docker run --help'.\n", Invalid),
    (125, "docker: Error response from daemon: Conflict. The container name \"/web\" is already in use by container \"9f1c56285144490be4b2a7151e9132b32158c93beef1864134733260d530d51e\". You have to remove (or rename) that container to be able to reuse that name.\nSee 'docker run --help'.\n", Conflict),
    (125, "docker: Error response from daemon: driver failed programming external connectivity on endpoint p2 (eec21a49229d2c87b03e81c45af58d0999cd4152ff1e8e8780fd3cc5f1743cc0): Bind for 0.0.0.0:8080 failed: port is already allocated.\n", PortTaken),
    (127, "docker: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"nosuch\": executable file not found in $PATH: unknown.\n", NotFound),
    (125, "Unable to find image 'arm:1' locally\ndocker: Error response from daemon: Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io on 10.255.255.53:53: dial udp 10.255.255.53:53: connect: network is unreachable.\nSee 'docker run --help'.\n", Registry),
    (1, "Error response from daemon: Get \"http://localhost:5000/v2/\": dial tcp 127.0.0.1:5000: connect: connection refused\n", Registry),
    (1, "Error response from daemon: container e76a78bdcc0c is not running\n", Conflict),
    (1, "invalid reference format: repository name (library/Bad) must be lowercase\n", Invalid),
    (125, "unknown flag: --nosuch\nSee 'docker run --help'.\n", Invalid),
    (125, "docker: Invalid containerPort: foo.\nSee 'docker run --help'.\n", Invalid),
    (1, "Error response from daemon: conflict: unable to remove repository reference \"demo:1\" (must force) - container 1c5628514449 is using its referenced image c5b4a2ae66df\n", Conflict),
    (1, "Error response from daemon: network nope not found\n", NotFound),
    (1, "destination \"app:/no/such/\" must be a directory\n", NotFound),
    (1, "Error response from daemon: Could not find the file /nothing in container app\n", NotFound),
    (1, "Error response from daemon: bridge is a pre-defined network and cannot be removed\n", Conflict),
    (1, "Error response from daemon: network with name n1 already exists\n", Conflict),
    (1, "Error response from daemon: get nope: no such volume\n", NotFound),
    (14, "open /nope.yml: no such file or directory\n", NotFound),
    (14, "no configuration file provided: not found\n", Invalid),
    (1, "docker: 'nosuch' is not a docker command.\nSee 'docker --help'\n", Invalid),
    (1, "Cannot connect to the Docker daemon at unix:///nope.sock. Is the docker daemon running?\n", DaemonDown),
    (125, "docker: Cannot connect to the Docker daemon at unix:///nope.sock. Is the docker daemon running?.\nSee 'docker run --help'.\n", DaemonDown),
    (1, "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get \"http://%2Fvar%2Frun%2Fdocker.sock/v1.45/containers/json\": dial unix /var/run/docker.sock: connect: permission denied\n", Permission),
    (1, "Error response from daemon: No such container: a\nError: failed to rename container named a\n", NotFound),
    (1, "Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"nosuch\": executable file not found in $PATH: unknown\nError: failed to start containers: bad\n", NotFound),
    (1, "Error response from daemon: No such image: nope:latest\n", NotFound),
    (1, "An image does not exist locally with the tag: localhost:5000/x\n", NotFound),
    (1, "Error: Cannot perform an interactive login from a non TTY device\n", Unauthorized),
    (127, "sh: 1: docker: not found\n", Absent),
    (1, "Error response from daemon: manifest for 127.0.0.1:5000/demo:9 not found: manifest unknown: manifest unknown\n", NotFound),
    (1, "Error response from daemon: toomanyrequests: slow down\n", RateLimit),
    (1, "The push refers to repository [127.0.0.1:5443/demo]\nbbaeeb6d9def: Preparing\nno basic auth credentials\n", Unauthorized),
    (1, "Error response from daemon: Head \"https://127.0.0.1:5443/v2/demo/manifests/1\": no basic auth credentials\n", Unauthorized),
    (1, "Error response from daemon: login attempt to http://127.0.0.1:5443/v2/ failed with status: 400 Bad Request\n", Unauthorized),
    (1, "image with reference 127.0.0.1:5000/arm:1 was found but does not match the specified platform: wanted linux/amd64, actual: linux/arm64\n", Platform),
    (125, "docker: Error response from daemon: no command specified.\nSee 'docker run --help'.\n", Invalid),
    (15, "validating /tmp/c.yml: services.web Additional property imagee is not allowed\n", Invalid),
    (15, "yaml: line 1: did not find expected node content\n", Invalid),
    (1, "Error response from daemon: {\"message\":\"client version 1.12 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version\"}\n", ApiVersion),
    (1, "Error response from daemon: client version 1.99 is too new. Maximum supported API version is 1.45\n", ApiVersion),
    (1, "\"--platform\" requires API version 1.32, but the Docker daemon API version is 1.12\n", ApiVersion),
    (125, "docker: Error response from daemon: client version 1.99 is too new. Maximum supported API version is 1.45.\nSee 'docker run --help'.\n", ApiVersion),
    (1, " Container tmp-web-1  Waiting\ncontainer tmp-web-1 is unhealthy\n", Unhealthy),
    (1, " Container tmp-web-1  Waiting\ncontainer tmp-web-1 exited (1)\n", Unhealthy),
];

#[rustfmt::skip]
const KNOWN: &[(i32, &str, Reason)] = &[
    // 20.10: the older sentence about the socket, and about a name.
    (1, "Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get \"http://%2Fvar%2Frun%2Fdocker.sock/v1.24/containers/json\": dial unix /var/run/docker.sock: connect: permission denied\n", Permission),
    // An engine that only speaks like docker.
    (1, "Cannot reach the engine: dial unix /run/podman/podman.sock: connect: permission denied\n", Permission),
    (1, "Error: No such container: nope\n", NotFound),
    (1, "error during connect: Get \"http://far:2375/v1.24/info\": dial tcp: lookup far: no such host\n", DaemonDown),
    (1, "Error response from daemon: client version 1.22 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version\n", ApiVersion),
    (1, "Error response from daemon: client version 1.45 is too new. Maximum supported API version is 1.41\n", ApiVersion),
    // 28 and 29.
    (1, "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock\n", Permission),
    (125, "docker: Error response from daemon: failed to set up container networking: driver failed programming external connectivity on endpoint x (1): failed to bind host port for 0.0.0.0:80:172.17.0.2:80/tcp: address already in use\n\nRun 'docker run --help' for more information\n", PortTaken),
    (125, "docker: invalid reference format\n\nRun 'docker run --help' for more information\n", Invalid),
    (1, "docker: unknown command: docker compose\n\nRun 'docker --help' for more information\n", Absent),
    (1, "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory\n", DaemonDown),
    // Registries.
    (1, "Error response from daemon: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit\n", RateLimit),
    (1, "Error response from daemon: pull access denied for nope, repository does not exist or may require 'docker login': denied: requested access to the resource is denied\n", Unauthorized),
    (1, "Error response from daemon: Head \"https://r/v2/x/manifests/1\": no basic auth credentials\n", Unauthorized),
    (1, "Error response from daemon: Get \"https://r/v2/\": unauthorized: authentication required\n", Unauthorized),
    (1, "Error response from daemon: login attempt to https://r/v2/ failed with status: 401 Unauthorized\n", Unauthorized),
    (1, "Error response from daemon: manifest for r:5000/x:9 not found: manifest unknown: manifest unknown\n", NotFound),
    (1, "Error response from daemon: no matching manifest for linux/arm64/v8 in the manifest list entries\n", Platform),
    (1, "Error response from daemon: Get \"https://r:5000/v2/\": tls: failed to verify certificate: x509: certificate signed by unknown authority\n", Registry),
    (1, "Error response from daemon: Get \"https://r:5000/v2/\": http: server gave HTTP response to HTTPS client\n", Registry),
    (1, "failed to register layer: write /bin/big: no space left on device\n", NoSpace),
    (1, "write /var/lib/docker/tmp/GetImageBlob1: no space left on device\n", NoSpace),
    (125, "docker: Error response from daemon: image with reference arm:1 was found but does not match the specified platform: wanted linux/amd64, actual: linux/arm64.\n", Platform),
    (1, "exec /bin/sh: exec format error\n", Platform),
    // Compose.
    (1, "dependency failed to start: container app-db-1 is unhealthy\n", Unhealthy),
    (1, "validating /srv/app/compose.yml: services.web Additional property imagee is not allowed\n", Invalid),
    (15, "yaml: line 3: mapping values are not allowed in this context\n", Invalid),
    (1, "container app-web-1 exited (1)\napplication not healthy after 30s\n", Unhealthy),
    // Other shells, and no shell.
    (127, "bash: line 1: docker: command not found\n", Absent),
    (127, "fish: Unknown command: docker\n", Absent),
    (127, "env: 'docker': No such file or directory\nsh: docker: not found\n", Absent),
];

#[test]
fn docker_s_sentences_are_understood() {
    for (code, stderr, expected) in CAPTURED.iter().chain(KNOWN) {
        assert_eq!(reason(&output(*code, stderr)), Some(*expected), "{stderr}");
    }
}

#[test]
fn a_message_is_docker_s_sentence_without_its_dressing() {
    for (code, stderr, message) in [
        (
            1,
            "Error response from daemon: No such container: nope\n",
            "no such container: nope",
        ),
        (
            125,
            "docker: Error response from daemon: Conflict. The name is already in use by container \"x\".\nSee 'docker run --help'.\n",
            "conflict. The name is already in use by container \"x\"",
        ),
        (
            1,
            "Error response from daemon: OCI runtime gone\n",
            "OCI runtime gone",
        ),
        (
            1,
            "Error response from daemon: {\"message\":\"client version 1.12 is too old\"}\n",
            "client version 1.12 is too old",
        ),
        (1, "Error: {\"message\":7}\n", "{\"message\":7}"),
        (1, "", "docker ended with 1"),
        (127, "sh: 1: docker: not found\n", "docker is not installed"),
        (
            1,
            "docker: 'compose' is not a docker command.\n",
            "the compose plugin of docker is not installed",
        ),
        (1, "Error: bad \u{1b}[31mname\u{7}\n", "bad [31mname"),
    ] {
        assert_eq!(error("docker x", output(code, stderr)).message(), message);
    }
    let long = error("docker x", output(1, &"x".repeat(10_000)));
    assert!(long.message().len() <= SHOWN);
}

#[test]
fn what_people_can_do_is_said() {
    for (code, stderr, hint) in [
        (127, "sh: 1: docker: not found\n", "stage docker"),
        (
            1,
            "permission denied while trying to connect to the Docker daemon\n",
            "`-b`",
        ),
        (
            1,
            "Cannot connect to the Docker daemon at unix:///x.\n",
            "systemctl start docker",
        ),
        (1, "toomanyrequests: slow down\n", "d:login"),
    ] {
        let error = error("docker ps", output(code, stderr));
        assert_eq!(error.kind(), Kind::Docker);
        assert!(error.hint_text().unwrap().contains(hint), "{error:?}");
        assert_eq!(error.remote_command(), Some("docker ps"));
    }
}

#[test]
fn whose_failure_it_is() {
    for (code, stderr, own) in [
        (3, "", false),
        (1, "cat: /nope: No such file or directory\n", false),
        (127, "sh: nosuch: not found\n", false),
        (
            1,
            "Error response from daemon: No such container: a\n",
            true,
        ),
        (
            125,
            "docker: invalid reference format.\nSee 'docker run --help'.\n",
            true,
        ),
        (
            126,
            "OCI runtime exec failed: exec failed: unable to start container process: exec: \"x\"\n",
            true,
        ),
        (
            1,
            "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?\n",
            true,
        ),
        (127, "sh: 1: docker: not found\n", true),
    ] {
        assert_eq!(is_own(&output(code, stderr)), own, "{stderr}");
    }
}

proptest! {
    /// Whatever a server says, there is an error with one line and no control characters.
    #[test]
    fn no_answer_breaks_it(code in 0..256, stderr in proptest::collection::vec(any::<u8>(), 0..300)) {
        let output = Output { code: Some(code), stderr, ..Output::default() };
        let _ = is_own(&output);
        let error = error("docker x", output);
        prop_assert!(!error.message().is_empty());
        prop_assert!(!error.message().chars().any(char::is_control));
    }
}
