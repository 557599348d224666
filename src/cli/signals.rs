//! Ctrl-C: the first asks the run to stop, the second ends the program.

use std::sync::Arc;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::ui::Screen;

/// The exit code of an interrupted run.
pub const INTERRUPTED: u8 = 130;

/// Starts the thread that listens. The first SIGINT or SIGTERM sets `cancel`, so that commands on
/// servers are stopped and every outcome is still reported. One that comes while the token is
/// still set ends the program at once, with the terminal as it was.
///
/// # Errors
/// When the operating system refuses a handler or a thread.
pub fn watch(cancel: Cancel, screen: Arc<Screen>) -> Result<()> {
    let refused = |e: std::io::Error| Error::local(format!("cannot handle signals: {e}")).source(e);
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(refused)?;
    let listen = move || {
        for _ in signals.forever() {
            if cancel.is_cancelled() {
                screen.restore();
                std::process::exit(INTERRUPTED.into());
            }
            cancel.cancel();
        }
    };
    std::thread::Builder::new()
        .name("signals".into())
        .stack_size(256 << 10)
        .spawn(listen)
        .map_err(refused)?;
    Ok(())
}
