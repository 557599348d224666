//! Real sshd servers on loopback, to learn, to show and to test with.
//!
//! All that a sandbox is lies in one folder below the data folder, and that folder is the whole
//! state: one folder for each server (its sshd_config, host key, pid file, log and home), the key
//! that opens them, and the known_hosts that vouches for them. Nothing of the person's own
//! `~/.ssh` or home is read or written. Must not import `fleet` or anything to its right.

mod keys;
mod program;
mod server;

use std::collections::HashSet;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use self::program::Program;
use self::server::{ENTER, SandboxServer};
use crate::error::{Error, Result};
use crate::inventory::{Server, Store};

/// The tag of every sandbox server.
pub const TAG: &str = "sandbox";
/// More than this on one machine helps nobody.
pub const MOST: usize = 1000;

/// Ports are taken from here on upward, past those in use.
const FIRST_PORT: u16 = 22001;
/// How far up a server that lost a race for its port looks for another: below the ports that
/// systems give to outgoing connections.
const PORT_SPREAD: u16 = 9000;
/// How long an sshd may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(15);
/// Somebody may take a port between our look and sshd's bind: so often another one is tried.
const ROUNDS: usize = 5;

/// The sandbox below a data folder, up or not.
#[derive(Debug, Clone)]
pub struct Sandbox {
    dir: PathBuf,
}

/// One server of a sandbox, as [`Sandbox::up`] left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id in the inventory.
    pub id: String,
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// False when it was running before.
    pub is_new: bool,
}

/// The known_hosts file of the sandbox below `data_dir`, there or not.
pub fn known_hosts(data_dir: &Path) -> PathBuf {
    Sandbox::new(data_dir).dir.join("known_hosts")
}

impl Sandbox {
    /// The sandbox below `data_dir`.
    pub fn new(data_dir: &Path) -> Self {
        Sandbox {
            dir: data_dir.join("sandbox"),
        }
    }

    /// Makes `count` servers run, those that are there already counted in, and puts them into
    /// the inventory. More than `count` stay as they are; one that died is started again.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for a bad count or an id that is somebody else's,
    /// [`crate::error::Kind::Local`] when sshd is missing or does not start.
    pub fn up(&self, count: usize, store: &Store) -> Result<Vec<Member>> {
        if !(1..=MOST).contains(&count) {
            let message = format!("a sandbox has 1 to {MOST} servers, not {count}");
            return Err(Error::usage(message));
        }
        let program = Program::find()?;
        let user = program::user_name()?;
        let _lock = self.lock()?;
        let mut servers = self.servers()?;
        for number in 1..=count {
            let id = format!("sandbox-{number:02}");
            if !servers.iter().any(|s| s.id == id) {
                servers.push(SandboxServer::new(&self.dir, id));
            }
        }
        let rows = rows(&servers, store)?;
        let key = keys::ensure(&self.dir.join("id_ed25519"), "mroom sandbox")?;
        let idle: HashSet<String> = servers
            .iter()
            .filter(|s| s.listener().is_none())
            .map(|s| s.id.clone())
            .collect();
        Program::prepare()?;
        program::write(&self.dir.join("enter"), ENTER)?;
        start(&program, &key, &mut servers, &idle)?;
        self.write_known_hosts(&servers)?;
        for (server, row) in servers.iter().zip(rows) {
            let mut new = row.clone().unwrap_or_else(|| {
                let mut new = Server::new(&server.id, "", "", server.port);
                let path = key.private.display().to_string();
                new.meta.insert("local_cert_path".into(), path.into());
                new.description = Some("real sshd on loopback".into());
                new
            });
            new.host = Ipv4Addr::LOCALHOST.to_string();
            new.port = server.port;
            new.user.clone_from(&user);
            new.tags.insert(TAG.to_owned());
            if row.as_ref() != Some(&new) {
                store.put(&new, None)?;
            }
        }
        let member = |s: SandboxServer| Member {
            is_new: idle.contains(&s.id),
            port: s.port,
            id: s.id,
        };
        Ok(servers.into_iter().map(member).collect())
    }

    /// Empties the home of a server.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] when something in it cannot be removed.
    pub fn clear(&self, id: &str) -> Result<()> {
        let home = SandboxServer::new(&self.dir, id.to_owned()).home();
        if home.exists() {
            fs::remove_dir_all(&home).map_err(|e| program::failed("cannot remove", &home, e))?;
        }
        program::private_dir(&home)
    }

    /// Stops every server, takes them out of the inventory and removes the folder; gives their
    /// number, 0 when there was no sandbox.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] when an sshd does not end or the folder cannot be removed.
    pub fn down(&self, store: &Store) -> Result<usize> {
        if !self.dir.exists() {
            return Ok(0);
        }
        let _lock = self.lock()?;
        let servers = self.servers()?;
        servers.iter().for_each(SandboxServer::terminate);
        wait(&servers, "does not end", |s| s.listener().is_none())?;
        for server in &servers {
            if let Some(row) = store.get(&server.id)?
                && row.tags.contains(TAG)
            {
                store.remove(&server.id)?;
            }
        }
        fs::remove_dir_all(&self.dir)
            .map_err(|e| program::failed("cannot remove", &self.dir, e))?;
        Ok(servers.len())
    }

    /// Keeps two commands from working on the sandbox at once. Held until dropped; on the folder
    /// above, because ours goes away.
    fn lock(&self) -> Result<fs::File> {
        let above = self.dir.parent().unwrap_or(&self.dir);
        program::private_dir(&self.dir)?;
        let file = fs::File::open(above).map_err(|e| program::failed("cannot open", above, e))?;
        flock(&file, FlockOperation::LockExclusive)
            .map_err(|e| program::failed("cannot lock", above, e.into()))?;
        Ok(file)
    }

    /// The servers whose folders are there, by name.
    fn servers(&self) -> Result<Vec<SandboxServer>> {
        let entries =
            fs::read_dir(&self.dir).map_err(|e| program::failed("cannot read", &self.dir, e))?;
        let mut servers: Vec<SandboxServer> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.starts_with("sandbox-"))
            .map(|name| SandboxServer::new(&self.dir, name))
            .collect();
        servers.sort_by(|a, b| (a.id.len(), &a.id).cmp(&(b.id.len(), &b.id)));
        Ok(servers)
    }

    fn write_known_hosts(&self, servers: &[SandboxServer]) -> Result<()> {
        let mut text = String::new();
        for server in servers {
            let key = keys::ensure(&server.host_key(), "")?;
            text += &format!("[127.0.0.1]:{} {}\n", server.port, key.public.trim_end());
        }
        program::write(&self.dir.join("known_hosts"), &text)
    }
}

/// The servers' rows in the inventory, where there are any.
fn rows(servers: &[SandboxServer], store: &Store) -> Result<Vec<Option<Server>>> {
    let row = |server: &SandboxServer| match store.get(&server.id)? {
        Some(row) if !row.tags.contains(TAG) => {
            let message = format!("`{}` is already in the inventory", server.id);
            let hint = format!("`mroom rm {}` makes room for the sandbox's", server.id);
            Err(Error::usage(message).hint(hint))
        }
        row => Ok(row),
    };
    servers.iter().map(row).collect()
}

/// Starts the `idle` ones and waits until each listens.
fn start(
    program: &Program,
    key: &keys::Key,
    servers: &mut [SandboxServer],
    idle: &HashSet<String>,
) -> Result<()> {
    let mut taken: HashSet<u16> = servers
        .iter()
        .filter(|s| !idle.contains(&s.id))
        .map(|s| s.port)
        .collect();
    let mut waiting: Vec<&mut SandboxServer> = servers
        .iter_mut()
        .filter(|s| idle.contains(&s.id))
        .collect();
    for round in 0..ROUNDS {
        let mut launched = Vec::new();
        for server in waiting {
            server.port = free_port(server.port, first_port(&server.config(), round), &taken)?;
            taken.insert(server.port);
            server.write_config(program, key)?;
            keys::ensure(&server.host_key(), "")?;
            launched.push((program.launch(&server.config(), &server.log())?, server));
        }
        // Each sshd has forked into the background once its parent ends; all start side by side.
        waiting = Vec::new();
        for (mut parent, server) in launched {
            let ended = parent.wait();
            ended.map_err(|e| program::failed("cannot wait for", &server.config(), e))?;
            if !server.comes_up(Instant::now() + PATIENCE)? {
                waiting.push(server);
            }
        }
        if waiting.is_empty() {
            return Ok(());
        }
    }
    let ids: Vec<&str> = waiting.iter().map(|s| s.id.as_str()).collect();
    Err(Error::local(format!("no free port for {}", ids.join(", "))))
}

/// Where to look for ports. After a lost race each server looks in a place of its own, so that
/// two sandboxes that start together do not run into each other again and again.
fn first_port(config: &Path, round: usize) -> u16 {
    if round == 0 {
        return FIRST_PORT;
    }
    let mut hasher = DefaultHasher::new();
    (config, round).hash(&mut hasher);
    FIRST_PORT + (hasher.finish() % u64::from(PORT_SPREAD)) as u16
}

/// `wanted`, or the next port from `first` upward that nobody listens on.
fn free_port(wanted: u16, first: u16, taken: &HashSet<u16>) -> Result<u16> {
    let is_free = |port: &u16| {
        !taken.contains(port) && TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()
    };
    std::iter::once(wanted)
        .filter(|port| *port != 0)
        .chain(first..u16::MAX)
        .find(is_free)
        .ok_or_else(|| Error::local("no port is free on 127.0.0.1"))
}

/// Waits until `done` holds for all servers.
fn wait(
    servers: &[SandboxServer],
    complaint: &str,
    done: impl Fn(&SandboxServer) -> bool,
) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    for server in servers {
        while !done(server) {
            if Instant::now() > deadline {
                let message = format!("the sandbox's sshd {complaint}");
                return Err(Error::local(message).server(&server.id));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    Ok(())
}
