//! `mroom config`: every setting, its value, and where that came from.

use serde_json::json;

use super::App;
use crate::error::Result;
use crate::output::Stream;
use crate::ui::sanitize::one_line;
use crate::ui::{Paint, json as form};

/// Show the settings: each effective value and where it came from.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom config
  mroom config forks")]
pub struct Args {}

/// Prints them.
pub fn run(app: &App, _args: &Args) -> Result<u8> {
    let config = &app.room.config;
    let style = app.screen.style(Stream::Stdout);
    let mut text = String::new();
    let values: Vec<String> = config
        .entries()
        .iter()
        .map(|e| one_line(&e.value.to_string()))
        .collect();
    let width = values
        .iter()
        .map(|v| v.chars().count())
        .max()
        .unwrap_or(0)
        .min(40);
    for (entry, value) in config.entries().iter().zip(&values) {
        let origin = entry.origin.to_string();
        if app.json {
            text.push_str(&form::line(&json!({
                "key": entry.key,
                "value": entry.value,
                "origin": origin,
                "help": entry.help,
            })));
        } else {
            let origin = style.paint(Paint::Faint, &one_line(&origin));
            text.push_str(&format!("{:<24} {value:<width$}  {origin}\n", entry.key));
        }
    }
    if !app.json {
        let place = |path: &std::path::Path| one_line(&path.display().to_string());
        text.push_str(&format!(
            "\n{:<24} {}\n",
            "config folder",
            place(config.config_dir())
        ));
        text.push_str(&format!(
            "{:<24} {}\n",
            "database",
            place(&config.database())
        ));
    }
    app.screen.result(text.as_bytes())?;
    Ok(0)
}
