//! The command log's place: around every connection and every transport, so that nothing reaches
//! a server unseen. Check mode stands in front of it: what that withholds is not logged.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use super::Status;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::journal::{End, Entry, Kind, Limits, Log, Run};
use crate::output::Output;
use crate::secret::Redactor;
use crate::ssh::{Attach, CopyOptions, Effect, Exec, Reply, Route, Target, Transport};

/// Begins the log of a run, as the settings say.
pub(super) fn start(
    config: &Config,
    run: Run,
    redactor: &Arc<Redactor>,
    events: &Arc<dyn Events>,
) -> Log {
    let limits = Limits {
        days: config.log_days(),
        rows: config.log_rows(),
    };
    Log::start(
        config.database(),
        run,
        limits,
        redactor.clone(),
        events.clone(),
    )
}

/// A stage that has begun on a server. Dropped without an end, it was cancelled.
pub struct StageEntry(Entry);

impl StageEntry {
    pub(super) fn new(log: &Log, id: &str, stage: &str) -> Self {
        StageEntry(log.begin(id, Kind::Stage, stage.to_owned()))
    }

    /// It has ended with that status, or with an error.
    pub fn end(self, result: Result<Status, &Error>) {
        self.0.end(end_of(result));
    }
}

/// Waits for a connection to `target`; the log hears of it, and of everything that goes over it.
pub(super) async fn connection(
    log: Option<Log>,
    target: &Target,
    work: impl Future<Output = Result<Arc<dyn Transport>>>,
) -> Result<Arc<dyn Transport>> {
    let Some(log) = log else {
        return work.await;
    };
    let id = target.id.clone();
    let mut place = format!("{}@{}:{}", target.user, target.host, target.port);
    let way = stations(&target.route);
    if !way.is_empty() {
        place += &format!(" through {}", way.join(", "));
    }
    let entry = log.begin(&id, Kind::Connect, place);
    let result = work.await;
    entry.end(ended(&result));
    let inner = result?;
    Ok(Arc::new(Logged { inner, id, log }))
}

/// What a way leads through, the nearest first, as it is told.
pub fn stations(route: &Route) -> Vec<String> {
    match route {
        Route::Behind(name) => vec![super::tunnels::id(name)],
        Route::Through(hops) => {
            let first = hops.first().map_or(Vec::new(), |hop| stations(&hop.route));
            let hops = hops.iter().map(|hop| hop.id.clone());
            first.into_iter().chain(hops).collect()
        }
        _ => Vec::new(),
    }
}

/// How work on a server ended whose status is known, or its error.
fn end_of(result: Result<Status, &Error>) -> End {
    match result {
        Ok(status) => End::of(status.as_str()),
        Err(error) => {
            let output = error.remote_output();
            End {
                status: Status::of(error).as_str(),
                code: output.and_then(|o| o.code),
                signal: output.and_then(|o| o.signal.clone()),
                error: Some((error.kind().as_str(), error.message().to_owned())),
                bytes: None,
            }
        }
    }
}

fn ended<T>(result: &Result<T>) -> End {
    end_of(result.as_ref().map(|_| Status::Ok))
}

/// Like [`ended`], with the number of bytes.
fn moved<T>(result: &Result<T>, bytes: impl FnOnce(&T) -> u64) -> End {
    End {
        bytes: result.as_ref().ok().map(bytes),
        ..ended(result)
    }
}

/// How a command ended. A reader's exit code is its answer and no failure.
fn command_ended(result: &Result<Output>, effect: Effect) -> End {
    let Ok(output) = result else {
        return ended(result);
    };
    let status = match output.is_success() || (effect == Effect::Read && output.code.is_some()) {
        true => Status::Ok,
        false => Status::Failed,
    };
    End {
        code: output.code,
        signal: output.signal.clone(),
        ..End::of(status.as_str())
    }
}

/// A connection whose every use is logged.
struct Logged {
    inner: Arc<dyn Transport>,
    id: String,
    log: Log,
}

impl Logged {
    /// Begins an entry when the call is first waited for, ends it with what the call gave. A call
    /// that is dropped was cancelled.
    fn around<T: Send + 'static>(
        &self,
        kind: Kind,
        what: String,
        call: Reply<T>,
        end: impl FnOnce(&Result<T>) -> End + Send + 'static,
    ) -> Reply<T> {
        let (log, id) = (self.log.clone(), self.id.clone());
        Box::pin(async move {
            let entry: Entry = log.begin(&id, kind, what);
            let result = call.await;
            entry.end(end(&result));
            result
        })
    }
}

impl Transport for Logged {
    fn exec(&self, request: Exec) -> Reply<Output> {
        let (command, effect) = (request.command.clone(), request.effect);
        let call = self.inner.exec(request);
        let end = move |result: &Result<Output>| command_ended(result, effect);
        self.around(Kind::Exec, command, call, end)
    }

    fn read(&self, path: &str, limit: u64) -> Reply<Vec<u8>> {
        let call = self.inner.read(path, limit);
        let end = |result: &Result<Vec<u8>>| moved(result, |content| content.len() as u64);
        self.around(Kind::Read, path.to_owned(), call, end)
    }

    fn write(&self, path: &str, content: Vec<u8>, mode: Option<u32>) -> Reply<()> {
        let size = content.len() as u64;
        let call = self.inner.write(path, content, mode);
        let end = move |result: &Result<()>| moved(result, |()| size);
        self.around(Kind::Write, path.to_owned(), call, end)
    }

    fn upload(&self, from: PathBuf, to: &str, options: CopyOptions) -> Reply<u64> {
        let what = format!("{} -> {}:{to}", from.display(), self.id);
        let call = self.inner.upload(from, to, options);
        self.around(Kind::Copy, what, call, |result| moved(result, |n| *n))
    }

    fn download(&self, from: &str, to: PathBuf, options: CopyOptions) -> Reply<u64> {
        let what = format!("{}:{from} -> {}", self.id, to.display());
        let call = self.inner.download(from, to, options);
        self.around(Kind::Copy, what, call, |result| moved(result, |n| *n))
    }

    fn attach(&self, request: Attach) -> Reply<Output> {
        let what = request.command.clone().unwrap_or_default();
        let (kind, effect) = match request.is_shell {
            true => (Kind::Shell, Effect::Read),
            false => (Kind::Exec, Effect::Write),
        };
        let call = self.inner.attach(request);
        let end = move |result: &Result<Output>| command_ended(result, effect);
        self.around(kind, what, call, end)
    }

    fn dial(&self, host: &str, port: u16) -> Reply<OwnedFd> {
        self.inner.dial(host, port)
    }

    fn join(&self, host: &str, port: u16, socket: OwnedFd, hello: Vec<u8>) -> Reply<()> {
        self.inner.join(host, port, socket, hello)
    }

    fn is_alive(&self) -> bool {
        self.inner.is_alive()
    }

    fn close(&self) -> Reply<()> {
        self.inner.close()
    }
}
