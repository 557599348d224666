//! Something done beside something else: what keeps a lease alive while work goes on. Owns no state.

use std::rc::Rc;

use futures::future::{Either, select};
use mlua::{Function, Lua, Table};

use super::call;
use super::context::Context;
use super::options::seconds;
use crate::error::Error;
use crate::journal::Run;

/// Adds `beside` and `operator`.
pub(super) fn add(lua: &Lua, context: &Rc<Context>, native: &Table) -> mlua::Result<()> {
    // What `work()` gives. Beside it `tick()` is called every so many seconds; what that raises
    // ends the work and is raised.
    let c = context.clone();
    let beside =
        lua.create_async_function(move |lua, (work, tick, every): (Function, Function, f64)| {
            let context = c.clone();
            async move {
                let every = seconds(every)
                    .ok_or_else(|| Error::usage("the time between two calls is out of range"))?;
                let ticks = async {
                    loop {
                        let pause = async {
                            tokio::time::sleep(every).await;
                            Ok(())
                        };
                        if let Err(error) = context.wait(pause).await {
                            return error;
                        }
                        if let Err(error) = call(&lua, &tick, ()).await {
                            return error;
                        }
                    }
                };
                let (work, ticks) = (std::pin::pin!(call(&lua, &work, ())), std::pin::pin!(ticks));
                match select(work, ticks).await {
                    Either::Left((result, _)) => Ok(result?),
                    Either::Right((error, _)) => Err(error.into()),
                }
            }
        })?;
    native.raw_set("beside", beside)?;
    let operator = lua.create_function(|_, ()| Ok(Run::of_process().operator))?;
    native.raw_set("operator", operator)
}
