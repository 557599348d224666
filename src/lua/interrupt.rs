//! Ctrl-C inside the VM.
//!
//! A waiting call ends at once with a `cancelled` error, so that code can still print what it
//! has. After [`GRACE`] whatever runs is dropped, also an endless loop: an instruction hook makes
//! busy coroutines yield, and raises where they cannot.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use mlua::{HookTriggers, Lua, VmState};

use super::limits::Limits;
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};

/// Time that Lua code gets to end by itself.
const GRACE: Duration = Duration::from_millis(300);
/// Instructions between two looks at the token: about a tenth of a millisecond.
const EVERY: u32 = 20_000;

/// Makes every coroutine of the VM look at the token, and count what it uses.
pub(super) fn install(lua: &Lua, cancel: &Cancel, limits: &Rc<Limits>) -> mlua::Result<()> {
    let (cancel, limits) = (cancel.clone(), limits.clone());
    let since: Cell<Option<Instant>> = Cell::new(None);
    lua.set_global_hook(
        HookTriggers::new().every_nth_instruction(EVERY),
        move |lua, debug| {
            limits.count(lua, debug, u64::from(EVERY))?;
            if !cancel.is_cancelled() {
                since.set(None);
                return Ok(VmState::Continue);
            }
            let begun = since.get().unwrap_or_else(Instant::now);
            since.set(Some(begun));
            // A yield gives `until` its turn, which drops the coroutine. Inside a C call there is no
            // yielding; what is still running after that long is there, and gets an error instead.
            if begun.elapsed() > GRACE * 3 {
                since.set(None);
                return Err(interrupted().into());
            }
            Ok(VmState::Yield)
        },
    )
}

/// Drives `work`, and drops it when it has not ended [`GRACE`] after Ctrl-C.
pub(super) async fn until<T>(cancel: &Cancel, work: impl Future<Output = Result<T>>) -> Result<T> {
    let out_of_grace = async {
        cancel.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    let (work, end) = (std::pin::pin!(work), std::pin::pin!(out_of_grace));
    match select(end, work).await {
        Either::Left(((), _)) => Err(interrupted()),
        Either::Right((result, _)) => result,
    }
}

fn interrupted() -> Error {
    Error::new(Kind::Cancelled, "interrupted")
}
