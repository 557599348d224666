//! What a tunnel's process and its users say to each other. Pure.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::inventory::{Tunnel, TunnelKind};
use crate::secret::Secret;

/// The version of all this: a process that speaks another is asked for its end, and for nothing else.
pub const VERSION: u32 = 1;

/// What a user says.
#[derive(Serialize, Deserialize)]
pub enum Ask {
    /// The first of all: what the process is for.
    Start(Box<Start>),
    /// Counts as a user from now on, if these are the process's version and [`Profile::digest`].
    Hold(u32, String),
    /// A connection for the descriptor that comes with it.
    Reach {
        /// Tells answers apart.
        id: u64,
        /// Where to.
        host: String,
        /// Its port.
        port: u16,
        /// Written to the descriptor before what comes.
        hello: Vec<u8>,
    },
    /// UDP for the descriptor that comes with it. There is no answer.
    Datagrams(SocketAddr),
    /// Nobody waits for that connection any more.
    Drop(u64),
    /// How is it?
    Facts,
    /// It is to end, whoever uses it.
    End,
}

/// What the process says.
#[derive(Serialize, Deserialize)]
pub enum Tell {
    /// The tunnel is up, and the user counts.
    Up,
    /// The tunnel does not come up.
    Failed(Fault),
    /// It is another tunnel, with so many users.
    Other(usize),
    /// What became of a connection.
    Done(u64, Option<Fault>),
    /// For a person.
    Note(Loudness, String),
    /// The answer to [`Ask::Facts`].
    Facts {
        /// Our address in it.
        address: Option<IpAddr>,
        /// Bytes that came, and that went.
        traffic: [u64; 2],
    },
    /// Somebody has asked for the end.
    Ended,
}

/// All that a process needs.
#[derive(Serialize, Deserialize)]
pub struct Start {
    /// [`VERSION`].
    pub version: u32,
    /// What the tunnel is.
    pub profile: Profile,
    /// Its server, resolved.
    pub gateway: SocketAddr,
    /// The folder of this tunnel.
    pub folder: PathBuf,
}

/// A WireGuard profile, with its secrets.
#[derive(Serialize, Deserialize)]
pub struct Profile {
    name: String,
    server: String,
    key: String,
    fields: Vec<(String, String)>,
}

impl Profile {
    /// That of the inventory.
    pub fn of(tunnel: &Tunnel) -> Self {
        let fields = tunnel.fields();
        Profile {
            name: tunnel.name.clone(),
            server: tunnel.server.clone(),
            key: tunnel.password.reveal().to_owned(),
            fields: fields
                .map(|(field, value)| (field.key.to_owned(), value.reveal().to_owned()))
                .collect(),
        }
    }

    /// As the inventory has it.
    ///
    /// # Errors
    /// [`Kind::Usage`] for fields that this program does not know.
    pub fn tunnel(&self) -> Result<Tunnel> {
        let mut tunnel = Tunnel::new(&self.name, TunnelKind::WireGuard, &self.server);
        tunnel.password = Secret::new(&self.key);
        for (key, value) in &self.fields {
            tunnel.set(key, value)?;
        }
        Ok(tunnel)
    }

    /// The same for the same profile only; it gives nothing of it away.
    pub fn digest(&self) -> String {
        use sha2::Digest as _;
        let text = Zeroizing::new(serde_json::to_vec(self).unwrap_or_default());
        let digest = sha2::Sha256::digest(&*text);
        digest.iter().map(|b| format!("{b:02x}")).collect()
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.key.zeroize();
        for (_, value) in &mut self.fields {
            value.zeroize();
        }
    }
}

/// An error on its way.
#[derive(Serialize, Deserialize)]
pub struct Fault {
    kind: String,
    message: String,
    hint: Option<String>,
    reason: Option<String>,
}

/// The kinds that a tunnel's process knows, by their words.
const KINDS: [Kind; 4] = [Kind::Connect, Kind::Timeout, Kind::Tunnel, Kind::Usage];

impl Fault {
    /// That of an error.
    pub fn of(error: &Error) -> Self {
        Fault {
            kind: error.kind().as_str().to_owned(),
            message: error.message().to_owned(),
            hint: error.hint_text().map(Into::into),
            reason: error.reason_word().map(Into::into),
        }
    }

    /// The error again.
    pub fn error(self) -> Error {
        let kind = KINDS.into_iter().find(|kind| kind.as_str() == self.kind);
        let mut error = Error::new(kind.unwrap_or(Kind::Local), self.message);
        if let Some(hint) = self.hint {
            error = error.hint(hint);
        }
        match self.reason {
            Some(reason) => error.reason(reason),
            None => error,
        }
    }
}

/// [`Level`] on its way.
#[derive(Serialize, Deserialize, Clone, Copy)]
pub enum Loudness {
    /// See there.
    Debug,
    /// See there.
    Info,
    /// See there.
    Notice,
    /// See there.
    Warning,
}

impl From<Level> for Loudness {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Loudness::Debug,
            Level::Info => Loudness::Info,
            Level::Notice => Loudness::Notice,
            Level::Warning => Loudness::Warning,
        }
    }
}

impl From<Loudness> for Level {
    fn from(loudness: Loudness) -> Self {
        match loudness {
            Loudness::Debug => Level::Debug,
            Loudness::Info => Level::Info,
            Loudness::Notice => Level::Notice,
            Loudness::Warning => Level::Warning,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_comes_back_and_any_change_shows() {
        let mut tunnel = Tunnel::new("lab", TunnelKind::WireGuard, "gw.example:51820");
        tunnel.password = Secret::new("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
        tunnel.set("address", "10.7.0.2/24").unwrap();
        let profile = Profile::of(&tunnel);
        assert_eq!(profile.tunnel().unwrap(), tunnel);
        tunnel.set("mtu", "1280").unwrap();
        assert_ne!(Profile::of(&tunnel).digest(), profile.digest());
        assert!(!profile.digest().contains("AQEB"));
    }

    #[test]
    fn errors_come_back() {
        let error = Error::new(Kind::Timeout, "no answer").hint("is it up?");
        let back = Fault::of(&error).error();
        assert_eq!((back.kind(), back.message()), (Kind::Timeout, "no answer"));
        assert_eq!(
            (back.hint_text(), back.reason_word()),
            (Some("is it up?"), None)
        );
        let local = Fault::of(&Error::local("disk").reason("x")).error();
        assert_eq!(
            (local.kind(), local.reason_word()),
            (Kind::Local, Some("x"))
        );
    }
}
