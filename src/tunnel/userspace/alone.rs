//! One process for each tunnel: WireGuard's gateways answer the last that spoke with a key, so that two
//! processes would take the answers from each other. The next waits for the one before.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::events::{Events, Level};
use crate::tunnel::fault;
use crate::tunnel::keeper::folder::{Folder, Lock};

/// How often the lock is tried.
const TICK: Duration = Duration::from_millis(50);

/// Has the tunnel of that name for this process, for as long as the lock lives; the kernel frees it when the
/// process is gone. `data` is the data folder.
///
/// # Errors
/// [`crate::error::Kind::Tunnel`], reason `conflict`, when another process still has it after `patience`;
/// [`crate::error::Kind::Local`] when the disk refuses.
pub async fn alone(
    data: &Path,
    name: &str,
    patience: Duration,
    events: Arc<dyn Events>,
) -> Result<Lock> {
    let folder = Folder::of(&data.join("wireguard"), name);
    if let Some(lock) = folder.try_lock()? {
        return Ok(lock);
    }
    let text = format!("the tunnel `{name}` is used by another `mroom`: waiting for it");
    events.note(Level::Notice, None, &text);
    let (answer, answered) = oneshot::channel();
    let name = name.to_owned();
    let wait = move || {
        let begun = Instant::now();
        while !answer.is_closed() {
            let tried = match folder.try_lock() {
                Ok(None) if begun.elapsed() >= patience => Err(taken(&name)),
                Ok(None) => {
                    std::thread::sleep(TICK);
                    continue;
                }
                Ok(Some(lock)) => Ok(lock),
                Err(error) => Err(error),
            };
            let _ = answer.send(tried);
            return;
        }
    };
    let thread = std::thread::Builder::new().name("wait".to_owned());
    let started = thread.stack_size(256 << 10).spawn(wait);
    started.map_err(|e| Error::local(format!("cannot start a thread: {e}")).source(e))?;
    let gone = || Err(Error::local("the thread that waits for a tunnel is gone"));
    answered.await.unwrap_or_else(|_| gone())
}

fn taken(name: &str) -> Error {
    fault(
        name,
        "conflict",
        "is in use by another `mroom`, and with one key only one can use it",
    )
    .hint(format!(
        "wait for that one, or share it as root: mroom tunnel set {name} backend=wg"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Silent;
    use crate::tunnel::userspace::tests::PATIENCE;
    use futures::executor::block_on;

    #[test]
    fn the_next_waits_for_the_one_before() {
        let data = tempfile::tempdir().unwrap();
        let get = |patience| block_on(alone(data.path(), "lab", patience, Arc::new(Silent)));
        let first = get(PATIENCE).unwrap();
        let error = get(Duration::from_millis(100)).err().unwrap();
        assert_eq!(error.reason_word(), Some("conflict"), "{error}");
        assert!(block_on(alone(data.path(), "other", PATIENCE, Arc::new(Silent))).is_ok());
        let freed = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            drop(first);
        });
        get(PATIENCE).unwrap();
        freed.join().unwrap();
    }
}
