use std::time::{Duration, Instant};

use super::*;
use crate::error::Kind;
use crate::events::{Nobody, Silent};

fn here() -> Here {
    Here::new(Arc::new(Silent), Arc::new(Nobody))
}

fn run(step: Step) -> Result<Output> {
    here().run(&step.as_self(), None, &|| false)
}

#[test]
fn what_a_step_reads_and_says() {
    let step = Step::new(["sh", "-c", "cat; echo e >&2; exit 3"]).stdin(Secret::new("in"));
    let output = run(step).unwrap();
    assert_eq!(
        (output.code, &output.stdout[..], &output.stderr[..]),
        (Some(3), &b"in"[..], &b"e\n"[..])
    );
    // Neither much output nor an input that nobody reads holds it up.
    let step = Step::new(["sh", "-c", "head -c 3000000 /dev/zero"])
        .stdin(Secret::new("x".repeat(300_000)));
    let output = run(step).unwrap();
    assert!(output.is_success() && output.truncated);
    // No shell reads the words.
    let output = run(Step::new(["printf", "%s", "$(id) `id` 'x'"])).unwrap();
    assert_eq!(output.stdout, b"$(id) `id` 'x'");
    assert_eq!(
        run(Step::new(["no-such-program"]))
            .unwrap_err()
            .reason_word(),
        Some("missing")
    );
    assert!(run(Step::new(Vec::<String>::new())).is_err());
}

#[test]
fn a_daemon_left_behind_is_not_waited_for() {
    let begun = Instant::now();
    let output = run(Step::new(["sh", "-c", "sleep 20 & echo started"])).unwrap();
    assert_eq!(output.stdout, b"started\n");
    assert!(begun.elapsed() < Duration::from_secs(15));
}

#[test]
fn too_long_and_given_up() {
    let step = Step::new(["sh", "-c", "echo a; sleep 100"]).patience(Duration::from_millis(300));
    let error = run(step).unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout);
    assert_eq!(error.remote_output().unwrap().stdout, b"a\n");
    let error = here()
        .run(&Step::new(["sleep", "100"]).as_self(), None, &|| true)
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Cancelled);
    // One that does not listen is killed.
    let step = Step::new(["sh", "-c", "trap '' TERM; sleep 100 & wait; sleep 100"]);
    let error = run(step.patience(Duration::from_millis(300))).unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout);
}

/// No group is signalled here: words that `kill` misreads can mean every process of the machine.
#[test]
fn groups_end_in_words_that_every_kill_reads() {
    let step = killing(4242, "TERM");
    assert_eq!(step.argv, ["kill", "-s", "TERM", "--", "-4242"]);
    assert_eq!(shown(&step), "kill -s TERM -- -4242");
}

#[test]
fn in_a_namespace_everything_is_roots() {
    let step = within(&Step::new(["ip", "link"]).as_self(), Some("mr1"));
    assert_eq!(step.argv, ["ip", "netns", "exec", "mr1", "ip", "link"]);
    assert!(!step.as_self);
    assert_eq!(shown(&step), "ip netns exec mr1 ip link");
}
