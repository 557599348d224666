//! What is looked at again and again, on a screen of its own.

use std::time::{Duration, Instant};

use futures::future::{Either, select};

use super::App;
use crate::error::{Error, Result};

/// How often the size of the terminal is looked at.
const TICK: Duration = Duration::from_millis(200);

/// Gathers every `every` and draws what came, at once and whenever the terminal's size changes,
/// until Ctrl-C; gives what was gathered last. `draw` gets the columns that there are.
///
/// # Errors
/// [`crate::error::Kind::Usage`] off a terminal; those of `gather`.
pub async fn watch<T>(
    app: &App,
    every: Duration,
    mut gather: impl AsyncFnMut() -> Result<T>,
    draw: impl Fn(&T, Option<u16>) -> String,
) -> Result<Option<T>> {
    let Some(canvas) = app.screen.canvas(true) else {
        let error = Error::usage("`--watch` draws on a terminal, and standard output is none");
        return Err(error.hint("a loop in your shell does for a file or pipe"));
    };
    let mut last = None;
    loop {
        let work = std::pin::pin!(gather());
        let stop = std::pin::pin!(app.room.cancel.cancelled());
        match select(work, stop).await {
            Either::Left((data, _)) => last = Some(data?),
            Either::Right(_) => return Ok(last),
        }
        let (begun, mut shown) = (Instant::now(), None);
        while begun.elapsed() < every || shown.is_none() {
            let size = app.screen.size();
            if shown != Some(size) {
                if let Some(data) = &last {
                    // The canvas leaves the last column free.
                    let columns = size.map(|(columns, _)| columns).filter(|c| *c > 0);
                    let columns = columns.map(|c| c.saturating_sub(1).max(1));
                    canvas.draw(&draw(data, columns));
                }
                shown = Some(size);
            }
            let rest = every.saturating_sub(begun.elapsed()).min(TICK);
            let pause = std::pin::pin!(tokio::time::sleep(rest));
            let stop = std::pin::pin!(app.room.cancel.cancelled());
            if let Either::Right(_) = select(pause, stop).await {
                return Ok(last);
            }
        }
    }
}
