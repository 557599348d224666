//! Runs the steps of plans on this machine: as root by sudo or doas, when this process is not root itself.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::machine::search_path;
use super::plan::Step;
use super::{fault, inside};
use crate::error::{Error, Result};
use crate::events::{Events, Interact, Level};
use crate::output::Output;
use crate::quote;
use crate::secret::Secret;
use crate::ssh::{Sudo, Talk};

mod process;

/// How long a look at sudo may take.
const LOOK: Duration = Duration::from_secs(20);
/// How often a person may mistype the password.
const TRIES: usize = 3;

/// What runs steps. A fake in tests.
pub trait Runner: Send + Sync {
    /// Sees to it that steps can be run as root; `name` is the tunnel's, `steps` what root is to do. A
    /// person may be asked for a password.
    ///
    /// # Errors
    /// [`Kind::Tunnel`], reason `rights`.
    fn ready(&self, name: &str, steps: &[String]) -> Result<()>;

    /// Runs a step to its end, in a network namespace when one is named. A code other than zero is no
    /// error here.
    ///
    /// # Errors
    /// [`Kind::Timeout`] after the step's patience, [`Kind::Cancelled`] when `stop` says so,
    /// [`Kind::Local`] when it cannot be started.
    fn run(&self, step: &Step, namespace: Option<&str>, stop: &dyn Fn() -> bool) -> Result<Output>;

    /// Runs a step that has a socket as its standard input and sends a descriptor there
    /// ([`super::inside`]); gives that, when it came.
    ///
    /// # Errors
    /// As [`Runner::run`].
    fn fetch(
        &self,
        step: &Step,
        namespace: &str,
        stop: &dyn Fn() -> bool,
    ) -> Result<(Output, Option<OwnedFd>)>;
}

/// This machine.
pub struct Here {
    events: Arc<dyn Events>,
    interact: Arc<dyn Interact>,
    root: Mutex<Option<Root>>,
}

/// How root's steps are run.
#[derive(Clone)]
enum Root {
    /// This process is root.
    Is,
    /// By sudo or doas, with the password that it asks for.
    By(Option<Secret>),
}

impl Here {
    /// Nobody is asked for anything before it is needed.
    pub fn new(events: Arc<dyn Events>, interact: Arc<dyn Interact>) -> Self {
        let root = rustix::process::geteuid().is_root().then_some(Root::Is);
        Here {
            events,
            interact,
            root: Mutex::new(root),
        }
    }

    fn root(&self) -> Option<Root> {
        self.root
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Tries whether root is to be had like that.
    fn try_root(&self, password: Option<Secret>) -> Result<()> {
        let root = Root::By(password);
        let output = go(
            &root,
            &Step::new(["true"]).patience(LOOK),
            Stdin::Text(None),
            &|| false,
        )?;
        match output.is_success() {
            true => {
                *self.root.lock().unwrap_or_else(PoisonError::into_inner) = Some(root);
                Ok(())
            }
            false => Err(Error::exit("sudo", output)),
        }
    }

    fn go(&self, step: &Step, stdin: Stdin<'_>, stop: &dyn Fn() -> bool) -> Result<Output> {
        match (step.as_self, self.root()) {
            (true, _) => go(&Root::Is, step, stdin, stop),
            (false, Some(root)) => go(&root, step, stdin, stop),
            // What nobody prepared may still be allowed.
            (false, None) => go(&Root::By(None), step, stdin, stop),
        }
    }
}

impl Runner for Here {
    fn ready(&self, name: &str, steps: &[String]) -> Result<()> {
        if self.root().is_some() {
            return Ok(());
        }
        let told: String = steps.iter().map(|s| format!("\n  {s}")).collect();
        let message = format!("the tunnel `{name}` has root run:{told}");
        self.events.note(Level::Info, None, &message);
        let Err(refused) = self.try_root(None) else {
            return Ok(());
        };
        if !refused.message().contains("asks for a password") {
            return Err(no_rights(name, &refused));
        }
        for _ in 0..TRIES {
            let prompt =
                format!("Password for sudo, for the tunnel `{name}` (-v tells what it runs)");
            let Some(password) = self.interact.secret(&prompt) else {
                return Err(no_rights(name, &refused));
            };
            match self.try_root(Some(password)) {
                Ok(()) => return Ok(()),
                Err(e) if e.message().contains("refused the password") => {
                    self.events
                        .note(Level::Warning, None, "sudo refused the password");
                }
                Err(e) => return Err(no_rights(name, &e)),
            }
        }
        Err(fault(
            name,
            "rights",
            "needs root, and sudo refused the password",
        ))
    }

    fn run(&self, step: &Step, namespace: Option<&str>, stop: &dyn Fn() -> bool) -> Result<Output> {
        let stdin = Stdin::Text(step.stdin.as_ref());
        self.go(&within(step, namespace), stdin, stop)
    }

    fn fetch(
        &self,
        step: &Step,
        namespace: &str,
        stop: &dyn Fn() -> bool,
    ) -> Result<(Output, Option<OwnedFd>)> {
        let (near, far) = inside::pair()?;
        let stdin = Stdin::Socket(&near, far);
        let output = self.go(&within(step, Some(namespace)), stdin, stop)?;
        Ok((output, inside::receive(&near)))
    }
}

/// Whether this process is root, or becomes root without being asked for a password.
pub fn may_root() -> bool {
    rustix::process::geteuid().is_root() || {
        let look = Step::new(["true"]).patience(LOOK);
        go(&Root::By(None), &look, Stdin::Text(None), &|| false).is_ok_and(|o| o.is_success())
    }
}

/// What a step reads.
enum Stdin<'a> {
    Text(Option<&'a Secret>),
    /// The second of a pair of sockets.
    Socket(&'a OwnedFd, OwnedFd),
}

/// Why root is not to be had.
fn no_rights(name: &str, why: &Error) -> Error {
    let message = match why.message() {
        m if m.contains("neither sudo nor doas") => {
            "needs root, and this machine has neither sudo nor doas".to_owned()
        }
        m if m.contains("asks for a password") => {
            "needs root, sudo asks for a password, and nobody is there to type it".to_owned()
        }
        m => format!("needs root: {}", m.replace("this login", "this user")),
    };
    let name_word = quote::typed(name);
    fault(name, "rights", message).hint(format!(
        "run it as root or on a terminal, or give this user `NOPASSWD` in sudoers; \
         `mroom doctor tunnel {name_word}` lists what is run"
    ))
}

/// The step as it runs in a namespace: only root gets in there.
pub fn within(step: &Step, namespace: Option<&str>) -> Step {
    let Some(namespace) = namespace else {
        return step.clone();
    };
    let before = ["ip", "netns", "exec", namespace].map(str::to_owned);
    Step {
        argv: before
            .into_iter()
            .chain(step.argv.iter().cloned())
            .collect(),
        as_self: false,
        ..step.clone()
    }
}

/// One line for a person: what is run, without what it reads.
pub fn shown(step: &Step) -> String {
    quote::words(&step.argv).unwrap_or_else(|_| format!("{:?}", step.argv))
}

fn go(root: &Root, step: &Step, stdin: Stdin<'_>, stop: &dyn Fn() -> bool) -> Result<Output> {
    let (program, rest) = step
        .argv
        .split_first()
        .ok_or_else(|| Error::local("a step without a program"))?;
    let (mut command, talk) = match root {
        Root::Is => {
            let mut command = Command::new(find(program));
            command.args(rest);
            (command, None)
        }
        Root::By(password) => {
            let sudo = Sudo {
                user: "root".to_owned(),
                password: password.clone(),
            };
            let (talk, line) = Talk::about(Some(&sudo), &quote::words(&step.argv)?, false)?;
            let mut command = Command::new("/bin/sh");
            command.args(["-c", &line]);
            (command, talk)
        }
    };
    // Answers are read in English; the words of steps are for sh, whatever the user's shell is.
    command
        .env("LC_ALL", "C")
        .env("SHELL", "/bin/sh")
        .env("PATH", search_path());
    let kill = |group: i32, signal: &str| {
        // Who cannot be ended ends by itself, or stays: nothing else can be done.
        let _ = go(root, &killing(group, signal), Stdin::Text(None), &|| false);
    };
    let is_other = matches!(root, Root::By(_));
    let job = process::Job {
        name: program,
        talk,
        patience: step.patience,
        stop,
        kill: if is_other { Some(&kill) } else { None },
    };
    match stdin {
        Stdin::Text(text) => {
            command.stdin(Stdio::piped());
            job.run(
                command,
                text.map(|t| t.reveal().as_bytes()).unwrap_or_default(),
                None,
            )
        }
        Stdin::Socket(near, far) => {
            command.stdin(Stdio::from(far));
            job.run(command, &[], Some(near))
        }
    }
}

/// Sends a signal to a process group, in the only words that dash's own `kill`, bash's and procps' all take as
/// that: dash knows no `--` after `-TERM`, and procps without a `--` takes `-123` for everybody.
fn killing(group: i32, signal: &str) -> Step {
    let group = format!("-{group}");
    Step::new(["kill", "-s", signal, "--", &group]).patience(Duration::from_secs(5))
}

/// A program by the path that [`search_path`] finds it under, so that the user's `PATH` decides nothing.
fn find(program: &str) -> PathBuf {
    super::machine::program(program).unwrap_or_else(|| PathBuf::from(program))
}

#[cfg(test)]
mod tests;
