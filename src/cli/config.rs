//! `mroom config`: every setting, its value, and where that came from.

use std::path::Path;

use serde_json::json;
use toml::Value;

use super::App;
use super::edit::edit_file;
use crate::config::{Config, Entry, nearest};
use crate::error::{Error, Result};
use crate::events::Level;
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
  mroom config --edit")]
pub struct Args {
    /// Print the value of this setting.
    #[arg(value_name = "KEY")]
    key: Option<String>,
    /// Print where the settings file is, or would be.
    #[arg(long, conflicts_with = "key")]
    path: bool,
    /// Open the settings file in your editor, and check it afterwards.
    #[arg(long, conflicts_with_all = ["key", "path"])]
    edit: bool,
}

/// Prints them.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let config = &app.room.config;
    if let Some(code) = file(&app.screen, app.json, args)? {
        return Ok(code);
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

/// What is about the file itself, which need not be readable; `None` when nothing is.
pub fn file(screen: &Screen, json: bool, args: &Args) -> Result<Option<u8>> {
    let path = Config::file()?;
    if args.edit {
        edit(screen, &path)?;
        return Ok(Some(0));
    }
    if !args.path {
        return Ok(None);
    }
    let text = match json {
        true => form::line(&json!({ "path": path })),
        false => format!("{}\n", path.display()),
    };
    screen.result(text.as_bytes())?;
    Ok(Some(0))
}

/// Lets the person edit the file. A new one has every setting in it, as a comment.
fn edit(screen: &Screen, path: &Path) -> Result<()> {
    let failed = |e: std::io::Error| {
        Error::local(format!("cannot write `{}`: {e}", path.display())).source(e)
    };
    let text = template()?;
    let is_new = !path.exists();
    if is_new {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        std::fs::write(path, &text).map_err(failed)?;
    }
    let edited = edit_file(path);
    if is_new && std::fs::read_to_string(path).is_ok_and(|now| now == text) {
        std::fs::remove_file(path).map_err(failed)?;
    }
    edited?;
    let again = "`mroom config --edit` opens it again";
    Config::load(None).map_err(|e| match e.hint_text() {
        Some(hint) => e.clone().hint(format!("{hint} {again}")),
        None => e.hint(again),
    })?;
    screen.note(Level::Notice, None, "the settings are in order");
    Ok(())
}

/// Every setting with its default, as comments.
fn template() -> Result<String> {
    let mut text = "# Settings of mroom; `mroom config` shows what holds.\n".to_owned();
    for entry in Config::at(Path::new(""))?.entries() {
        text.push_str(&format!(
            "\n# {}\n# {} = {}\n",
            entry.help, entry.key, entry.value
        ));
    }
    Ok(text)
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
