//! This machine as a server: commands by `/bin/sh`, files directly. Each call has a thread of its
//! own, so the futures work on any executor; dropping one ends its command.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::files::shell::{temporary_name, too_long};
use super::files::tree;
use super::transport::{CopyOptions, Exec, Reply, Transport};
use crate::error::{Error, Kind, Result};
use crate::output::{Output, Stream};

/// How often a waiting command is looked at: by its time-out and by whoever may cancel it.
const TICK: Duration = Duration::from_millis(10);

/// Runs everything here.
#[derive(Debug, Clone, Copy, Default)]
pub struct Local;

/// Does `work` in a thread of its own. What it is given says whether the caller has gone.
pub fn on_thread<T, F>(work: F) -> Reply<T>
where
    T: Send + 'static,
    F: FnOnce(&dyn Fn() -> bool) -> Result<T> + Send + 'static,
{
    Box::pin(async move {
        let (answer, answered) = oneshot::channel();
        std::thread::Builder::new()
            .name("local".to_owned())
            .spawn(move || {
                let result = work(&|| answer.is_closed());
                let _ = answer.send(result);
            })
            .map_err(|e| Error::local(format!("cannot start a thread: {e}")).source(e))?;
        answered
            .await
            .unwrap_or_else(|_| Err(Error::local("a local call ended early")))
    })
}

fn failed(verb: &str, path: &Path, error: std::io::Error) -> Error {
    Error::new(
        Kind::Transfer,
        format!("cannot {verb} `{}`: {error}", path.display()),
    )
    .source(error)
}

impl Transport for Local {
    fn exec(&self, request: Exec) -> Reply<Output> {
        if request.sudo.is_some() {
            let error = Error::usage("nothing runs as another user on this machine");
            return Box::pin(std::future::ready(Err(error)));
        }
        on_thread(move |cancelled| run(&request, cancelled))
    }

    fn read(&self, path: &str, limit: u64) -> Reply<Vec<u8>> {
        let path = path.to_owned();
        on_thread(move |_| {
            let mut content = Vec::new();
            let file = fs::File::open(&path).map_err(|e| failed("read", Path::new(&path), e))?;
            file.take(limit.saturating_add(1))
                .read_to_end(&mut content)
                .map_err(|e| failed("read", Path::new(&path), e))?;
            if content.len() as u64 > limit {
                return Err(too_long(&path, limit));
            }
            Ok(content)
        })
    }

    fn write(&self, path: &str, content: Vec<u8>, mode: Option<u32>) -> Reply<()> {
        let path = PathBuf::from(path);
        on_thread(move |_| write(&path, &content, mode).map_err(|e| failed("write", &path, e)))
    }

    fn upload(&self, from: PathBuf, to: &str, options: CopyOptions) -> Reply<u64> {
        let to = PathBuf::from(to);
        on_thread(move |_| tree::copy(&from, &to, &options))
    }

    fn download(&self, from: &str, to: PathBuf, options: CopyOptions) -> Reply<u64> {
        let from = PathBuf::from(from);
        on_thread(move |_| tree::copy(&from, &to, &options))
    }

    fn is_alive(&self) -> bool {
        true
    }

    fn close(&self) -> Reply<()> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Writes beside, then renames; an existing file's mode is kept unless another is given.
fn write(path: &Path, content: &[u8], mode: Option<u32>) -> std::io::Result<()> {
    // A link stays a link: what it points to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let kept = fs::metadata(&path)
        .ok()
        .map(|m| m.permissions().mode() & 0o7777);
    let temporary = PathBuf::from(temporary_name(&path.to_string_lossy()));
    let make = || {
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(content)?;
        let mode = mode.or(kept).unwrap_or(0o644);
        file.set_permissions(fs::Permissions::from_mode(mode & 0o7777))?;
        fs::rename(&temporary, &path)
    };
    make().inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })
}

fn run(request: &Exec, cancelled: &dyn Fn() -> bool) -> Result<Output> {
    let start = Instant::now();
    let mut child = Command::new("/bin/sh")
        .arg("-c")
        .arg(&request.command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that all of it can be ended.
        .process_group(0)
        .spawn()
        .map_err(|e| Error::local(format!("cannot run `/bin/sh`: {e}")).source(e))?;
    let output = Arc::new(Mutex::new(Output::default()));
    let mut ended = None;
    let mut overdue = false;
    std::thread::scope(|scope| {
        if let Some(mut stdin) = child.stdin.take() {
            // A command that does not read its input is no error.
            let work = move || std::io::copy(&mut request.stdin.reader(), &mut stdin);
            scope.spawn(work);
        }
        let mut readers = Vec::new();
        if let Some(pipe) = child.stdout.take() {
            let output = &output;
            readers.push(scope.spawn(move || drain(pipe, Stream::Stdout, request, output)));
        }
        if let Some(pipe) = child.stderr.take() {
            let output = &output;
            readers.push(scope.spawn(move || drain(pipe, Stream::Stderr, request, output)));
        }
        loop {
            // What the command left in the background may still write: that belongs to it.
            ended = ended.or(child.try_wait().ok().flatten());
            if ended.is_some() && readers.iter().all(|r| r.is_finished()) {
                break;
            }
            overdue = request.timeout.is_some_and(|t| start.elapsed() >= t);
            if overdue || cancelled() {
                end(&mut child);
                break;
            }
            std::thread::sleep(TICK.min(start.elapsed().max(Duration::from_micros(500))));
        }
    });
    let mut output = std::mem::take(&mut *output.lock().unwrap_or_else(PoisonError::into_inner));
    output.duration = start.elapsed();
    if overdue {
        let seconds = request.timeout.unwrap_or_default().as_secs_f32();
        let message = format!("command timed out after {seconds} s");
        return Err(Error::new(Kind::Timeout, message)
            .command(&request.command)
            .output(output));
    }
    let Some(status) = ended else {
        return Err(Error::new(Kind::Cancelled, "the command was ended").command(&request.command));
    };
    output.code = status.code();
    output.signal = status.signal().map(signal_name);
    Ok(output)
}

/// Ends the command and what it started.
fn end(child: &mut Child) {
    if let Some(group) = rustix::process::Pid::from_raw(child.id() as i32) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
        std::thread::sleep(TICK);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait();
}

fn drain(mut pipe: impl std::io::Read, stream: Stream, request: &Exec, output: &Mutex<Output>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n) = pipe.read(&mut buffer) {
        if n == 0 {
            break;
        }
        if let Some(sink) = &request.sink {
            sink(stream, &buffer[..n]);
        }
        let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
        let into = match stream {
            Stream::Stdout => &mut output.stdout,
            Stream::Stderr => &mut output.stderr,
        };
        let room = request.max_output.saturating_sub(into.len()).min(n);
        into.extend_from_slice(&buffer[..room]);
        output.truncated |= room < n;
    }
}

/// The name as SSH sends it, without `SIG`.
fn signal_name(number: i32) -> String {
    const NAMES: &[(i32, &str)] = &[
        (1, "HUP"),
        (2, "INT"),
        (3, "QUIT"),
        (4, "ILL"),
        (6, "ABRT"),
        (8, "FPE"),
        (9, "KILL"),
        (10, "USR1"),
        (11, "SEGV"),
        (12, "USR2"),
        (13, "PIPE"),
        (14, "ALRM"),
        (15, "TERM"),
    ];
    let name = NAMES.iter().find(|(n, _)| *n == number);
    name.map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    #[test]
    fn commands() {
        let request = Exec {
            stdin: b"in".to_vec().into(),
            ..Exec::new("cat; echo e >&2; exit 3")
        };
        let output = block_on(Local.exec(request)).unwrap();
        assert_eq!(
            (output.code, &output.stdout[..], &output.stderr[..]),
            (Some(3), &b"in"[..], &b"e\n"[..])
        );
        let output = block_on(Local.exec(Exec::new("kill -KILL $$"))).unwrap();
        assert_eq!(
            (output.code, output.signal.as_deref()),
            (None, Some("KILL"))
        );
        let request = Exec {
            timeout: Some(Duration::from_millis(100)),
            ..Exec::new("echo a; sleep 30 & sleep 30")
        };
        let error = block_on(Local.exec(request)).unwrap_err();
        assert_eq!(
            (error.kind(), &error.remote_output().unwrap().stdout[..]),
            (Kind::Timeout, &b"a\n"[..])
        );
        let request = Exec {
            max_output: 10,
            ..Exec::new("head -c 1000000 /dev/zero")
        };
        let output = block_on(Local.exec(request)).unwrap();
        assert!(output.truncated && output.stdout.len() == 10);
    }

    #[test]
    fn files() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        let path = file.to_str().unwrap();
        block_on(Local.write(path, b"one".to_vec(), Some(0o600))).unwrap();
        block_on(Local.write(path, b"two".to_vec(), None)).unwrap();
        assert_eq!(block_on(Local.read(path, 3)).unwrap(), b"two");
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            block_on(Local.read(path, 2)).unwrap_err().kind(),
            Kind::Transfer
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(block_on(Local.write("/nowhere/f", vec![], None)).is_err());
    }
}
