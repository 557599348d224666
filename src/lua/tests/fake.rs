//! A connector and transport whose commands are small words of its own.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::error::{Error, Kind};
use crate::output::Output;
use crate::ssh::{Connector, CopyOptions, Exec, Reply, Target, Transport};

/// Remembers every command and file; `open` counts sessions that were not closed.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) calls: Mutex<Vec<String>>,
    pub(crate) files: Mutex<HashMap<String, Vec<u8>>>,
    pub(crate) running: AtomicUsize,
    pub(crate) open: AtomicUsize,
    pub(crate) targets: Mutex<Vec<Target>>,
    /// Start of a command, and its answer.
    pub(crate) answers: Mutex<Vec<(String, Output)>>,
    /// When set, commands are run by a real shell with this home.
    pub(crate) home: Mutex<Option<PathBuf>>,
}

/// Runs a command with the shell of this machine.
fn shell(home: &PathBuf, request: &Exec) -> Output {
    let mut child = Command::new("sh")
        .args(["-c", &request.command])
        .current_dir(home)
        .env("HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&request.stdin.to_vec().unwrap())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    Output {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: output.stderr,
        ..Output::default()
    }
}

impl Connector for Arc<Fake> {
    fn connect(&self, target: Target) -> Reply<Arc<dyn Transport>> {
        let fake = self.clone();
        fake.targets.lock().unwrap().push(target.clone());
        Box::pin(async move {
            if target.host == "down" {
                return Err(Error::new(Kind::Connect, "connection refused"));
            }
            fake.open.fetch_add(1, Ordering::SeqCst);
            Ok(Arc::new(Session(fake)) as Arc<dyn Transport>)
        })
    }
}

struct Session(Arc<Fake>);

/// Counts a running command down when it ends or is dropped.
struct Running(Arc<Fake>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Transport for Session {
    fn exec(&self, request: Exec) -> Reply<Output> {
        self.0.calls.lock().unwrap().push(request.command.clone());
        self.0.running.fetch_add(1, Ordering::SeqCst);
        let running = Running(self.0.clone());
        if let Some(home) = &*self.0.home.lock().unwrap() {
            let output = shell(home, &request);
            return Box::pin(async move { Ok(output) });
        }
        let answers = self.0.answers.lock().unwrap();
        if let Some((_, output)) = answers
            .iter()
            .find(|(start, _)| request.command.starts_with(start))
        {
            let output = output.clone();
            return Box::pin(async move { Ok(output) });
        }
        drop(answers);
        Box::pin(async move {
            let _running = running;
            let mut output = Output {
                code: Some(0),
                ..Output::default()
            };
            let word = request.command.lines().last().unwrap_or_default();
            match word.split_once(' ').unwrap_or((word, "")) {
                ("echo", text) => output.stdout = format!("{text}\n").into_bytes(),
                ("false", _) => {
                    output.code = Some(1);
                    output.stderr = b"no luck\n".to_vec();
                }
                ("sleep", n) => tokio::time::sleep(Duration::from_secs(n.parse().unwrap())).await,
                ("soon", _) => tokio::time::sleep(Duration::from_millis(2)).await,
                ("lost", _) => return Err(Error::new(Kind::Lost, "connection lost")),
                ("cat", _) | ("sh", _) => output.stdout = request.stdin.to_vec().unwrap(),
                _ => output.code = Some(127),
            }
            Ok(output)
        })
    }
    fn read(&self, path: &str, _: u64) -> Reply<Vec<u8>> {
        let file = self.0.files.lock().unwrap().get(path).cloned();
        let missing = Error::new(Kind::Transfer, format!("no such file: `{path}`"));
        Box::pin(async move { file.ok_or(missing) })
    }
    fn write(&self, path: &str, content: Vec<u8>, _: Option<u32>) -> Reply<()> {
        self.0
            .files
            .lock()
            .unwrap()
            .insert(path.to_owned(), content);
        Box::pin(async { Ok(()) })
    }
    fn upload(&self, _: PathBuf, _: &str, _: CopyOptions) -> Reply<u64> {
        Box::pin(async { Ok(0) })
    }
    fn download(&self, _: &str, _: PathBuf, _: CopyOptions) -> Reply<u64> {
        Box::pin(async { Ok(0) })
    }
    fn is_alive(&self) -> bool {
        true
    }
    fn close(&self) -> Reply<()> {
        let fake = self.0.clone();
        Box::pin(async move {
            fake.open.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        })
    }
}
