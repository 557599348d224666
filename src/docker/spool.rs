//! A temporary file for what is too long for memory: an archive on its way to a server, or from
//! one. It has no name, and so it is gone with whoever has it open, however that ends.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{Either, select};
use tokio::sync::oneshot;

use super::Call;
use super::engine::Docker;
use crate::error::{Error, Kind, Result};
use crate::output::Stream;
use crate::ssh::Input;

/// What is written there is read as an [`Input`].
pub struct Spool(BufWriter<File>);

impl Spool {
    /// An empty one, in the folder for temporary files.
    ///
    /// # Errors
    /// [`Kind::Local`] when none can be made.
    pub fn new() -> Result<Self> {
        let file = tempfile::tempfile().map_err(unwritten)?;
        Ok(Spool(BufWriter::new(file)))
    }

    /// What was written.
    ///
    /// # Errors
    /// [`Kind::Local`] when the last of it cannot be written.
    pub fn input(self) -> Result<Input> {
        let file = self.0.into_inner();
        let file = file.map_err(|e| unwritten(e.into_error()))?;
        Input::file(file).map_err(unwritten)
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// What is told when it cannot be written.
pub fn unwritten(e: io::Error) -> Error {
    let folder = std::env::temp_dir();
    let message = format!(
        "cannot write a temporary file in `{}`: {e}",
        folder.display()
    );
    Error::local(message)
        .hint("set `TMPDIR` to a folder with more room")
        .source(e)
}

/// Runs a call that must end well; gives its standard output, of which no more than `most` bytes are
/// taken.
///
/// # Errors
/// As [`Docker::ask`]; [`Kind::Transfer`] when it is longer, [`Kind::Local`] when it cannot be kept. The
/// call is ended then.
pub async fn ask(docker: &Docker, call: Call, most: u64) -> Result<Input> {
    let (stop, stopped) = oneshot::channel();
    let landing = Arc::new(Mutex::new(Landing {
        spool: Some(Spool::new()?),
        left: most,
        most,
        shown: call.shown(),
        stop: Some(stop),
    }));
    let place = landing.clone();
    let call = call.live(Arc::new(move |stream, bytes| {
        if stream == Stream::Stdout {
            lock(&place).take(bytes);
        }
    }));
    // Dropping the work ends the call.
    let work = pin!(docker.ask(&call));
    match select(work, stopped).await {
        Either::Right((Ok(error), _)) => return Err(error),
        // The landing goes last: its end of the channel is still there.
        Either::Right((Err(_), work)) => work.await.map(drop)?,
        Either::Left((output, mut stopped)) => {
            output?;
            if let Ok(error) = stopped.try_recv() {
                return Err(error);
            }
        }
    }
    let spool = lock(&landing).spool.take();
    spool.map_or_else(|| Ok(Input::default()), Spool::input)
}

fn lock(landing: &Mutex<Landing>) -> std::sync::MutexGuard<'_, Landing> {
    landing.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where output lands.
struct Landing {
    /// `None` once it was of no use any more.
    spool: Option<Spool>,
    /// Bytes that are still taken, and those that were at first.
    left: u64,
    most: u64,
    /// What the call is called in messages.
    shown: String,
    /// Tells why it is over, once.
    stop: Option<oneshot::Sender<Error>>,
}

impl Landing {
    fn take(&mut self, bytes: &[u8]) {
        let Some(spool) = &mut self.spool else {
            return;
        };
        let result = match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => {
                self.left = left;
                spool.write_all(bytes).map_err(unwritten)
            }
            None => {
                let message = format!("`{}` gives more than {} MiB", self.shown, self.most >> 20);
                Err(Error::new(Kind::Transfer, message))
            }
        };
        if let Err(error) = result {
            self.spool = None;
            // Nobody listens when the call was given up.
            let _ = self.stop.take().map(|stop| stop.send(error));
        }
    }
}

#[cfg(test)]
mod tests;
