//! Agent forwarding: asking for it, and the channels that the server then opens by itself.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::marker::PhantomData;

use libssh2_sys as raw;
use ssh2::{Error, Session};

use super::{Channel, Generic, check, libssh2_session_callback_set2, raw_session};

/// The number of the hook in `libssh2.h`.
const CALLBACK_AUTHAGENT: c_int = 7;

type Opened =
    unsafe extern "C" fn(*mut raw::LIBSSH2_SESSION, *mut raw::LIBSSH2_CHANNEL, *mut *mut c_void);

thread_local! {
    /// Channels that were opened and not taken yet. A thread has one session.
    static OPENED: RefCell<Vec<*mut raw::LIBSSH2_CHANNEL>> = const { RefCell::new(Vec::new()) };
}

/// Lets the server open channels to the agent; without this libssh2 refuses them.
pub fn accept(session: &Session) {
    // SAFETY: the session is alive; the hook has the signature of LIBSSH2_AUTHAGENT_FUNC, to which
    // libssh2 casts it back before it calls it.
    unsafe {
        let hook = std::mem::transmute::<Opened, Generic>(opened);
        libssh2_session_callback_set2(raw_session(session), CALLBACK_AUTHAGENT, Some(hook));
    }
}

unsafe extern "C" fn opened(
    _session: *mut raw::LIBSSH2_SESSION,
    channel: *mut raw::LIBSSH2_CHANNEL,
    _abstract: *mut *mut c_void,
) {
    OPENED.with_borrow_mut(|all| all.push(channel));
}

/// The channels to the agent that were opened since this was last asked.
pub fn take(session: &Session) -> Vec<Channel> {
    let all = OPENED.with_borrow_mut(std::mem::take);
    let channel = |raw| Channel {
        raw,
        session: session.clone(),
        not_send: PhantomData,
    };
    all.into_iter().map(channel).collect()
}

impl Channel {
    /// Asks the server to forward the agent to what will run on this channel.
    pub fn request_agent(&self) -> Result<(), Error> {
        // SAFETY: the channel is alive until `free` or drop.
        check(&self.session, unsafe {
            raw::libssh2_channel_request_auth_agent(self.raw)
        })
    }
}
