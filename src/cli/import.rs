//! `mroom import`: servers from a list file or from JSON lines.

use serde_json::json;

use super::App;
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::inventory::{ImportOptions, Summary, read_file};
use crate::ui::json as form;

/// Add and change servers from a list file, or from what `export` wrote.
///
/// A line is `id--host--user--password--port--key`; port and key may be left out. The file is the
/// truth for these fields; tags and metadata stay. Nothing is written unless every line is good.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom import servers.txt
  mroom import --check servers.txt")]
pub struct Args {
    /// The file; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Import the good lines although others are bad.
    #[arg(long, env = "MROOM_SKIP_BAD", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub skip_bad: bool,
}

/// Imports, and tells what became of each line.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let options = ImportOptions {
        skip_bad: args.skip_bad,
        check: app.room.options.check,
    };
    let bytes = read_file(&args.file)?;
    let summary = app.room.store()?.import(&args.file, &bytes, options)?;
    let note = |level, text: &str| app.screen.note(level, None, text);
    summary.notes.iter().for_each(|n| note(Level::Notice, n));
    summary
        .warnings
        .iter()
        .for_each(|w| note(Level::Warning, w));
    summary.errors.iter().for_each(|e| app.screen.problem(e));
    let text = match app.json {
        true => form::line(&object(&summary)),
        false => format!("{}\n", sentence(&summary)),
    };
    app.screen.result(text.as_bytes())?;
    if summary.errors.is_empty() {
        return Ok(0);
    }
    if args.skip_bad {
        return Ok(Kind::Usage.exit_code());
    }
    Err(Error::usage("nothing was imported").hint("`--skip-bad` imports the good lines"))
}

fn sentence(summary: &Summary) -> String {
    let mut text = format!(
        "added {}  changed {}  unchanged {}  errors {}",
        summary.added.len(),
        summary.changed.len(),
        summary.unchanged,
        summary.errors.len()
    );
    if !summary.tunnels.is_empty() {
        text.push_str(&format!("  tunnel {}", summary.tunnels.join(" ")));
    }
    if !summary.is_written {
        text.push_str("  (nothing written)");
    }
    text
}

fn object(summary: &Summary) -> serde_json::Value {
    let errors: Vec<String> = summary.errors.iter().map(ToString::to_string).collect();
    json!({
        "added": summary.added,
        "changed": summary.changed,
        "unchanged": summary.unchanged,
        "tunnels": summary.tunnels,
        "errors": errors,
        "warnings": summary.warnings,
        "notes": summary.notes,
        "written": summary.is_written,
    })
}
