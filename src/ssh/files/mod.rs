//! Files and folders to and from a server, over SFTP, and over plain commands where there is none.
//!
//! [`single`] has whole files, [`upload`] and [`download`] have trees, [`shell`] the way without
//! SFTP. Below them: [`sftp`] keeps many requests on their way over one channel, [`requests`] are
//! what it can be asked, [`packet`] is their form on the wire, [`tree`] the local side.
//! Knows the driver and `exec`; must not know how a session came about.

pub mod download;
mod packet;
mod requests;
mod sftp;
pub mod shell;
pub mod single;
pub mod tree;
pub mod upload;
