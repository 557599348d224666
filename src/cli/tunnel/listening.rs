//! What `socks` and `forward` share: a listener that is there until Ctrl-C.

use serde_json::json;

use super::super::App;
use crate::error::{Error, Kind, Result};
use crate::fleet::Opened;
use crate::tunnel::listen::{Listener, Purpose, address};

/// Where to listen, and for what.
pub struct Place<'a> {
    /// As it was typed.
    pub listen: &'a str,
    /// What clients are for.
    pub purpose: Purpose,
    /// What it is called in messages.
    pub what: String,
    /// Where it leads, in words.
    pub to: String,
}

/// Opens the way and listens until Ctrl-C, which is how this is meant to end.
///
/// # Errors
/// A way that does not come about; an address that is taken.
pub async fn serve(
    app: &App,
    place: Place<'_>,
    opening: impl Future<Output = Result<Opened>>,
) -> Result<u8> {
    let at = address(place.listen)?;
    let room = &app.room;
    let opened = tokio::select! {
        opened = opening => opened?,
        () = room.cancel.cancelled() => return Err(Error::new(Kind::Cancelled, "interrupted")),
    };
    let dial = opened.dial()?;
    let events = room.events.clone();
    let listener = Listener::start(at, place.purpose, &place.what, dial, events)?;
    let address = listener.address.to_string();
    let line = match app.json {
        true => json!({"listen": address, "to": place.to}).to_string(),
        false => format!("listening on {address} {}", place.to),
    };
    app.screen.result(format!("{line}\n").as_bytes())?;
    room.cancel.cancelled().await;
    drop(listener);
    opened.close().await;
    Ok(0)
}
