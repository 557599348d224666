//! Ctrl-C: the first asks the run to stop, a second ends the program. Ctrl-Z: the terminal is given
//! back as it was before the program stops, and taken again when it goes on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::ui::Screen;

/// The exit code of an interrupted run.
pub const INTERRUPTED: u8 = 130;

/// A call at the prompt that is still there this long after Ctrl-C will not end by itself: it is
/// stuck where no hook reaches.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a signal does beside setting the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// One that comes while the token is set ends the program.
    Command,
    /// Ctrl-C belongs to the call that runs, however often it is pressed, and ends the program
    /// only when that call is deaf to it; SIGTERM and SIGHUP end it always.
    Prompt,
}

/// Starts the thread that listens. The first SIGINT, SIGTERM or SIGHUP sets `cancel`, so that commands on
/// servers are stopped and every outcome is still reported. When the program has to end at once,
/// the terminal is left as it was.
///
/// # Errors
/// When the operating system refuses a handler or a thread.
pub fn watch(manner: Manner, cancel: Cancel, screen: Arc<Screen>) -> Result<()> {
    let refused = |e: std::io::Error| Error::local(format!("cannot handle signals: {e}")).source(e);
    let wanted: &[_] = match manner {
        Manner::Command => &[SIGINT, SIGTERM, SIGHUP, SIGTSTP],
        // The line editor has its own way to stop.
        Manner::Prompt => &[SIGINT, SIGTERM, SIGHUP],
    };
    let mut signals = Signals::new(wanted).map_err(refused)?;
    let listen = move || {
        let mut since = Instant::now();
        for signal in signals.forever() {
            if signal == SIGTSTP {
                screen.suspend();
                // Returns when somebody sends SIGCONT.
                let _ = emulate_default_handler(SIGTSTP);
                screen.resume();
                continue;
            }
            let again = cancel.is_cancelled();
            let now = match manner {
                Manner::Command => again,
                Manner::Prompt => signal != SIGINT || (again && since.elapsed() > PATIENCE),
            };
            if now {
                screen.restore();
                std::process::exit(INTERRUPTED.into());
            }
            if !again {
                since = Instant::now();
                cancel.cancel();
            }
        }
    };
    std::thread::Builder::new()
        .name("signals".into())
        .stack_size(256 << 10)
        .spawn(listen)
        .map_err(refused)?;
    Ok(())
}
