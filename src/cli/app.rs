//! [`App`]: what every command gets: the room, the screen, and a runtime when it asks for one.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::flags::{Acting, Color, Globals};
use super::signals::{self, Manner};
use super::vars;
use crate::cancel::Cancel;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::fleet::{Policy, Room, RunOptions};
use crate::journal::Run;
use crate::secret::Redactor;
use crate::ssh::{Options, Ssh};
use crate::ui::{Ask, Look, Progress, Screen, Telling};

/// Default private keys in the key folder, in the order in which they are tried.
const IDENTITIES: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

/// How often a connection is tried again before it counts as unreachable.
const RETRIES: u32 = 1;

/// Everything that a command needs. Cheap to make: the database, connections and the runtime come
/// into being when they are first used.
pub struct App {
    /// Settings, inventory, connections.
    pub room: Rc<Room>,
    /// Where everything is printed.
    pub screen: Arc<Screen>,
    /// The person at the terminal.
    pub ask: Arc<Ask>,
    /// How connections are made.
    pub ssh: Options,
    /// `--json`.
    pub json: bool,
    /// `--fold`.
    pub fold: bool,
    /// `--yes`.
    pub yes: bool,
    /// Whether somebody listens for Ctrl-C already.
    watched: Arc<AtomicBool>,
}

impl App {
    /// Reads the settings and builds the room. An error comes with the screen to print it on.
    pub fn new(globals: &Globals, acting: &Acting) -> Result<Self, (Arc<Screen>, Error)> {
        let redactor = Arc::new(Redactor::new());
        let look = Look {
            color: match globals.color {
                Color::Auto => None,
                Color::Always => Some(true),
                Color::Never => Some(false),
            },
            quiet: globals.quiet,
            verbose: globals.verbose,
        };
        let cancel = Cancel::new();
        let screen = Arc::new(Screen::new(look, redactor.clone(), cancel.clone()));
        let ask = Arc::new(Ask::new(screen.clone(), cancel.clone(), globals.yes));
        let watched = Arc::new(AtomicBool::new(false));
        let listen = (watched.clone(), cancel.clone(), screen.clone());
        ask.before_asking(Box::new(move || {
            if !listen.0.swap(true, Ordering::SeqCst) {
                // Without it the question is asked all the same.
                let _ = signals::watch(Manner::Command, listen.1.clone(), listen.2.clone());
            }
        }));
        match Self::build(globals, acting, (redactor, cancel), (&screen, &ask)) {
            Ok((room, ssh)) => Ok(App {
                watched,
                room,
                ssh,
                screen,
                ask,
                json: globals.json,
                fold: acting.fold,
                yes: globals.yes,
            }),
            Err(error) => Err((screen, error)),
        }
    }

    fn build(
        globals: &Globals,
        acting: &Acting,
        (redactor, cancel): (Arc<Redactor>, Cancel),
        (screen, ask): (&Arc<Screen>, &Arc<Ask>),
    ) -> Result<(Rc<Room>, Options)> {
        let config = Config::load(globals.project.as_deref())?;
        let telling = Telling {
            json: globals.json,
            diff: acting.diff,
        };
        let events = Arc::new(Progress::new(screen.clone(), telling));
        let interact = ask.clone();
        let ssh = Options {
            timeout: acting.timeout.unwrap_or(config.timeout()),
            retries: RETRIES,
            accept_new: acting.accept_new,
            known_hosts: config.known_hosts(),
            known_hosts_also: vec![
                "/etc/ssh/ssh_known_hosts".into(),
                crate::sandbox::known_hosts(config.data_dir()),
            ],
            identities: identities(&config),
            agent: std::env::var_os("SSH_AUTH_SOCK")
                .filter(|s| !s.is_empty())
                .map(Into::into),
            keepalive: config.keepalive(),
            events: events.clone(),
            interact: interact.clone(),
        };
        let options = RunOptions {
            policy: Policy {
                // Whoever is asked about each change wants one server after another.
                forks: match (acting.step, acting.forks) {
                    (true, _) => 1,
                    (false, forks) => forks.map_or(config.forks(), |n| n as usize),
                },
                serial: acting.serial,
                max_fail: acting.max_fail,
            },
            check: acting.check,
            step: acting.step,
            command_timeout: acting.command_timeout,
            retired: acting.retired,
            limit: acting.limit.clone(),
            no_tunnel: acting.no_tunnel,
            serial_tunnels: acting.serial_tunnels,
            jump: jump(&acting.jump),
            sudo: match (
                &acting.become_user,
                acting.r#become || acting.ask_become_pass,
            ) {
                (Some(user), _) => Some(user.clone()),
                (None, true) => Some("root".to_owned()),
                (None, false) => None,
            },
            ask_sudo_password: acting.ask_become_pass,
            vars: vars::read(&acting.extra_vars)?,
            run: Some(Run::of_process()),
        };
        let connector = Arc::new(Ssh::new(ssh.clone()));
        let room = Room::new(
            config,
            options,
            (events, interact),
            (redactor, cancel),
            connector,
        );
        Ok((room, ssh))
    }

    /// Runs async work on this thread with Ctrl-C connected, then closes all sessions.
    ///
    /// # Errors
    /// The work's own, and a runtime or signal handler that cannot be made.
    pub fn block_on<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.block_on_with(Manner::Command, work)
    }

    /// The same, with Ctrl-C in that manner.
    ///
    /// # Errors
    /// As [`App::block_on`].
    pub fn block_on_with<T>(
        &self,
        manner: Manner,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        if !self.watched.swap(true, Ordering::SeqCst) {
            signals::watch(manner, self.room.cancel.clone(), self.screen.clone())?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|e| Error::local(format!("cannot start: {e}")).source(e))?;
        runtime.block_on(async {
            let result = work.await;
            self.room.close().await;
            result
        })
    }

    /// Prints an error that ends the program; gives the exit code.
    pub fn fail(&self, error: &Error) -> u8 {
        if !self.room.cancel.is_cancelled() {
            return self.screen.fail(error);
        }
        if error.kind() != Kind::Cancelled {
            self.screen.fail(error);
        }
        signals::INTERRUPTED
    }

    /// Tells of results that could not be written, once; nothing is well then. Gives the exit code
    /// in place of `code`.
    pub fn unwritten(&self, code: u8) -> u8 {
        match self.screen.take_unwritten() {
            Some(error) => code.max(self.screen.fail(&error)),
            None => code,
        }
    }

    /// Waits for the command log, and leaves the terminal as it was. A reader of standard output that went away ends the program
    /// the way it ends any other.
    pub fn end(&self) {
        self.room.flush_log();
        self.screen.restore();
        if self.screen.is_pipe_closed() {
            let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGPIPE);
        }
    }
}

/// What `--jump` says; `none` is an empty way, and nothing leaves it to the servers.
fn jump(words: &[String]) -> Option<Vec<String>> {
    let words: Vec<String> = words.iter().map(|w| w.trim().to_owned()).collect();
    match words.as_slice() {
        [] => None,
        [word] if word == "none" => Some(Vec::new()),
        _ => Some(words),
    }
}

/// The private keys in the key folder that are there.
fn identities(config: &Config) -> Vec<PathBuf> {
    let folder = config.key_dir();
    IDENTITIES
        .iter()
        .map(|name| folder.join(name))
        .filter(|path| path.is_file())
        .collect()
}
