//! Output that Lua code sees as it comes: a function is called with each line.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use mlua::{Function, IntoLuaMulti, Lua, Value};
use tokio::sync::mpsc;

use super::Handle;
use crate::docker::{Call, fault};
use crate::error::{Error, Result};
use crate::output::{Output, Stream};

/// Longest line that is held for its end, bytes; a longer one comes in pieces.
const LINE: usize = 1 << 20;

/// Calls `on_line` with what `shape` makes of each line, until the call ends or the function gives
/// false. `None` makes nothing of a line.
pub(super) async fn follow<A: IntoLuaMulti>(
    lua: &Lua,
    handle: &Handle,
    call: Call,
    on_line: &Function,
    shape: impl Fn(Stream, Vec<u8>) -> mlua::Result<Option<A>>,
) -> mlua::Result<()> {
    let (sender, mut pieces) = mpsc::unbounded_channel::<(Stream, Vec<u8>)>();
    let call = call.live(Arc::new(move |stream, bytes| {
        // Nobody listens any more: the call is on its way out.
        let _ = sender.send((stream, bytes.to_vec()));
    }));
    let shown = call.shown();
    let work = handle.with(async |docker| {
        let output = docker.exec(&call).await;
        // The last sender goes with it: the listener sees the end.
        drop(call);
        output
    });
    let mut work = pin!(work);
    let mut lines = Lines::default();
    let mut output: Option<Result<Output>> = None;
    loop {
        let piece = match &output {
            Some(_) => pieces.recv().await,
            None => {
                let piece = pin!(pieces.recv());
                match select(work.as_mut(), piece).await {
                    Either::Left((result, _)) => {
                        output = Some(result);
                        continue;
                    }
                    Either::Right((piece, _)) => piece,
                }
            }
        };
        let (stream, bytes) = match piece {
            Some(piece) => piece,
            None if output.is_some() => break,
            None => {
                output = Some(work.as_mut().await);
                break;
            }
        };
        for line in lines.take(stream, &bytes) {
            if !tell(lua, on_line, shape(stream, line)?).await? {
                return Ok(());
            }
        }
    }
    for (stream, line) in lines.rest() {
        if !tell(lua, on_line, shape(stream, line)?).await? {
            return Ok(());
        }
    }
    match output {
        Some(Ok(output)) if !output.is_success() => {
            Err(fault::error(&shown, output).server(&handle.link.id).into())
        }
        Some(Err(error)) => Err(error.into()),
        _ => Ok(()),
    }
}

/// Calls the function; does it want more?
async fn tell<A: IntoLuaMulti>(
    lua: &Lua,
    on_line: &Function,
    args: Option<A>,
) -> mlua::Result<bool> {
    let Some(args) = args else { return Ok(true) };
    let answer = crate::lua::call(lua, on_line, args).await?;
    Ok(!matches!(answer.front(), Some(Value::Boolean(false))))
}

/// The lines of both streams.
#[derive(Default)]
struct Lines(HashMap<Stream, Vec<u8>>);

impl Lines {
    fn take(&mut self, stream: Stream, bytes: &[u8]) -> Vec<Vec<u8>> {
        let held = self.0.entry(stream).or_default();
        held.extend_from_slice(bytes);
        let mut lines = Vec::new();
        while let Some(end) = held.iter().position(|b| *b == b'\n') {
            let mut line: Vec<u8> = held.drain(..=end).collect();
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            lines.push(line);
        }
        if held.len() > LINE {
            lines.push(std::mem::take(held));
        }
        lines
    }

    /// What came without an end.
    fn rest(self) -> impl Iterator<Item = (Stream, Vec<u8>)> {
        self.0.into_iter().filter(|(_, held)| !held.is_empty())
    }
}

/// The function of an option; `None` when it is not there.
pub(super) fn callback(call: &str, key: &str, opts: &Value) -> Result<Option<Function>> {
    let Value::Table(opts) = opts else {
        return Ok(None);
    };
    match opts.raw_get::<Value>(key) {
        Ok(Value::Function(function)) => Ok(Some(function)),
        Ok(Value::Nil) => Ok(None),
        _ => Err(Error::usage(format!(
            "`{call}`: `{key}` must be a function"
        ))),
    }
}

/// How long a call may take, by its option.
pub(super) fn timeout(call: &'static str, opts: &Value) -> Result<Option<Duration>> {
    let Value::Table(table) = opts else {
        return Ok(None);
    };
    let number = match table.raw_get::<Value>("timeout") {
        Ok(Value::Integer(n)) => Some(n as f64),
        Ok(Value::Number(n)) => Some(n),
        Ok(Value::Nil) => return Ok(None),
        _ => None,
    };
    let number = number.and_then(crate::lua::options::seconds);
    number
        .map(Some)
        .ok_or_else(|| Error::usage(format!("`{call}`: `timeout` must be a number of seconds")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole() {
        let mut lines = Lines::default();
        assert!(lines.take(Stream::Stdout, b"one").is_empty());
        assert_eq!(lines.take(Stream::Stderr, b"err\n"), [b"err".to_vec()]);
        let more = lines.take(Stream::Stdout, b" two\r\nthree\nfo");
        assert_eq!(more, [b"one two".to_vec(), b"three".to_vec()]);
        let rest: Vec<_> = lines.rest().collect();
        assert_eq!(rest, [(Stream::Stdout, b"fo".to_vec())]);
    }

    #[test]
    fn a_line_without_an_end_is_bounded() {
        let mut lines = Lines::default();
        let got = lines.take(Stream::Stdout, &vec![b'x'; LINE + 1]);
        assert_eq!((got.len(), got[0].len()), (1, LINE + 1));
    }
}
