//! Servers that never leave the process: what they answer is data, and what was asked is kept.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use machineroom::error::{Error, Kind};
use machineroom::output::Output;
use machineroom::ssh::{Connector, CopyOptions, Effect, Exec, Reply, Target, Transport};
use serde::Deserialize;

/// What a server says to a command that begins with `command`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// How the command begins.
    pub command: String,
    /// Standard output.
    #[serde(default)]
    pub stdout: String,
    /// Standard error.
    #[serde(default)]
    pub stderr: String,
    /// Exit code.
    #[serde(default)]
    pub code: i32,
}

/// All servers of a test, alike.
#[derive(Default)]
pub struct Scripted {
    /// The first that fits answers; what nothing fits ends with 0 and says nothing.
    pub answers: Vec<Answer>,
    /// A login with a key alone is refused.
    pub refuses_key: bool,
    /// A login without a key that is named is refused.
    pub refuses_others: bool,
    /// What was asked, in order: writers as they are, readers behind a `?`.
    pub asked: Mutex<Vec<String>>,
}

impl Scripted {
    fn note(&self, line: String) {
        self.asked.lock().unwrap().push(line);
    }
}

/// Makes connections to the servers of a script.
pub struct Script(pub Arc<Scripted>);

impl Connector for Script {
    fn connect(&self, target: Target) -> Reply<Arc<dyn Transport>> {
        let script = self.0.clone();
        if target.key_only {
            let key = target.key.unwrap_or_default();
            script.note(format!("login with {} alone", key.display()));
            if script.refuses_key {
                let error = Error::new(Kind::Auth, "no key was accepted");
                return Box::pin(async { Err(error) });
            }
        }
        if let Some(key) = target.without {
            script.note(format!("login without {key}"));
            if script.refuses_others {
                let error = Error::new(Kind::Auth, "nothing else was accepted");
                return Box::pin(async { Err(error) });
            }
        }
        Box::pin(async { Ok(Arc::new(Session(script)) as Arc<dyn Transport>) })
    }
}

struct Session(Arc<Scripted>);

fn never<T: Send + 'static>(verb: &'static str) -> Reply<T> {
    Box::pin(async move {
        Err(Error::new(
            Kind::Transfer,
            format!("no `{verb}` is scripted"),
        ))
    })
}

impl Transport for Session {
    fn exec(&self, request: Exec) -> Reply<Output> {
        let mark = match request.effect {
            Effect::Read => "? ",
            Effect::Write => "",
        };
        self.0.note(format!("{mark}{}", request.command));
        let answers = &self.0.answers;
        let answer = answers
            .iter()
            .find(|a| request.command.starts_with(&a.command));
        let output = match answer {
            Some(a) => Output {
                code: Some(a.code),
                stdout: a.stdout.clone().into_bytes(),
                stderr: a.stderr.clone().into_bytes(),
                ..Output::default()
            },
            None => Output {
                code: Some(0),
                ..Output::default()
            },
        };
        Box::pin(async { Ok(output) })
    }
    fn read(&self, _: &str, _: u64) -> Reply<Vec<u8>> {
        never("read")
    }
    fn write(&self, _: &str, _: Vec<u8>, _: Option<u32>) -> Reply<()> {
        never("write")
    }
    fn upload(&self, _: PathBuf, _: &str, _: CopyOptions) -> Reply<u64> {
        never("upload")
    }
    fn download(&self, _: &str, _: PathBuf, _: CopyOptions) -> Reply<u64> {
        never("download")
    }
    fn is_alive(&self) -> bool {
        true
    }
    fn close(&self) -> Reply<()> {
        Box::pin(async { Ok(()) })
    }
}
