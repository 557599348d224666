//! The machine with a Docker engine that the tests of Docker stand on: its logins can what they are
//! said to, and an image made from nothing runs.

use crate::support::cell::Cell;

/// An image of a static busybox, `demo:1`, made in the machine.
pub const IMAGE: &str = "mkdir -p /tmp/image/bin /tmp/image/tmp && cp /bin/busybox /tmp/image/bin\n\
    for name in sh httpd sleep cat wget nc echo true false; do ln -sf busybox /tmp/image/bin/$name; done\n\
    tar -C /tmp/image -c . | docker import - demo:1\n";

#[test]
fn an_engine_runs_a_container_for_those_who_may() {
    let Some(cell) = Cell::docker() else { return };
    cell.shell(IMAGE).ended(0);
    let run =
        |login: &str| cell.mroom(&["exec", login, "--", "docker run --rm demo:1 /bin/echo hi"]);
    assert_eq!(run("dock").ended(0).stdout, "hi\n");
    let refused = run("plain").ended(3);
    assert!(refused.stderr.contains("permission denied"), "{refused:?}");
}
