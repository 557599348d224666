//! Output that lands in a file, from a pretended server.

use futures::executor::block_on;

use super::*;
use crate::docker::engine::{Found, Place};
use crate::output::Output;
use crate::ssh::fake::Fake;

fn ended(code: i32, stdout: &[u8], stderr: &str) -> Output {
    Output {
        code: Some(code),
        stdout: stdout.into(),
        stderr: stderr.into(),
        ..Output::default()
    }
}

/// What comes of `docker cp` that ends so, when no more than `most` bytes are taken.
fn asked(output: Output, most: u64) -> Result<Input> {
    let fake = Fake::new();
    fake.answer(move |exec| {
        Some(Ok(match exec.command.contains(" version ") {
            true => ended(0, b"26.1.5\n", ""),
            false => output.clone(),
        }))
    });
    let docker = Docker {
        transport: Arc::new(fake),
        sudo: None,
        place: Place::default(),
        may_seek: true,
        found: Found::default(),
        timeout: None,
    };
    block_on(ask(&docker, Call::read(["cp", "web:/a", "-"]), most))
}

#[test]
fn output_lands_whole_and_without_errors_words() {
    for text in [&b""[..], b"x", &[7; 200_000]] {
        let input = asked(ended(0, text, "a warning\n"), text.len() as u64).unwrap();
        assert!(input.to_vec().unwrap() == text);
        assert!(input.held().is_none(), "it is in memory");
    }
}

#[test]
fn what_is_too_long_or_fails_is_told() {
    let error = asked(ended(0, &[7; 3 << 20], ""), (3 << 20) - 1)
        .err()
        .unwrap();
    assert_eq!(error.kind(), Kind::Transfer);
    assert!(
        error
            .message()
            .contains("`docker cp web:/a -` gives more than 2 MiB"),
        "{error}"
    );
    let gone = "Error response from daemon: No such container: web\n";
    let error = asked(ended(1, b"part", gone), 100).err().unwrap();
    assert_eq!(error.reason_word(), Some("not_found"));
}

#[test]
fn what_cannot_be_kept_is_told_once() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (stop, mut stopped) = oneshot::channel();
    let mut landing = Landing {
        spool: Some(Spool(BufWriter::with_capacity(0, full))),
        left: 100,
        most: 100,
        shown: String::new(),
        stop: Some(stop),
    };
    landing.take(b"one");
    landing.take(b"two");
    let error = stopped.try_recv().unwrap();
    assert_eq!(error.kind(), Kind::Local);
    assert!(error.message().contains("temporary file in `"), "{error}");
    assert!(landing.spool.is_none());
}
