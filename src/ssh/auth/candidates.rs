//! Which keys to try, and in which order.

use std::path::PathBuf;
use std::time::Duration;

use ssh_key::PublicKey;

use super::agent;
use super::keys::{KeyRing, public_half};
use crate::events::Level;
use crate::ssh::{Options, Target};

/// How long the agent may take to list its keys.
const AGENT_PATIENCE: Duration = Duration::from_secs(3);

/// A way to prove a key.
pub enum Candidate {
    /// The agent's copy of this public key.
    Agent(Vec<u8>),
    /// A private key file.
    File(PathBuf),
}

/// With a key of its own, a target has that one alone, from the agent first: it may be
/// encrypted on disk. Without one, or when that one must not be offered: the identities (from the
/// agent when it has them), then the agent's other keys.
///
/// `patience` is what is left for the agent's answer.
pub fn candidates(
    options: &Options,
    keys: &KeyRing,
    target: &Target,
    patience: Duration,
) -> Vec<Candidate> {
    let held = match target.key_only {
        true => Vec::new(),
        false => agent_keys(options, target, patience),
    };
    let without = target.without.as_deref().map(blob);
    // One whose public half nobody knows may be the very key: it proves nothing.
    let may_be = |file: &PathBuf| match &without {
        None => true,
        Some(without) => public_half(file, keys).is_some_and(|half| half != *without),
    };
    let own = target.key.as_ref().filter(|key| may_be(key));
    let mut held = held;
    held.retain(|key| without.as_ref() != Some(key));
    let files: Vec<PathBuf> = match own {
        Some(key) => vec![key.clone()],
        None => options
            .identities
            .iter()
            .filter(|p| p.is_file() && may_be(p))
            .cloned()
            .collect(),
    };
    let mut candidates = Vec::new();
    let mut used: Vec<Vec<u8>> = Vec::new();
    for file in files {
        let public = if held.is_empty() {
            None
        } else {
            public_half(&file, keys)
        };
        match public.filter(|p| held.contains(p)) {
            Some(blob) => {
                used.push(blob.clone());
                candidates.push(Candidate::Agent(blob));
                if own.is_some() {
                    candidates.push(Candidate::File(file));
                }
            }
            None => candidates.push(Candidate::File(file)),
        }
    }
    if own.is_none() {
        candidates.extend(
            held.into_iter()
                .filter(|b| !used.contains(b))
                .map(Candidate::Agent),
        );
    }
    candidates
}

/// `TYPE BASE64` as on the wire; what is no key is like none.
fn blob(text: &str) -> Vec<u8> {
    let key = PublicKey::from_openssh(text.trim());
    key.and_then(|key| key.to_bytes()).unwrap_or_default()
}

fn agent_keys(options: &Options, target: &Target, patience: Duration) -> Vec<Vec<u8>> {
    let Some(socket) = &options.agent else {
        return Vec::new();
    };
    agent::identities(socket, AGENT_PATIENCE.min(patience)).unwrap_or_else(|error| {
        let message = format!("the agent is not used: {error}");
        options.events.note(Level::Info, Some(&target.id), &message);
        Vec::new()
    })
}
