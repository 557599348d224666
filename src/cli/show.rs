//! `mroom show`: one server whole.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{App, ls};
use crate::error::{Error, Result};
use crate::inventory::{Selection, Server};
use crate::output::Stream;
use crate::ui::sanitize::one_line;
use crate::ui::{Paint, Style, json as form};

/// Show everything that is known of a server; the whole inventory without one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom show web-01")]
pub struct Args {
    /// The server's id.
    #[arg(value_name = "ID")]
    pub id: Option<String>,
}

/// Prints it.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let Some(id) = &args.id else {
        return ls::run(app, &ls::Args::default());
    };
    let store = app.room.store()?;
    let server = match store.get(id)? {
        Some(server) => server,
        // A pattern is welcome as long as it means one server; its error names the nearest ids.
        None => match <[Server; 1]>::try_from(store.select(id, Selection { retired: true })?) {
            Ok([server]) => server,
            Err(many) => {
                let message = format!("`{id}` means {} servers", many.len());
                return Err(Error::usage(message).hint(format!("`mroom ls '{id}'` lists them")));
            }
        },
    };
    let times = store.updated_at(&server.id)?;
    let text = match app.json {
        true => form::line(&object(&server, &times)),
        false => card(&server, &times, app.screen.style(Stream::Stdout)),
    };
    app.screen.result(text.as_bytes())?;
    Ok(0)
}

/// The object of `ls`, whether there is a password, and when each key was last set.
fn object(server: &Server, times: &BTreeMap<String, i64>) -> Value {
    let mut object = form::server(server);
    object["has_password"] = json!(!server.sealed_pass.is_empty());
    object["next_action"] = server.next_action.clone();
    object["updated_at"] = json!(times);
    object
}

fn card(server: &Server, times: &BTreeMap<String, i64>, style: Style) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            let name = style.paint(Paint::Strong, &format!("{:<13}", one_line(name)));
            text.push_str(&format!("{name} {}\n", one_line(value)));
        }
    };
    row("id", &server.id);
    row("host", &server.host);
    row("user", &server.user);
    row("port", &server.port.to_string());
    row(
        "password",
        if server.sealed_pass.is_empty() {
            "none"
        } else {
            "sealed"
        },
    );
    row(
        "description",
        server.description.as_deref().unwrap_or_default(),
    );
    row(
        "tags",
        &server
            .tags
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" "),
    );
    for (key, value) in &server.meta {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let time = times
            .get(key)
            .map_or_else(String::new, |t| format!("  (set {})", utc(*t)));
        row(key, &format!("{value}{time}"));
    }
    text
}

/// Seconds since 1970 as `2026-01-31 12:00Z` (proleptic Gregorian calendar).
fn utc(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Counted in eras of 400 years that begin on 1 March, so that a leap day ends a year.
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day_of_month:02} {hour:02}:{minute:02}Z")
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates() {
        for (seconds, date) in [
            (0, "1970-01-01 00:00Z"),
            (951_782_399, "2000-02-28 23:59Z"),
            (951_782_400, "2000-02-29 00:00Z"),
            (1_798_761_599, "2026-12-31 23:59Z"),
            (-1, "1969-12-31 23:59Z"),
            (4_107_542_400, "2100-03-01 00:00Z"),
        ] {
            assert_eq!(super::utc(seconds), date);
        }
    }
}
