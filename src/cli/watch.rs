//! What is looked at again and again, on a screen of its own.

use std::time::{Duration, Instant};

use futures::future::{Either, select};

use super::App;
use crate::error::{Error, Result};

/// How often the size of the terminal is looked at.
const TICK: Duration = Duration::from_millis(200);

/// Gathers every `every` and draws what came, at once and whenever the terminal's size changes,
/// until Ctrl-C. `gather` may draw what it has while it works; `text` gets the columns that there
/// are.
///
/// # Errors
/// [`crate::error::Kind::Usage`] off a terminal; those of `gather`.
pub async fn watch<T>(
    app: &App,
    every: Duration,
    mut gather: impl AsyncFnMut(&dyn Fn(&T)) -> Result<T>,
    text: impl Fn(&T, Option<u16>) -> String,
) -> Result<()> {
    let Some(canvas) = app.screen.canvas(true) else {
        let error = Error::usage("`--watch` draws on a terminal, and standard output is none");
        return Err(error.hint("a loop in your shell does for a file or pipe"));
    };
    let draw = |data: &T| {
        // The canvas leaves the last column free.
        let width = app.screen.width().map(|c| c.saturating_sub(1).max(1));
        canvas.draw(&text(data, width));
    };
    loop {
        let begun = Instant::now();
        let work = std::pin::pin!(gather(&draw));
        let stop = std::pin::pin!(app.room.cancel.cancelled());
        let data = match select(work, stop).await {
            // What Ctrl-C cut short is not drawn any more.
            Either::Left((data, _)) if !app.room.cancel.is_cancelled() => data?,
            _ => return Ok(()),
        };
        let mut size = app.screen.size();
        draw(&data);
        loop {
            let rest = every.saturating_sub(begun.elapsed()).min(TICK);
            let pause = std::pin::pin!(tokio::time::sleep(rest));
            let stop = std::pin::pin!(app.room.cancel.cancelled());
            if let Either::Right(_) = select(pause, stop).await {
                return Ok(());
            }
            if begun.elapsed() >= every {
                break;
            }
            let now = app.screen.size();
            if now != size {
                size = now;
                draw(&data);
            }
        }
    }
}
