//! How a tunnel's process and its users speak: a length, an object as JSON, and with some a descriptor
//! (SCM_RIGHTS, unix(7)). Keeps nothing; what they say is [`super::words`].

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// The longest object.
const LONGEST: usize = 4 << 20;

/// Says something; `flags` may have it fail rather than wait for who does not listen.
///
/// # Errors
/// The other side is gone, or has no room. What was said before is then worth nothing either.
pub fn say(
    to: &UnixStream,
    what: &impl Serialize,
    with: Option<&OwnedFd>,
    flags: SendFlags,
) -> io::Result<()> {
    let mut bytes = Zeroizing::new(vec![0; 4]);
    serde_json::to_writer(&mut *bytes, what)?;
    let length = u32::try_from(bytes.len() - 4).map_err(|_| ErrorKind::InvalidInput)?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let passed = with.map(|fd| [fd.as_fd()]);
    if let Some(passed) = &passed {
        control.push(SendAncillaryMessage::ScmRights(passed));
    }
    let flags = flags | SendFlags::NOSIGNAL;
    let mut sent = rustix::io::retry_on_intr(|| {
        rustix::net::sendmsg(to, &[IoSlice::new(&bytes)], &mut control, flags)
    })?;
    while sent < bytes.len() {
        sent += rustix::io::retry_on_intr(|| rustix::net::send(to, &bytes[sent..], flags))?;
    }
    Ok(())
}

/// Waits for what comes next; `None` at the end.
///
/// # Errors
/// The other side is gone, or says what is none of this.
pub fn hear<T: DeserializeOwned>(from: &UnixStream) -> io::Result<Option<(T, Option<OwnedFd>)>> {
    let (mut length, mut got, mut passed) = ([0; 4], 0, None);
    while got < length.len() {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut room = [IoSliceMut::new(&mut length[got..])];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let came = match rustix::net::recvmsg(from, &mut room, &mut control, flags) {
            Ok(came) => came.bytes,
            Err(rustix::io::Errno::INTR) => continue,
            Err(e) => return Err(e.into()),
        };
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(mut descriptors) = message {
                passed = descriptors.next().or(passed);
            }
        }
        match (came, got) {
            (0, 0) => return Ok(None),
            (0, _) => return Err(ErrorKind::UnexpectedEof.into()),
            (came, _) => got += came,
        }
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut bytes = Zeroizing::new(vec![0; length]);
    let mut rest = from;
    rest.read_exact(&mut bytes)?;
    Ok(Some((serde_json::from_slice(&bytes)?, passed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::held::words::{Ask, Tell};
    use proptest::prelude::*;
    use std::io::Write as _;

    #[test]
    fn what_is_said_is_heard_with_its_descriptor() {
        let (near, far) = UnixStream::pair().unwrap();
        let (mut kept, passed) = UnixStream::pair().unwrap();
        let reach = Ask::Reach {
            id: 7,
            host: "db".to_owned(),
            port: 22,
            hello: vec![1, 2],
        };
        let passed = OwnedFd::from(passed);
        say(&near, &reach, Some(&passed), SendFlags::empty()).unwrap();
        say(&near, &Ask::End, None, SendFlags::empty()).unwrap();
        drop((near, passed));
        let (ask, socket) = hear::<Ask>(&far).unwrap().unwrap();
        assert!(matches!(
            ask,
            Ask::Reach {
                id: 7,
                port: 22,
                ..
            }
        ));
        let mut socket = UnixStream::from(socket.unwrap());
        socket.write_all(b"x").unwrap();
        kept.read_exact(&mut [0]).unwrap();
        let (ask, socket) = hear::<Ask>(&far).unwrap().unwrap();
        assert!(matches!(ask, Ask::End) && socket.is_none());
        assert!(hear::<Ask>(&far).unwrap().is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_heard_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let (mut near, far) = UnixStream::pair().unwrap();
            near.write_all(&bytes).unwrap();
            drop(near);
            let heard = hear::<Tell>(&far);
            prop_assert_eq!(matches!(heard, Ok(None)), bytes.is_empty());
        }
    }
}
