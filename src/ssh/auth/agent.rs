//! Which keys does the agent hold? Asked over the agent's own socket, with a time limit: a
//! forwarded agent whose connection died never answers, and libssh2 would wait for it for ever.
//! The protocol is that of draft-miller-ssh-agent, requests 11 and 12.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Longest answer that is read.
const LIMIT: u32 = 1 << 20;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;

/// The public keys that the agent at `socket` holds, as on the wire.
///
/// # Errors
/// The agent is not there, does not answer in time, or makes no sense.
pub fn identities(socket: &Path, timeout: Duration) -> std::io::Result<Vec<Vec<u8>>> {
    let mut stream = UnixStream::connect(socket)?;
    let timeout = Some(timeout.max(Duration::from_millis(1)));
    stream.set_read_timeout(timeout)?;
    stream.set_write_timeout(timeout)?;
    stream.write_all(&[0, 0, 0, 1, REQUEST_IDENTITIES])?;
    let mut len = [0; 4];
    stream.read_exact(&mut len)?;
    let len = u32::from_be_bytes(len);
    if len > LIMIT {
        return Err(std::io::Error::other("the agent's answer is too long"));
    }
    let mut answer = vec![0; len as usize];
    stream.read_exact(&mut answer)?;
    parse(&answer).ok_or_else(|| std::io::Error::other("the agent's answer makes no sense"))
}

fn parse(answer: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (kind, rest) = answer.split_first()?;
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    if *kind != IDENTITIES_ANSWER {
        return None;
    }
    let mut keys = Vec::new();
    for _ in 0..u32::from_be_bytes(*count) {
        let (key, after) = string(rest)?;
        let (_comment, after) = string(after)?;
        keys.push(key.to_vec());
        rest = after;
    }
    Some(keys)
}

fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*len) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers() {
        assert_eq!(parse(b"\x0c\0\0\0\0"), Some(vec![]));
        let one = b"\x0c\0\0\0\x01\0\0\0\x02ab\0\0\0\x01c";
        assert_eq!(parse(one), Some(vec![b"ab".to_vec()]));
        for bad in [
            &b""[..],
            b"\x05",
            b"\x0c\0\0\0\x01",
            b"\x0c\xff\xff\xff\xff",
            b"\x05\0\0\0\0",
            &one[..15],
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_silent_agent_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let start = std::time::Instant::now();
        identities(&path, Duration::from_millis(50)).unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            parse(&bytes);
        }
    }
}
