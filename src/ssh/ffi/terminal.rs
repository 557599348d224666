//! What a shell or command gets besides its channel: a terminal, variables.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::ptr;

use libssh2_sys as raw;
use ssh2::Error;

use super::{Channel, check};

impl Channel {
    /// Asks for the login shell.
    pub fn start_shell(&self) -> Result<(), Error> {
        const KIND: &[u8] = b"shell";
        // SAFETY: pointer and length describe KIND; no message.
        let rc = unsafe {
            raw::libssh2_channel_process_startup(
                self.raw,
                KIND.as_ptr().cast(),
                KIND.len() as _,
                ptr::null(),
                0,
            )
        };
        check(&self.session, rc)
    }

    /// Asks for a terminal of that type, of so many columns and rows, with encoded modes (RFC 4254,
    /// section 8).
    pub fn request_pty(&self, term: &str, modes: &[u8], size: (u16, u16)) -> Result<(), Error> {
        let (columns, rows) = (c_int::from(size.0), c_int::from(size.1));
        // SAFETY: pointers and lengths describe the text and the modes; libssh2 copies them.
        let rc = unsafe {
            raw::libssh2_channel_request_pty_ex(
                self.raw,
                term.as_ptr().cast(),
                term.len() as _,
                modes.as_ptr().cast(),
                modes.len() as _,
                columns,
                rows,
                0,
                0,
            )
        };
        check(&self.session, rc)
    }

    /// Tells the size of the terminal.
    pub fn resize_pty(&self, (columns, rows): (u16, u16)) -> Result<(), Error> {
        let (columns, rows) = (c_int::from(columns), c_int::from(rows));
        // SAFETY: the channel is alive until `free` or drop.
        check(&self.session, unsafe {
            raw::libssh2_channel_request_pty_size_ex(self.raw, columns, rows, 0, 0)
        })
    }

    /// Sets a variable of the command's environment; most servers refuse most names.
    pub fn set_env(&self, name: &str, value: &str) -> Result<(), Error> {
        // SAFETY: pointers and lengths describe the two texts; libssh2 copies them.
        let rc = unsafe {
            raw::libssh2_channel_setenv_ex(
                self.raw,
                name.as_ptr().cast(),
                name.len() as _,
                value.as_ptr().cast(),
                value.len() as _,
            )
        };
        check(&self.session, rc)
    }
}
