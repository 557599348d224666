//! Commands for the session's kept shell.

use std::rc::Rc;

use super::driver::Core;
use super::exec;
use super::transport::Exec;
use crate::error::Result;
use crate::output::Output;
use crate::quote;

/// Runs the request's command as text for `sh`.
///
/// # Errors
/// As [`exec::exec`].
pub async fn exec(core: Rc<Core>, request: Exec) -> Result<Output> {
    let request = Exec {
        command: quote::words(&["exec", "sh", "-c", &request.command])?,
        ..request
    };
    exec::exec(core, request).await
}
