//! MachineRoom runs a room of servers: an inventory in SQLite, SSH to all of them at once, and
//! Lua on top.
//!
//! # Architecture
//! A module imports only what stands to its left, and groups between `|` do not know each other;
//! a test reads this drawing and holds the code to it.
//! ```text
//! output error cancel descriptors quote secret tokens events config sshconfig
//!   <  db inventory journal | ssh | scan
//!   <  docker | tunnel  <  fleet | sandbox  <  lua | ui  <  cli  <  main
//! ```
//! - [`error`], [`output`], [`cancel`], [`descriptors`], [`quote`], [`secret`], [`events`]: the vocabulary that
//!   everything speaks. [`tokens`]: Lua source taken apart. [`config`]: settings, their origin, and the folders. [`sshconfig`]: what
//!   ssh's own configuration says of a host.
//! - [`db`]: the one SQLite connection and its migrations. [`inventory`]: servers, the list-file
//!   format, selection patterns, the store. [`journal`]: the log of what went to servers.
//!   [`ssh`]: one thread per session behind [`ssh::Transport`]. [`scan`]: which TCP ports answer.
//! - [`docker`]: what is asked of docker on a server, and its answers as records. [`tunnel`]: VPN tunnels,
//!   from a profile to a way on which a server answers.
//! - [`fleet`]: the [`fleet::Room`] that joins them, and the bounded parallel map with one outcome
//!   per server. [`sandbox`]: real sshd servers on loopback, to learn and to test with.
//! - [`lua`]: the VM and its bindings; stages, playbooks and workflows are Lua files under
//!   `scripts/` and `stdlib/`, carried inside the binary. [`ui`]: everything a person sees.
//! - [`cli`]: the commands. `main` only runs them and sets the exit code.
//!
//! One third-party crate has one home: `mlua` and `minijinja` in `lua`, `ssh2` in `ssh`, `rusqlite` in `db`,
//! `inventory` and `journal`, `openssl` in `scan`, `boringtun` and `smoltcp` in `tunnel`, `indicatif` and `rustyline` in `ui`, `clap` in `cli`.

pub mod cancel;
pub mod cli;
pub mod config;
pub mod db;
pub mod descriptors;
pub mod docker;
pub mod error;
pub mod events;
pub mod fleet;
pub mod inventory;
pub mod journal;
pub mod lua;
pub mod output;
pub mod quote;
pub mod sandbox;
pub mod scan;
pub mod secret;
pub mod ssh;
pub mod sshconfig;
pub mod tokens;
pub mod tunnel;
pub mod ui;
