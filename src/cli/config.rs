//! `mroom config`: every setting, its value, and where that came from.

use std::path::Path;

use serde_json::json;
use toml::Value;

use super::App;
use crate::config::{Config, Entry, nearest};
use crate::error::{Error, Result};
use crate::output::Stream;
use crate::ui::sanitize::one_line;
use crate::ui::{Paint, Screen, Style, json as form};

/// Show the settings: each effective value and where it came from.
///
/// Later wins: the default, the settings file, its `[projects.NAME]` with `--project`, a variable
/// such as `MROOM_FORKS`. With a key, its value alone is printed, as the variable would hold it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom config
  mroom config forks
  $EDITOR \"$(mroom config --path)\"")]
pub struct Args {
    /// Print the value of this setting.
    #[arg(value_name = "KEY")]
    key: Option<String>,
    /// Print where the settings file is, or would be.
    #[arg(long, conflicts_with = "key")]
    pub path: bool,
}

/// Prints them.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let config = &app.room.config;
    if args.path {
        return path(&app.screen, app.json);
    }
    let text = match &args.key {
        Some(key) => {
            let known = || config.entries().iter();
            let entry = known().find(|entry| entry.key == key).ok_or_else(|| {
                let error = Error::usage(format!("there is no setting `{key}`"));
                match nearest(key, known().map(|entry| entry.key)) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error.hint("`mroom config` lists the settings"),
                }
            })?;
            match app.json {
                true => form::line(&object(entry)),
                false => format!("{}\n", plain(&entry.value)),
            }
        }
        None if app.json => config
            .entries()
            .iter()
            .map(|entry| form::line(&object(entry)))
            .collect(),
        None => {
            let mut text = table(config.entries(), app.screen.style(Stream::Stdout));
            let mut place = |what: &str, path: &Path| {
                let path = one_line(&path.display().to_string());
                text.push_str(&format!("{what:<24} {path}\n"));
            };
            place("config folder", config.config_dir());
            place("database", &config.database());
            text
        }
    };
    app.screen.result(text.as_bytes())?;
    Ok(0)
}

/// Prints where the settings file is; it need not be readable.
pub fn path(screen: &Screen, json: bool) -> Result<u8> {
    let file = Config::file()?;
    let text = match json {
        true => form::line(&json!({ "path": file })),
        false => format!("{}\n", file.display()),
    };
    screen.result(text.as_bytes())?;
    Ok(0)
}

fn object(entry: &Entry) -> serde_json::Value {
    json!({
        "key": entry.key,
        "value": entry.value,
        "origin": entry.origin.to_string(),
        "help": entry.help,
    })
}

/// As the setting's variable would hold it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// A line for each, and an empty one.
fn table(entries: &[Entry], style: Style) -> String {
    let shown = |entry: &Entry| one_line(&entry.value.to_string());
    let values: Vec<String> = entries.iter().map(shown).collect();
    let width = values.iter().map(|v| v.chars().count()).max();
    let width = width.unwrap_or(0).min(40);
    let mut text = String::new();
    for (entry, value) in entries.iter().zip(&values) {
        let origin = style.paint(Paint::Faint, &one_line(&entry.origin.to_string()));
        text.push_str(&format!("{:<24} {value:<width$}  {origin}\n", entry.key));
    }
    text + "\n"
}
