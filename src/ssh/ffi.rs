//! The few libssh2 calls that the `ssh2` crate lacks; here and in the modules below is the only
//! `unsafe` of the crate.
//!
//! What is missing there: whether an exit status arrived at all, signals, channels whose freeing
//! does not block, the socket hooks, and a list of authentication methods that survives invalid
//! UTF-8. A [`Channel`] keeps its [`Session`] alive and is used on the session's thread only.
#![allow(unsafe_code)]

pub mod agent;
mod terminal;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::ptr;

use libssh2_sys as raw;
use rustix::net::{RecvFlags, SendFlags};
use ssh2::{Error, ErrorCode, Session};

use super::net::wire;

/// Bytes that the server may send on a channel before we say "go on" (libssh2's default).
const WINDOW: u32 = 2 << 20;
/// The largest packet we take (libssh2's default).
const PACKET: u32 = 32_768;
/// Numbers of the socket hooks in `libssh2.h`.
const CALLBACK_SEND: c_int = 5;
const CALLBACK_RECV: c_int = 6;

type Generic = unsafe extern "C" fn();
type Recv = unsafe extern "C" fn(c_int, *mut c_void, usize, c_int, *mut *mut c_void) -> isize;
type Send = unsafe extern "C" fn(c_int, *const c_void, usize, c_int, *mut *mut c_void) -> isize;

unsafe extern "C" {
    fn libssh2_version(required: c_int) -> *const c_char;
    fn libssh2_channel_has_exit_status(channel: *mut raw::LIBSSH2_CHANNEL) -> c_int;
    fn libssh2_channel_signal_ex(
        channel: *mut raw::LIBSSH2_CHANNEL,
        name: *const c_char,
        len: usize,
    ) -> c_int;
    fn libssh2_session_callback_set2(
        session: *mut raw::LIBSSH2_SESSION,
        kind: c_int,
        callback: Option<Generic>,
    ) -> Option<Generic>;
}

/// The version of the libssh2 that is built in.
pub fn version() -> String {
    // SAFETY: zero asks for no least version; the answer is a constant text of the library's.
    let text = unsafe { CStr::from_ptr(libssh2_version(0)) };
    text.to_string_lossy().into_owned()
}

/// True for "try again when the socket is ready".
pub fn would_block(error: &Error) -> bool {
    error.code() == ErrorCode::Session(raw::LIBSSH2_ERROR_EAGAIN)
}

fn raw_session(session: &Session) -> *mut raw::LIBSSH2_SESSION {
    &raw mut *session.raw()
}

fn check(session: &Session, rc: c_int) -> Result<(), Error> {
    if rc < 0 {
        Err(Error::from_session_error(session, rc))
    } else {
        Ok(())
    }
}

/// Makes `session` read and write through [`wire`]. Its thread must have no other session.
pub fn hook_socket(session: &Session) {
    let raw = raw_session(session);
    // SAFETY: the session is alive; the hooks have the signatures of LIBSSH2_RECV_FUNC and
    // LIBSSH2_SEND_FUNC, to which libssh2 casts them back before it calls them.
    unsafe {
        let recv = std::mem::transmute::<Recv, Generic>(recv_hook);
        let send = std::mem::transmute::<Send, Generic>(send_hook);
        libssh2_session_callback_set2(raw, CALLBACK_RECV, Some(recv));
        libssh2_session_callback_set2(raw, CALLBACK_SEND, Some(send));
    }
}

unsafe extern "C" fn recv_hook(
    fd: c_int,
    buffer: *mut c_void,
    len: usize,
    _flags: c_int,
    _abstract: *mut *mut c_void,
) -> isize {
    // SAFETY: libssh2 passes the session's open socket, or the agent's, and a buffer of `len` bytes.
    let (fd, buffer) = unsafe {
        (
            BorrowedFd::borrow_raw(fd),
            std::slice::from_raw_parts_mut(buffer.cast::<MaybeUninit<u8>>(), len),
        )
    };
    let result = match wire::is_ours(fd) {
        true => wire::recv(fd, buffer),
        false => rustix::net::recv(fd, buffer, RecvFlags::empty()).map(|(_, n)| n),
    };
    result.map_or_else(|errno| -(errno.raw_os_error() as isize), |n| n as isize)
}

unsafe extern "C" fn send_hook(
    fd: c_int,
    buffer: *const c_void,
    len: usize,
    _flags: c_int,
    _abstract: *mut *mut c_void,
) -> isize {
    // SAFETY: as in `recv_hook`; the bytes are initialised, because they are about to be sent.
    let (fd, bytes) = unsafe {
        (
            BorrowedFd::borrow_raw(fd),
            std::slice::from_raw_parts(buffer.cast::<u8>(), len),
        )
    };
    if wire::is_ours(fd) {
        wire::send(fd, bytes);
        return len as isize;
    }
    rustix::net::send(fd, bytes, SendFlags::NOSIGNAL)
        .map_or_else(|errno| -(errno.raw_os_error() as isize), |n| n as isize)
}

/// The authentication methods that the server offers to `user`, separated by commas; empty when
/// it wants none. The `ssh2` crate's own call panics on a list that is not UTF-8.
pub fn auth_methods(session: &Session, user: &str) -> Result<String, Error> {
    let raw = raw_session(session);
    // SAFETY: pointer and length describe `user`; the answer lives until the next call on the
    // session and is copied at once.
    unsafe {
        let list = raw::libssh2_userauth_list(raw, user.as_ptr().cast(), user.len() as _);
        if !list.is_null() {
            return Ok(CStr::from_ptr(list).to_string_lossy().into_owned());
        }
    }
    match Error::last_session_error(session) {
        Some(error) if !session.authenticated() => Err(error),
        _ => Ok(String::new()),
    }
}

/// What a channel is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// One command or subsystem.
    Session,
    /// A connection that the server makes to that host and port (`direct-tcpip`).
    Direct {
        /// Name or address, without NUL bytes.
        host: String,
        /// TCP port.
        port: u16,
    },
}

/// A session channel. All calls return at once, with [`would_block`] errors when they must wait.
pub struct Channel {
    raw: *mut raw::LIBSSH2_CHANNEL,
    session: Session,
    /// libssh2 objects stay on the thread of their session.
    not_send: PhantomData<*mut ()>,
}

impl Channel {
    /// Opens a channel. An interrupted opening is state of the session: it must be continued to its
    /// end, with the same `opening`, before there may be another one.
    pub fn open(session: &Session, opening: &Opening) -> Result<Channel, Error> {
        let channel = match opening {
            Opening::Session => Self::open_session(session),
            Opening::Direct { host, port } => Self::open_direct(session, host, *port)?,
        };
        if channel.is_null() {
            return Err(Error::last_session_error(session).unwrap_or_else(Error::unknown));
        }
        Ok(Channel {
            raw: channel,
            session: session.clone(),
            not_send: PhantomData,
        })
    }

    fn open_session(session: &Session) -> *mut raw::LIBSSH2_CHANNEL {
        const KIND: &[u8] = b"session";
        // SAFETY: the session is alive; pointer and length describe KIND; no message.
        unsafe {
            raw::libssh2_channel_open_ex(
                raw_session(session),
                KIND.as_ptr().cast(),
                KIND.len() as _,
                WINDOW,
                PACKET,
                ptr::null(),
                0,
            )
        }
    }

    fn open_direct(
        session: &Session,
        host: &str,
        port: u16,
    ) -> Result<*mut raw::LIBSSH2_CHANNEL, Error> {
        let host = CString::new(host).map_err(|_| Error::unknown())?;
        // SAFETY: the session is alive; both texts end with NUL, and libssh2 copies them. The
        // originator's address is for the server's log only.
        Ok(unsafe {
            raw::libssh2_channel_direct_tcpip_ex(
                raw_session(session),
                host.as_ptr(),
                c_int::from(port),
                c"127.0.0.1".as_ptr(),
                0,
            )
        })
    }

    /// Asks for `exec` or `subsystem` with `what`.
    pub fn start(&self, request: &str, what: &str) -> Result<(), Error> {
        // SAFETY: pointers and lengths describe the two texts; libssh2 copies them.
        let rc = unsafe {
            raw::libssh2_channel_process_startup(
                self.raw,
                request.as_ptr().cast(),
                request.len() as _,
                what.as_ptr().cast(),
                what.len() as _,
            )
        };
        check(&self.session, rc)
    }

    /// Reads from stream 0 (stdout) or 1 (stderr). `Ok(0)` is the end only when [`Self::eof`].
    pub fn read(&self, stream: i32, buffer: &mut [u8]) -> Result<usize, Error> {
        // SAFETY: pointer and length describe `buffer`.
        let n = unsafe {
            raw::libssh2_channel_read_ex(self.raw, stream, buffer.as_mut_ptr().cast(), buffer.len())
        };
        check(&self.session, n as c_int).map(|()| n as usize)
    }

    /// Writes what the server's window allows.
    pub fn write(&self, bytes: &[u8]) -> Result<usize, Error> {
        // SAFETY: pointer and length describe `bytes`.
        let n = unsafe {
            raw::libssh2_channel_write_ex(self.raw, 0, bytes.as_ptr().cast(), bytes.len())
        };
        check(&self.session, n as c_int).map(|()| n as usize)
    }

    /// Says that nothing more will be written.
    pub fn send_eof(&self) -> Result<(), Error> {
        // SAFETY: the channel is alive until `free` or drop.
        check(&self.session, unsafe {
            raw::libssh2_channel_send_eof(self.raw)
        })
    }

    /// True when the server has said so and everything before it was read.
    pub fn eof(&self) -> bool {
        // SAFETY: as above.
        unsafe { raw::libssh2_channel_eof(self.raw) != 0 }
    }

    /// Waits for the server's close message; valid after [`Self::eof`].
    pub fn wait_closed(&self) -> Result<(), Error> {
        // SAFETY: as above.
        check(&self.session, unsafe {
            raw::libssh2_channel_wait_closed(self.raw)
        })
    }

    /// Sends a signal (name without `SIG`) to the remote process.
    pub fn signal(&self, name: &str) -> Result<(), Error> {
        // SAFETY: pointer and length describe `name`; libssh2 copies it.
        let rc = unsafe { libssh2_channel_signal_ex(self.raw, name.as_ptr().cast(), name.len()) };
        check(&self.session, rc)
    }

    /// The exit code, when one has arrived. libssh2 alone says 0 when none has.
    pub fn exit_code(&self) -> Option<i32> {
        // SAFETY: as above.
        unsafe {
            (libssh2_channel_has_exit_status(self.raw) != 0)
                .then(|| raw::libssh2_channel_get_exit_status(self.raw))
        }
    }

    /// The signal that ended the command, without `SIG`.
    pub fn exit_signal(&self) -> Option<String> {
        let mut name: *mut c_char = ptr::null_mut();
        let mut len = 0;
        // SAFETY: only the name is asked for; libssh2 allocates it, with a NUL at `len`, and it is
        // freed by libssh2 after it was copied.
        unsafe {
            let null = ptr::null_mut();
            let rc = raw::libssh2_channel_get_exit_signal(
                self.raw,
                &mut name,
                &mut len,
                null,
                ptr::null_mut(),
                null,
                ptr::null_mut(),
            );
            if rc != 0 || name.is_null() {
                return None;
            }
            let bytes = std::slice::from_raw_parts(name.cast::<u8>(), len);
            let signal = String::from_utf8_lossy(bytes).into_owned();
            raw::libssh2_free(raw_session(&self.session), name.cast());
            Some(signal)
        }
    }

    /// Closes and frees. While the server has not closed its side yet, gives the channel back.
    pub fn free(self) -> Option<Channel> {
        // SAFETY: after a success the pointer is dead, and forgetting `self` keeps drop from
        // using it again.
        let rc = unsafe { raw::libssh2_channel_free(self.raw) };
        if rc == raw::LIBSSH2_ERROR_EAGAIN {
            return Some(self);
        }
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: `this` is never used again, so the session is dropped exactly once.
        drop(unsafe { ptr::read(&this.session) });
        None
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        // SAFETY: one attempt, which never blocks; what it leaves is freed with the session.
        unsafe { raw::libssh2_channel_free(self.raw) };
    }
}
