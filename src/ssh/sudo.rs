//! Becoming another user for one command: the command line that asks for it, and the conversation
//! with sudo until the command has begun.
//!
//! Two random words make it safe. sudo is told to prompt with the first: the password goes out when
//! exactly that word has come on standard error, once, and never after the command has begun. The
//! second is printed by what sudo starts, just before it becomes the command: from then on
//! everything is the command's own, and only then it gets its standard input. What came before
//! (prompt, lecture, complaints) is kept from the output. Pure, but for the random words.

mod refusal;

use std::io::Read as _;

use crate::error::{Error, Result};
use crate::quote;
use crate::secret::Secret;

/// As whom a command runs, and how to get there.
#[derive(Debug, Clone)]
pub struct Sudo {
    /// The user to become.
    pub user: String,
    /// The password that sudo may ask for. Without one it is told not to ask.
    pub password: Option<Secret>,
}

/// Bytes of what is said before the command begins that are looked at.
const TALK: usize = 64 << 10;

/// The beginning and the end of what doas prompts with (opendoas: `doas (LOGIN@HOST) password: `).
const DOAS: (&[u8], &[u8]) = (b"doas (", b") password: ");

/// Modes of a terminal that passes every byte on as it is and shows nothing of it (RFC 4254,
/// section 8): ICRNL, ISIG, ICANON, ECHO, OPOST and ONLCR off.
pub const RAW: &[u8] = &[
    36, 0, 0, 0, 0, 50, 0, 0, 0, 0, 51, 0, 0, 0, 0, 53, 0, 0, 0, 0, 70, 0, 0, 0, 0, 72, 0, 0, 0, 0,
    0,
];

/// Finds the way to become the user. Words: the user, the prompt, the word that says that the
/// command has begun, `ask` or not, the command, and something when this is a terminal. The login's own shell runs the command, as it
/// would without all this; messages are asked for in English, and the command does not notice.
const SCRIPT: &str = r#"user=$1 prompt=$2 began=$3 how=$4 command=$5 tty=$6
shell=${SHELL:-/bin/sh} locale=${LC_ALL-}
if [ "$(id -un 2>/dev/null)" = "$user" ]; then
  printf "%s\n" "$began" >&2
  exec "$shell" -c "$command"
fi
inner="printf \"%s\n\" \"\$1\" >&2
if [ -n \"\$5\" ]; then exec </dev/null; fi
if [ -n \"\$4\" ]; then LC_ALL=\$4; export LC_ALL; else unset LC_ALL; fi
exec \"\$2\" -c \"\$3\""
LC_ALL=C
export LC_ALL
if command -v sudo >/dev/null 2>&1; then
  if [ "$how" = ask ]; then
    exec sudo -S -p "$prompt" -H -u "$user" -- sh -c "$inner" sh "$began" "$shell" "$command" "$locale" "$tty"
  fi
  exec sudo -n -H -u "$user" -- sh -c "$inner" sh "$began" "$shell" "$command" "$locale" "$tty"
fi
if command -v doas >/dev/null 2>&1; then
  if [ -z "$tty" ]; then no=-n; else no=; fi
  exec doas $no -u "$user" -- sh -c "$inner" sh "$began" "$shell" "$command" "$locale" "$tty"
fi
echo "neither sudo nor doas" >&2
exit 127"#;

/// Where the conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing was asked yet.
    Waiting,
    /// The password is on its way, or there.
    Answered,
    /// sudo asked again, or for a password that nobody knows: it gets no other.
    Refused,
    /// The command runs.
    Began,
}

/// The conversation about one command.
pub struct Talk {
    sudo: Sudo,
    prompt: String,
    began: String,
    phase: Phase,
    /// The conversation is over a terminal.
    tty: bool,
    /// What was said before the command began, and up to where it has been looked at for prompts.
    said: Vec<u8>,
    looked: usize,
    /// What is still to be sent of the answer.
    answer: zeroize::Zeroizing<Vec<u8>>,
}

impl Talk {
    /// The conversation that `command` needs when it is to run like that, and the command line to
    /// start.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for a user's name that cannot be one, [`crate::error::Kind::Local`] without randomness.
    pub fn about(sudo: Option<&Sudo>, command: &str, tty: bool) -> Result<(Option<Talk>, String)> {
        let Some(sudo) = sudo else {
            return Ok((None, command.to_owned()));
        };
        if sudo.user.is_empty() || sudo.user.starts_with(['-', '#']) {
            let message = format!("`{}` is no name of a user", sudo.user.escape_debug());
            return Err(Error::usage(message));
        }
        let mut talk = Talk::new(sudo.clone(), word()?, word()?);
        talk.tty = tty;
        let command = talk.command(command)?;
        Ok((Some(talk), command))
    }

    fn new(sudo: Sudo, prompt: String, began: String) -> Self {
        Talk {
            sudo,
            prompt,
            began,
            phase: Phase::Waiting,
            tty: false,
            said: Vec::new(),
            looked: 0,
            answer: zeroize::Zeroizing::default(),
        }
    }

    fn command(&self, command: &str) -> Result<String> {
        let how = match self.sudo.password {
            Some(_) => "ask",
            None => "",
        };
        let words = [
            "exec",
            "sh",
            "-c",
            SCRIPT,
            "sh",
            &self.sudo.user,
            &self.prompt,
            &self.began,
            how,
            command,
            if self.tty { "tty" } else { "" },
        ];
        quote::words(&words)
    }

    /// Whether the command runs: what comes and goes is its own.
    pub fn has_begun(&self) -> bool {
        self.phase == Phase::Began
    }

    /// Whether sudo has asked for what it does not get: waiting for its end is of no use.
    pub fn is_refused(&self) -> bool {
        self.phase == Phase::Refused
    }

    /// Whether sudo or doas goes on only over a terminal. There is no end of input there, and the
    /// two outputs are one; so it is for what has no input, and only when nothing else works.
    pub fn wants_terminal(&self) -> bool {
        let said = String::from_utf8_lossy(&self.said);
        let doas = said.contains("doas: Authorization required")
            || said.contains("doas: Authentication required");
        let sudo = said.contains("must have a tty") || said.contains("no tty present");
        !self.tty
            && self.phase == Phase::Waiting
            && (sudo || (doas && self.sudo.password.is_some()))
    }

    /// Whether the conversation is over a terminal, where everything comes as one stream.
    pub fn is_tty(&self) -> bool {
        self.tty
    }

    /// Takes what came on standard error; gives how much of its end is the command's own.
    pub fn hear(&mut self, bytes: &[u8]) -> usize {
        if self.has_begun() {
            return bytes.len();
        }
        let before = self.said.len();
        self.said.extend_from_slice(bytes);
        let line = format!("{}\n", self.began);
        // It may have begun in what was there.
        let from = before.saturating_sub(line.len());
        if let Some(at) = find(&self.said[from..], line.as_bytes()).map(|at| from + at) {
            self.phase = Phase::Began;
            self.answer.clear();
            let own = self.said.len() - at - line.len();
            self.said.truncate(at);
            return own.min(bytes.len());
        }
        while let Some(at) = find(&self.said[self.looked..], self.prompt.as_bytes()) {
            self.looked += at + self.prompt.len();
            self.asked();
        }
        if self.tty
            && let Some(at) = find(&self.said[self.looked..], DOAS.1)
            && find(&self.said[self.looked..self.looked + at], DOAS.0).is_some()
        {
            self.looked += at + DOAS.1.len();
            self.asked();
        }
        // A prompt may have come in part; that of doas holds two names.
        let longest = self.prompt.len() + DOAS.0.len() + DOAS.1.len() + 128;
        let rest = self.said.len().saturating_sub(longest);
        self.looked = self.looked.max(rest);
        if self.said.len() > 2 * TALK {
            let surplus = self.said.len() - TALK;
            self.said.drain(..surplus);
            self.looked = self.looked.saturating_sub(surplus);
        }
        0
    }

    fn asked(&mut self) {
        self.phase = match (self.phase, &self.sudo.password) {
            (Phase::Waiting, Some(password)) => {
                self.answer.extend_from_slice(password.reveal().as_bytes());
                self.answer.push(b'\n');
                Phase::Answered
            }
            _ => {
                self.answer.clear();
                Phase::Refused
            }
        };
    }

    /// What is to be sent now.
    pub fn answer(&self) -> &[u8] {
        &self.answer
    }

    /// So much of it went.
    pub fn sent(&mut self, count: usize) {
        let gone = count.min(self.answer.len());
        self.answer.drain(..gone);
    }
}

/// 128 random bits in hexadecimal digits.
///
/// # Errors
/// [`crate::error::Kind::Local`] without randomness.
pub fn word() -> Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|e| Error::local(format!("no random numbers: {e}")).source(e))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|w| w == text)
}

#[cfg(test)]
mod tests;
