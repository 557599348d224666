//! Proving who we are: keys, the agent, a password, a password asked for interactively.
//!
//! Each refused try counts against the server's `MaxAuthTries` (6 by default), so a target with
//! its own key tries that one alone, and others few. Nothing secret is kept or printed here.

mod agent;
mod candidates;
mod keys;
mod prompts;

pub use agent::identities as agent_keys;
pub use keys::KeyRing;

use std::path::Path;

use ssh2::ErrorCode;

use crate::error::{Error, Kind, Result};
use crate::events::{Level, Step};
use crate::quote;
use crate::secret::Secret;
use crate::ssh::connect::{Halt, Link, words};
use crate::ssh::net::tcp::{Patience, Stop, abandoned};
use crate::ssh::{Options, Target, ffi};
use candidates::{Candidate, candidates};
use prompts::Answers;

/// Keys tried at most, so that a password has a try left.
const MAX_KEYS: usize = 4;

/// Authenticates `link` as the target's user.
///
/// # Errors
/// [`Kind::Auth`] says what was tried and what the server offers.
pub fn authenticate(
    link: &mut Link<'_>,
    options: &Options,
    keys: &KeyRing,
    target: &Target,
) -> Result<()> {
    if target.key_only && target.key.is_none() {
        return Err(Error::usage("a proof by key alone needs a key"));
    }
    let mut attempt = Attempt {
        link,
        options,
        keys,
        target,
        tried: Vec::new(),
        offered: String::new(),
    };
    attempt.run()
}

struct Attempt<'a, 'l> {
    link: &'a mut Link<'l>,
    options: &'a Options,
    keys: &'a KeyRing,
    target: &'a Target,
    tried: Vec<String>,
    offered: String,
}

impl Attempt<'_, '_> {
    fn run(&mut self) -> Result<()> {
        if self.ask_methods()? {
            return Ok(());
        }
        if self.offers("publickey") && self.try_keys()? {
            return Ok(());
        }
        let Some(password) = self
            .target
            .password
            .clone()
            .filter(|p| !p.is_empty() && !self.target.key_only)
        else {
            return Err(self.refused());
        };
        // A server that wants a key *and* a password offers the password only now.
        if !self.offers("password") && !self.offers("keyboard-interactive") && self.ask_methods()? {
            return Ok(());
        }
        if self.offers("password") && self.try_password(&password)? {
            return Ok(());
        }
        if self.offers("keyboard-interactive") && self.try_interactive(&password)? {
            return Ok(());
        }
        Err(self.refused())
    }

    fn offers(&self, method: &str) -> bool {
        self.offered.split(',').any(|m| m == method)
    }

    /// Asks what the server offers; true when it wants nothing.
    fn ask_methods(&mut self) -> Result<bool> {
        let user = &self.target.user;
        match self
            .link
            .drive(|session, _| ffi::auth_methods(session, user))
        {
            Ok(offered) => {
                self.step(Step::Offered(offered.clone()));
                self.offered = offered;
            }
            Err(halt) => return Err(self.halted(halt)),
        }
        Ok(self.link.session.authenticated())
    }

    fn try_keys(&mut self) -> Result<bool> {
        let patience = self.link.patience.left();
        for candidate in candidates(self.options, self.keys, self.target, patience) {
            if self.tried.len() >= MAX_KEYS {
                break;
            }
            let accepted = match &candidate {
                Candidate::Agent(blob) => self.try_agent(blob)?,
                Candidate::File(path) => self.try_file(path)?,
            };
            if accepted {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn try_agent(&mut self, blob: &[u8]) -> Result<bool> {
        let name = match ssh_key::PublicKey::from_bytes(blob) {
            Ok(key) => format!("the agent's {}", key.fingerprint(ssh_key::HashAlg::Sha256)),
            Err(_) => "a key of the agent".to_owned(),
        };
        let ready = || -> Result<_, ssh2::Error> {
            let mut agent = self.link.session.agent()?;
            if let Some(socket) = &self.options.agent {
                agent.set_identity_path(socket)?;
            }
            agent.connect()?;
            agent.list_identities()?;
            let identity = agent.identities()?.into_iter().find(|i| i.blob() == blob);
            Ok(identity.map(|identity| (agent, identity)))
        };
        let Ok(Some((agent, identity))) = ready() else {
            return Ok(false);
        };
        let user = &self.target.user;
        let result = self.link.drive(|_, _| agent.userauth(user, &identity));
        self.judge(result, name)
    }

    fn try_file(&mut self, path: &Path) -> Result<bool> {
        let key = match self.keys.load(path) {
            Ok(key) => key,
            Err(error) => return self.unusable(error),
        };
        let mut passphrase = None;
        if key.encrypted {
            let interact = &self.options.interact;
            passphrase = self
                .link
                .patience
                .pause(|| key.passphrase(path, &**interact));
            if passphrase.is_none() {
                let message = format!(
                    "key `{}` is encrypted, and there is nobody to ask for its passphrase",
                    path.display()
                );
                return self.unusable(
                    Error::new(Kind::Auth, message).hint("add it to the agent with `ssh-add`"),
                );
            }
        }
        let user = &self.target.user;
        let secret = passphrase.as_ref().map(Secret::reveal);
        let result = self
            .link
            .drive(|session, _| session.userauth_pubkey_memory(user, None, &key.text, secret));
        if let Err(Halt::Ssh(error)) = &result
            && !is_refusal(error)
        {
            let message = if key.encrypted {
                key.forget_passphrase();
                format!("the passphrase of key `{}` is wrong", path.display())
            } else {
                format!("key `{}` cannot be used: {}", path.display(), words(error))
            };
            return self.unusable(Error::new(Kind::Auth, message));
        }
        self.judge(result, format!("key `{}`", path.display()))
    }

    /// The target's own key must be usable, unless a password is there too; one of several
    /// identities is passed over.
    fn unusable(&mut self, error: Error) -> Result<bool> {
        if self.target.key.is_some() && (self.target.key_only || self.target.password.is_none()) {
            return Err(error);
        }
        let level = if self.target.key.is_some() {
            Level::Warning
        } else {
            Level::Info
        };
        self.options
            .events
            .note(level, Some(&self.target.id), error.message());
        Ok(false)
    }

    fn try_password(&mut self, password: &Secret) -> Result<bool> {
        let user = &self.target.user;
        let result = self
            .link
            .drive(|session, _| session.userauth_password(user, password.reveal()));
        self.judge(result, "password".to_owned())
    }

    fn try_interactive(&mut self, password: &Secret) -> Result<bool> {
        let user = &self.target.user;
        let mut answers = Answers::new(password, &*self.options.interact);
        let result = self.link.drive(|session, patience: &mut Patience| {
            let result = session.userauth_keyboard_interactive(user, &mut answers);
            patience.forgive(answers.thinking_time());
            result
        });
        let name = match answers.gave_up() {
            true => "keyboard-interactive (it asks for more than a password)",
            false => "keyboard-interactive",
        };
        self.judge(result, name.to_owned())
    }

    fn step(&self, step: Step) {
        self.options.events.step(&self.target.id, step);
    }

    fn judge(&mut self, result: Result<(), Halt>, name: String) -> Result<bool> {
        let (with, accepted) = (name.clone(), result.is_ok());
        self.step(Step::Tried { with, accepted });
        match result {
            Ok(()) => return Ok(self.link.session.authenticated()),
            Err(Halt::Ssh(error))
                if error.code()
                    == ErrorCode::Session(libssh2_sys::LIBSSH2_ERROR_PASSWORD_EXPIRED) =>
            {
                return Err(Error::new(
                    Kind::Auth,
                    format!("the password of `{}` has expired", self.target.user),
                )
                .hint("log in by hand and set a new one"));
            }
            Err(Halt::Ssh(_)) => self.tried.push(name),
            Err(halt) => {
                self.tried.push(name);
                return Err(self.halted(halt));
            }
        }
        Ok(false)
    }

    fn halted(&self, halt: Halt) -> Error {
        let seconds = self.link.patience.total().as_secs_f32();
        match halt {
            Halt::Stop(Stop::Abandoned) => abandoned(),
            Halt::Stop(Stop::Timeout) => Error::new(
                Kind::Connect,
                format!("authentication timed out after {seconds} s"),
            ),
            Halt::Gone(how) if !self.tried.is_empty() => {
                let message = format!(
                    "{how} during authentication, after {}",
                    self.tried.join(", ")
                );
                Error::new(Kind::Auth, message)
                    .hint("servers do so after too many tries: give this one its own key")
            }
            Halt::Gone(how) => Error::new(Kind::Connect, format!("{how} before authentication")),
            Halt::Flood => Error::new(
                Kind::Connect,
                "the server floods us instead of authenticating",
            ),
            Halt::Ssh(error) => Error::new(
                Kind::Auth,
                format!("authentication failed: {}", words(&error)),
            ),
        }
    }

    fn refused(&self) -> Error {
        let user = &self.target.user;
        let tried = match self.tried.as_slice() {
            [] => "nothing could be tried".to_owned(),
            list => format!("tried {}", list.join(", ")),
        };
        // The list comes from the server: shown, but tamed.
        let offered: String = self
            .offered
            .chars()
            .filter(|c| c.is_ascii_graphic())
            .take(200)
            .collect();
        let message = format!("`{user}` was refused: {tried}; the server offers {offered}");
        let id = quote::word(&self.target.id).unwrap_or_default();
        let hint = if self.target.key_only {
            "the server does not accept this key yet".to_owned()
        } else if self.target.password.is_some() {
            "is the password right, and the user allowed to log in?".to_owned()
        } else if self.offers("password") || self.offers("keyboard-interactive") {
            format!("give it a password (`mroom set {id} --ask-password`) or a key (`key=FILE`)")
        } else {
            format!("give it a key that the server accepts: `mroom set {id} key=FILE`")
        };
        Error::new(Kind::Auth, message).hint(hint)
    }
}

fn is_refusal(error: &ssh2::Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::Session(
            libssh2_sys::LIBSSH2_ERROR_AUTHENTICATION_FAILED
                | libssh2_sys::LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED
        )
    )
}
