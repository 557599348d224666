//! A server that is only pretended: scripted answers, files in memory that operations work on, and a
//! record of every call. Specs of stages and playbooks run against it.

mod files;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::input::unread;
use super::transport::{CopyOptions, Effect, Exec, Reply, Transport};
use super::{Connector, Target};
use crate::error::{Error, Kind, Result};
use crate::output::{Output, Stream};
use files::{Disk, Node, What};

/// One call, as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A command.
    Exec {
        /// Its text.
        command: String,
        /// Reader or writer.
        effect: Effect,
        /// Its standard input.
        stdin: Vec<u8>,
        /// The user that it runs as, when that is not the login's own.
        sudo: Option<String>,
    },
    /// A file was read.
    Read(String),
    /// A file was written.
    Write {
        /// Where.
        path: String,
        /// What.
        content: Vec<u8>,
        /// With which permissions.
        mode: Option<u32>,
    },
    /// A local file was copied there.
    Upload(PathBuf, String),
    /// A file was copied from there.
    Download(String, PathBuf),
    /// The session was closed.
    Close,
}

/// Decides what a command answers; `None` leaves it to the next rule.
type Rule = Box<dyn Fn(&Exec) -> Option<Result<Output>> + Send>;

impl State {
    /// A file's content and mode.
    fn file(&self, path: &str) -> Option<(&Vec<u8>, u32)> {
        match self.disk.get(path) {
            Some(Node {
                what: What::File(content),
                mode,
                ..
            }) => Some((content, *mode)),
            _ => None,
        }
    }

    fn put(&mut self, path: &str, content: Vec<u8>, mode: u32) {
        let node = Node::new(What::File(content), mode);
        self.disk.insert(path.to_owned(), node);
    }
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    calls: Vec<Call>,
    disk: Disk,
    closed: bool,
}

/// A pretended server. Clones are the same server.
#[derive(Clone, Default)]
pub struct Fake(Arc<Mutex<State>>);

impl Fake {
    /// A server that knows no command yet and has no files.
    pub fn new() -> Self {
        Self::default()
    }

    /// `command`, exactly so, prints `stdout` and ends with 0. Later rules win.
    pub fn on(&self, command: &str, stdout: &str) {
        let output = Output {
            code: Some(0),
            stdout: stdout.into(),
            ..Output::default()
        };
        self.on_output(command, output);
    }

    /// `command`, exactly so, ends like this.
    pub fn on_output(&self, command: &str, output: Output) {
        let command = command.to_owned();
        self.answer(move |exec| (exec.command == command).then(|| Ok(output.clone())));
    }

    /// Asks `rule` about every command, before the rules that are there already.
    pub fn answer(&self, rule: impl Fn(&Exec) -> Option<Result<Output>> + Send + 'static) {
        self.state().rules.push(Box::new(rule));
    }

    /// Puts a file there.
    pub fn put(&self, path: &str, content: impl Into<Vec<u8>>, mode: u32) {
        self.state().put(path, content.into(), mode);
    }

    /// A file's content and mode.
    pub fn file(&self, path: &str) -> Option<(Vec<u8>, u32)> {
        let state = self.state();
        state
            .file(path)
            .map(|(content, mode)| (content.clone(), mode))
    }

    /// Every call so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The commands so far, in order.
    pub fn commands(&self) -> Vec<String> {
        let command = |call: &Call| match call {
            Call::Exec { command, .. } => Some(command.clone()),
            _ => None,
        };
        self.state().calls.iter().filter_map(command).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the call, then does it; nothing works after `close`.
    fn act<T: Send + 'static>(
        &self,
        call: Call,
        f: impl FnOnce(&mut State) -> Result<T>,
    ) -> Reply<T> {
        let mut state = self.state();
        let result = match state.closed {
            true => Err(Error::new(Kind::Connect, "the session is closed")),
            false => {
                state.calls.push(call);
                f(&mut state)
            }
        };
        Box::pin(std::future::ready(result))
    }
}

fn missing(path: &str) -> Error {
    Error::new(
        Kind::Transfer,
        format!("cannot read `{path}`: no such file"),
    )
}

impl Transport for Fake {
    fn exec(&self, request: Exec) -> Reply<Output> {
        let stdin = match request.stdin.to_vec() {
            Ok(stdin) => stdin,
            Err(e) => return Box::pin(std::future::ready(Err(unread(e)))),
        };
        self.act(
            Call::Exec {
                command: request.command.clone(),
                effect: request.effect,
                stdin,
                sudo: request.sudo.as_ref().map(|sudo| sudo.user.clone()),
            },
            |state| {
                let answer = state.rules.iter().rev().find_map(|rule| rule(&request));
                let answer = answer.or_else(|| files::answer(&mut state.disk, &request).map(Ok));
                let output = answer.unwrap_or_else(|| {
                    let stderr = format!("no answer for: {}\n", request.command).into_bytes();
                    Ok(Output {
                        code: Some(127),
                        stderr,
                        ..Output::default()
                    })
                })?;
                if let Some(sink) = &request.sink {
                    sink(Stream::Stdout, &output.stdout);
                    sink(Stream::Stderr, &output.stderr);
                }
                Ok(output)
            },
        )
    }

    fn read(&self, path: &str, limit: u64) -> Reply<Vec<u8>> {
        self.act(Call::Read(path.to_owned()), |state| {
            match state.file(path) {
                Some((content, _)) if content.len() as u64 > limit => {
                    Err(super::files::shell::too_long(path, limit))
                }
                Some((content, _)) => Ok(content.clone()),
                None => Err(missing(path)),
            }
        })
    }

    fn write(&self, path: &str, content: Vec<u8>, mode: Option<u32>) -> Reply<()> {
        let call = Call::Write {
            path: path.to_owned(),
            content: content.clone(),
            mode,
        };
        self.act(call, |state| {
            let mode = mode.or(state.file(path).map(|f| f.1)).unwrap_or(0o644);
            state.put(path, content, mode);
            Ok(())
        })
    }

    fn upload(&self, from: PathBuf, to: &str, options: CopyOptions) -> Reply<u64> {
        self.act(Call::Upload(from.clone(), to.to_owned()), |state| {
            let content = std::fs::read(&from).map_err(|e| {
                Error::new(
                    Kind::Transfer,
                    format!("cannot read `{}`: {e}", from.display()),
                )
                .source(e)
            })?;
            let size = content.len() as u64;
            state.put(to, content, options.mode.unwrap_or(0o644));
            Ok(size)
        })
    }

    fn download(&self, from: &str, to: PathBuf, _options: CopyOptions) -> Reply<u64> {
        self.act(Call::Download(from.to_owned(), to.clone()), |state| {
            let (content, _) = state.file(from).ok_or_else(|| missing(from))?;
            std::fs::write(&to, content).map_err(|e| {
                Error::new(
                    Kind::Transfer,
                    format!("cannot write `{}`: {e}", to.display()),
                )
                .source(e)
            })?;
            Ok(content.len() as u64)
        })
    }

    fn dial(&self, _host: &str, _port: u16) -> Reply<OwnedFd> {
        let socket = UnixStream::pair().map(|(near, _far)| OwnedFd::from(near));
        let socket = socket.map_err(|e| Error::local("no descriptor is left").source(e));
        Box::pin(std::future::ready(socket))
    }

    fn is_alive(&self) -> bool {
        !self.state().closed
    }

    fn close(&self) -> Reply<()> {
        let reply = self.act(Call::Close, |_| Ok(()));
        self.state().closed = true;
        reply
    }
}

/// Connects to pretended servers by their ids; to others there is no way.
#[derive(Clone, Default)]
pub struct FakeConnector(Arc<Mutex<BTreeMap<String, Fake>>>);

impl FakeConnector {
    /// Knows no server yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The server with this id, made when it is not there.
    pub fn server(&self, id: &str) -> Fake {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        servers.entry(id.to_owned()).or_default().clone()
    }

    /// Knows no server again.
    pub fn forget(&self) {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        servers.clear();
    }
}

impl Connector for FakeConnector {
    fn connect(&self, target: Target) -> Reply<Arc<dyn Transport>> {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if target.id.starts_with("tunnel ") {
            // What a tunnel over SSH goes to is no server that a spec speaks to.
            servers.entry(target.id.clone()).or_default();
        }
        let result = match servers.get(&target.id) {
            Some(fake) => {
                fake.state().closed = false;
                Ok(Arc::new(fake.clone()) as Arc<dyn Transport>)
            }
            None => Err(Error::new(Kind::Connect, "no such pretended server").server(target.id)),
        };
        Box::pin(std::future::ready(result))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    #[test]
    fn answers_remembers_and_closes() {
        let fake = Fake::new();
        fake.answer(|exec| {
            exec.command.starts_with("test ").then(|| {
                Ok(Output {
                    code: Some(1),
                    ..Output::default()
                })
            })
        });
        fake.on("uname", "Linux\n");
        assert_eq!(
            block_on(fake.exec(Exec::new("uname"))).unwrap().stdout,
            b"Linux\n"
        );
        assert_eq!(
            block_on(fake.exec(Exec::reader("test -e /x")))
                .unwrap()
                .code,
            Some(1)
        );
        assert_eq!(
            block_on(fake.exec(Exec::new("reboot"))).unwrap().code,
            Some(127)
        );
        block_on(fake.write("/f", b"one".to_vec(), Some(0o600))).unwrap();
        block_on(fake.write("/f", b"two".to_vec(), None)).unwrap();
        assert_eq!(fake.file("/f"), Some((b"two".to_vec(), 0o600)));
        assert_eq!(
            block_on(fake.read("/f", 2)).unwrap_err().kind(),
            Kind::Transfer
        );
        assert_eq!(fake.commands(), ["uname", "test -e /x", "reboot"]);
        block_on(fake.close()).unwrap();
        assert!(!fake.is_alive());
        assert_eq!(
            block_on(fake.exec(Exec::new("uname"))).unwrap_err().kind(),
            Kind::Connect
        );
    }
}
