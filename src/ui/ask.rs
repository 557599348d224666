//! [`Ask`]: questions to the person at the terminal, one at a time.
//!
//! They are asked on `/dev/tty`, so that they work while standard input and output are pipes.

use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex, OnceLock};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::Screen;
use super::sanitize::one_line;
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::events::{HostKeyQuestion, Interact};
use crate::secret::Secret;

/// How often a waiting question looks whether the run was cancelled.
const PATIENCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// Longest answer, bytes.
const LONGEST: usize = 64 << 10;

/// Asks on the terminal of this process. Without one, the answer is no.
pub struct Ask {
    screen: Arc<Screen>,
    cancel: Cancel,
    yes: bool,
    one_at_a_time: Mutex<()>,
    before: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Ask {
    /// `yes` answers yes-or-no questions without asking; never that for a host key.
    pub fn new(screen: Arc<Screen>, cancel: Cancel, yes: bool) -> Self {
        Ask {
            screen,
            cancel,
            yes,
            one_at_a_time: Mutex::new(()),
            before: OnceLock::new(),
        }
    }

    /// What is done before each question: it connects Ctrl-C, so that one that is left while
    /// nothing is echoed finds the terminal as it was.
    pub fn before_asking(&self, connect: Box<dyn Fn() + Send + Sync>) {
        // The first one stays.
        let _ = self.before.set(connect);
    }

    /// A secret that is typed twice, because a typing error would lock everybody out.
    ///
    /// # Errors
    /// [`Kind::Usage`] when the two differ or nothing is typed; [`Kind::Locked`] without a
    /// terminal.
    pub fn new_secret(&self, prompt: &str) -> Result<Secret> {
        let first = self.secret(prompt).ok_or_else(|| self.nobody(prompt))?;
        if first.is_empty() {
            return Err(Error::usage("nothing was typed"));
        }
        let second = self
            .secret(&format!("{prompt} (again)"))
            .ok_or_else(|| self.nobody(prompt))?;
        if first != second {
            return Err(Error::usage("the two are not the same"));
        }
        Ok(first)
    }

    /// A line that is seen while it is typed; nothing typed is the default. `None` without a
    /// terminal, and when the run was cancelled.
    pub fn line(&self, prompt: &str, default: &str) -> Option<String> {
        let prompt = one_line(prompt);
        let question = match default {
            "" => format!("{prompt}:"),
            default => format!("{prompt} [{}]:", one_line(default)),
        };
        let answer = self.ask(&question, true)?;
        let answer = answer.reveal().trim();
        Some(if answer.is_empty() { default } else { answer }.to_owned())
    }

    fn nobody(&self, prompt: &str) -> Error {
        if self.cancel.is_cancelled() {
            return Error::new(Kind::Cancelled, "interrupted");
        }
        let prompt = prompt.to_lowercase();
        let what = prompt.strip_prefix("the ").unwrap_or(&prompt);
        Error::new(
            Kind::Locked,
            format!("there is no terminal to ask for the {what}"),
        )
    }

    fn ask(&self, question: &str, echo: bool) -> Option<Secret> {
        let _turn = self.one_at_a_time.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(before) = self.before.get() {
            before();
        }
        self.screen.begin_asking();
        let answer = self.read_answer(question, echo);
        self.screen.asked();
        let answer = answer.ok().flatten()?;
        if !echo {
            self.screen.redactor().add(&answer);
        }
        Some(answer)
    }

    fn read_answer(&self, question: &str, echo: bool) -> std::io::Result<Option<Secret>> {
        let mut tty = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/tty")?;
        let before = tcgetattr(&tty)?;
        if !echo {
            self.screen
                .keep_terminal(Some((tty.as_fd().try_clone_to_owned()?, before.clone())));
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            tcsetattr(&tty, OptionalActions::Flush, &silent)?;
        }
        write!(tty, "{question} ")?;
        let line = self.read_line(&mut tty);
        if !echo {
            tcsetattr(&tty, OptionalActions::Now, &before)?;
            self.screen.keep_terminal(None);
            // The person's own newline was not shown.
            writeln!(tty)?;
        } else if self.cancel.is_cancelled() {
            writeln!(tty)?;
        }
        line
    }

    /// A line, or `None` when the run was cancelled or the terminal is gone.
    fn read_line(&self, tty: &mut std::fs::File) -> std::io::Result<Option<Secret>> {
        let mut line = zeroize::Zeroizing::new(Vec::with_capacity(256));
        loop {
            if self.cancel.is_cancelled() {
                return Ok(None);
            }
            let mut wait = [PollFd::new(&*tty, PollFlags::IN)];
            match poll(&mut wait, Some(&PATIENCE)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(e) => return Err(e.into()),
            }
            let mut byte = [0];
            if tty.read(&mut byte)? == 0 || line.len() >= LONGEST {
                return Ok(None);
            }
            if byte[0] == b'\n' {
                return Ok(String::from_utf8(std::mem::take(&mut *line))
                    .ok()
                    .map(Secret::new));
            }
            line.push(byte[0]);
        }
    }
}

impl Interact for Ask {
    fn accept_host_key(&self, question: &HostKeyQuestion) -> bool {
        let (server, name) = (one_line(&question.server), one_line(&question.name));
        let (kind, print) = (
            one_line(&question.key_type),
            one_line(&question.fingerprint),
        );
        let text = format!(
            "{server}: the host key of {name} is not known yet: {kind} {print}\n\
             Accept and remember it? [yes/no]"
        );
        self.ask(&text, true)
            .is_some_and(|a| matches!(a.reveal().trim(), "yes" | "y"))
    }

    fn secret(&self, prompt: &str) -> Option<Secret> {
        self.ask(&format!("{}:", one_line(prompt)), false)
    }

    fn confirm(&self, question: &str) -> bool {
        let ask = || self.ask(&format!("{} [y/N]", one_line(question)), true);
        self.yes || ask().is_some_and(|a| matches!(a.reveal().trim(), "yes" | "y" | "Y"))
    }
}
