//! A session's thread and the handle to it.
//!
//! The thread connects, then runs [`super::driver`] until the handle is gone. The handle is a
//! [`Transport`]; each call becomes a job on the thread and is answered through a oneshot, so
//! the futures work on any executor. Dropping one drops its job.

use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::sync::oneshot;

use super::attach::attach;
use super::auth::KeyRing;
use super::bridge::Meter;
use super::connect::establish;
use super::driver::{Command, Core, run};
use super::exec::exec;
use super::files::{download, single, upload};
use super::net::poll::Wake;
use super::net::tcp::{Patience, abandoned};
use super::transport::{Attach, CopyOptions, Exec, Reply, Transport};
use super::{Names, Options, Target, jump, kept};
use crate::error::{Error, Kind, Result};
use crate::output::Output;

/// Stack of a session's thread: OpenSSL and the resolver need a fraction of it.
const STACK: usize = 512 << 10;

/// A connected server.
struct Handle {
    names: Names,
    commands: mpsc::Sender<Command>,
    wake: Arc<Wake>,
    alive: Arc<AtomicBool>,
    meter: Arc<Meter>,
    /// How long a connection may take, also one through this session.
    patience: Duration,
}

/// Connects on a thread of its own.
pub fn open(
    options: Arc<Options>,
    keys: Arc<KeyRing>,
    target: Target,
) -> Reply<Arc<dyn Transport>> {
    Box::pin(async move {
        let id = target.id.clone();
        let fail = |what: &str, e: std::io::Error| {
            Error::local(format!("cannot {what}: {e}"))
                .hint("use fewer forks, or raise `ulimit -n` and `ulimit -u`")
                .source(e)
        };
        let wake = Arc::new(Wake::new().map_err(|e| fail("make a descriptor", e).server(&id))?);
        let (answer, connected) = oneshot::channel();
        let _caller = WakeOnDrop(wake.clone());
        std::thread::Builder::new()
            .name(format!("ssh {id}"))
            .stack_size(STACK)
            .spawn(move || serve(&options, &keys, target, wake, answer))
            .map_err(|e| fail("start a thread", e).server(&id))?;
        connected
            .await
            .unwrap_or_else(|_| Err(abandoned().server(id)))
    })
}

/// The thread's whole life.
fn serve(
    options: &Options,
    keys: &KeyRing,
    target: Target,
    wake: Arc<Wake>,
    answer: oneshot::Sender<Result<Arc<dyn Transport>>>,
) {
    let answer = Rc::new(std::cell::RefCell::new(Some(answer)));
    let asking = answer.clone();
    let gone = move || {
        asking
            .borrow()
            .as_ref()
            .is_none_or(oneshot::Sender::is_closed)
    };
    let mut patience = Patience::new(options.timeout, wake.clone(), Box::new(gone));
    let result = establish(options, keys, &target, &mut patience);
    let Some(answer) = answer.take() else { return };
    let (session, socket) = match result {
        Ok(pair) => pair,
        Err(error) => {
            let _ = answer.send(Err(error));
            return;
        }
    };
    let (commands, inbox) = mpsc::channel();
    let alive = Arc::new(AtomicBool::new(true));
    let core = Core::new(session, socket, alive.clone());
    let handle = Handle {
        names: Names::of(&target),
        commands,
        wake: wake.clone(),
        alive,
        meter: core.meter.clone(),
        patience: options.timeout,
    };
    // Its password and its socket have served.
    drop(target);
    // Even if nobody takes the handle, the goodbye below is said.
    let _ = answer.send(Ok(Arc::new(handle)));
    run(&core, &inbox, &wake, options.keepalive);
}

/// Makes the session's thread look around when the caller has gone.
struct WakeOnDrop(Arc<Wake>);

impl Drop for WakeOnDrop {
    fn drop(&mut self) {
        self.0.wake();
    }
}

impl Handle {
    /// Runs `work` on the session's thread.
    fn submit<T, W>(&self, work: W) -> Reply<T>
    where
        T: Send + 'static,
        W: FnOnce(Rc<Core>) -> LocalBoxFuture<'static, Result<T>> + Send + 'static,
    {
        let (commands, wake) = (self.commands.clone(), self.wake.clone());
        let names = self.names.clone();
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let job = move |core| -> LocalBoxFuture<'static, ()> {
                Box::pin(async move {
                    if let Some(result) = unless_gone(&answer, work(core)).await {
                        let _ = answer.send(result);
                    }
                })
            };
            let sent = commands.send(Command::Run(Box::new(job)));
            drop(commands);
            wake.wake();
            let _caller = WakeOnDrop(wake);
            let closed = || Error::new(Kind::Connect, "the session is closed");
            let result = match sent {
                Ok(()) => answered.await.unwrap_or_else(|_| Err(closed())),
                Err(_) => Err(closed()),
            };
            result.map_err(|e| names.put_on(e))
        })
    }
}

/// `work`'s result, or `None` when nobody waits for it any more.
async fn unless_gone<T, U>(
    answer: &oneshot::Sender<U>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| {
        if answer.is_closed() {
            return Poll::Ready(None);
        }
        work.as_mut().poll(context).map(Some)
    })
    .await
}

impl Drop for Handle {
    fn drop(&mut self) {
        // The inbox is closed right after this, and the thread has to look.
        let wake = self.wake.clone();
        let (closed, _) = mpsc::channel();
        drop(std::mem::replace(&mut self.commands, closed));
        wake.wake();
    }
}

impl Transport for Handle {
    fn exec(&self, request: Exec) -> Reply<Output> {
        self.submit(move |core| -> LocalBoxFuture<'static, Result<Output>> {
            match request.kept {
                true => Box::pin(kept::exec(core, request)),
                false => Box::pin(exec(core, request)),
            }
        })
    }

    fn read(&self, path: &str, limit: u64) -> Reply<Vec<u8>> {
        let path = path.to_owned();
        self.submit(move |core| Box::pin(single::read(core, path, limit)))
    }

    fn write(&self, path: &str, content: Vec<u8>, mode: Option<u32>) -> Reply<()> {
        let path = path.to_owned();
        self.submit(move |core| Box::pin(single::write(core, path, content, mode)))
    }

    fn upload(&self, from: PathBuf, to: &str, options: CopyOptions) -> Reply<u64> {
        let to = to.to_owned();
        self.submit(move |core| Box::pin(upload::upload(core, from, to, options)))
    }

    fn download(&self, from: &str, to: PathBuf, options: CopyOptions) -> Reply<u64> {
        let from = from.to_owned();
        self.submit(move |core| Box::pin(download::download(core, from, to, options)))
    }

    fn attach(&self, request: Attach) -> Reply<Output> {
        self.submit(move |core| Box::pin(attach(core, request)))
    }

    fn dial(&self, host: &str, port: u16) -> Reply<OwnedFd> {
        let (hop, host) = (self.names.id.clone(), host.to_owned());
        let patience = self.patience;
        self.submit(move |core| Box::pin(jump::dial(core, hop, host, port, patience)))
    }

    fn join(&self, host: &str, port: u16, socket: OwnedFd, hello: Vec<u8>) -> Reply<()> {
        let (hop, host) = (self.names.id.clone(), host.to_owned());
        let patience = self.patience;
        self.submit(move |core| {
            Box::pin(jump::join(
                core,
                hop,
                (host, port),
                patience,
                (socket, hello),
            ))
        })
    }

    fn meter(&self) -> Option<Arc<Meter>> {
        Some(self.meter.clone())
    }

    fn is_alive(&self) -> bool {
        self.alive.load(Ordering::SeqCst)
    }

    fn close(&self) -> Reply<()> {
        let (commands, wake) = (self.commands.clone(), self.wake.clone());
        Box::pin(async move {
            let (done, closed) = oneshot::channel();
            if commands.send(Command::Close(done)).is_ok() {
                wake.wake();
                // The thread drops its end when it is through; that is the answer.
                let _ = closed.await;
            }
            Ok(())
        })
    }
}
