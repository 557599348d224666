//! `mroom import`: servers from a list file, JSON lines, an Ansible inventory, an ssh
//! configuration or CSV.

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use serde_json::json;

use super::App;
use crate::config::expand_tilde;
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::inventory::{Format, ImportOptions, Summary, local_user, read_file};
use crate::sshconfig::Local;
use crate::ui::json as form;
use crate::ui::sanitize::one_line;

/// Add and change servers from a list, another tool's inventory, or CSV.
///
/// Read are list files, what `export` wrote, Ansible inventories, ssh configurations, and CSV with
/// a header.
///
/// Nothing is written unless every line is good. What the file says counts; tags and metadata
/// stay, and groups become tags.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom import servers.txt --check
  mroom import inventory.ini --tag prod
  mroom import droplets.csv --user root --key ~/.ssh/id_ed25519")]
pub struct Args {
    /// The file; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub file: String,
    /// list, json, ansible, ssh-config or csv; else found out.
    #[arg(long, value_name = "FORMAT", hide_possible_values = true, env = "MROOM_FORMAT", hide_env = true, value_parser = format_parser())]
    pub format: Option<Format>,
    /// Import the good lines although others are bad.
    #[arg(long, env = "MROOM_SKIP_BAD", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub skip_bad: bool,
    /// Give every server this tag; may be repeated.
    #[arg(long, value_name = "TAG", env = "MROOM_TAG", hide_env = true)]
    pub tag: Vec<String>,
    /// Put this before every id.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        env = "MROOM_PREFIX",
        hide_env = true
    )]
    pub prefix: String,
    /// The user of servers for which the file names none.
    #[arg(long, value_name = "USER", env = "MROOM_USER", hide_env = true)]
    pub user: Option<String>,
    /// Their port, likewise.
    #[arg(long, value_name = "PORT", env = "MROOM_PORT", hide_env = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Their private key file, likewise.
    #[arg(long, value_name = "FILE", env = "MROOM_KEY", hide_env = true)]
    pub key: Option<String>,
    /// Keep other plain variables or columns as metadata.
    #[arg(long, env = "MROOM_VARS", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub vars: bool,
}

fn format_parser() -> impl clap::builder::TypedValueParser<Value = Format> {
    let words = PossibleValuesParser::new(Format::ALL.map(Format::word));
    words.try_map(|word| Format::from_word(&word).ok_or("no such format"))
}

/// Imports, and tells what became of each line.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let name = |tag: &String| tag.strip_prefix('@').unwrap_or(tag).to_owned();
    let options = ImportOptions {
        skip_bad: args.skip_bad,
        check: app.room.options.check,
        format: args.format,
        prefix: args.prefix.clone(),
        tags: args.tag.iter().map(name).collect(),
        user: args.user.clone(),
        port: args.port,
        key: args.key.clone(),
        vars: args.vars,
        local: local_user().ok().map(|user| Local {
            user,
            home: expand_tilde("~"),
        }),
    };
    let bytes = read_file(&args.file)?;
    let summary = app.room.store()?.import(&args.file, &bytes, &options)?;
    if let Some(format) = summary.format {
        let message = format!("read `{}` as {format}", args.file);
        app.screen.note(Level::Info, None, &message);
    }
    let note = |level, text: &str| app.screen.note(level, None, text);
    summary.notes.iter().for_each(|n| note(Level::Notice, n));
    summary
        .warnings
        .iter()
        .for_each(|w| note(Level::Warning, w));
    summary.errors.iter().for_each(|e| app.screen.problem(e));
    let text = match app.json {
        true => form::line(&object(&summary)),
        false if options.check => format!("{}{}\n", plan(&summary), sentence(&summary)),
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

/// What check mode would have done, a line for each server.
fn plan(summary: &Summary) -> String {
    let added = summary
        .added
        .iter()
        .map(|id| format!("add {}\n", one_line(id)));
    let changes = summary.changed.iter().zip(&summary.differences);
    let changed =
        changes.map(|(id, what)| format!("change {}: {}\n", one_line(id), one_line(what)));
    added.chain(changed).collect()
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
        "format": summary.format.map(Format::word),
        "added": summary.added,
        "changed": summary.changed,
        "differences": summary.differences,
        "unchanged": summary.unchanged,
        "tunnels": summary.tunnels,
        "errors": errors,
        "warnings": summary.warnings,
        "notes": summary.notes,
        "written": summary.is_written,
    })
}
