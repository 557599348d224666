//! [`Format`]: what an imported file is. It is found out from the content, and never guessed:
//! when it looks like two things or like none, a person has to say.

use std::fmt;

use super::input::Input;
use super::{ImportOptions, Source, ansible, cloud, lines, ssh_config};
use crate::error::{Error, Result};
use crate::inventory::listfile;

/// A format that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `id--host--user--password--port--key`.
    List,
    /// JSON lines, as an export writes them.
    Json,
    /// An Ansible inventory, INI or YAML.
    Ansible,
    /// `ssh_config(5)`.
    SshConfig,
    /// CSV with a header, from a cloud or of one's own.
    Csv,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 5] = [
        Format::List,
        Format::Json,
        Format::Ansible,
        Format::SshConfig,
        Format::Csv,
    ];

    /// The word for it on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Format::List => "list",
            Format::Json => "json",
            Format::Ansible => "ansible",
            Format::SshConfig => "ssh-config",
            Format::Csv => "csv",
        }
    }

    /// The format of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.word() == word)
    }

    /// What a server looks like in it.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Format::List => "a line is `id--host--user--password--port--key`",
            Format::Json => "a line is what `mroom export --json` writes",
            Format::Ansible => "hosts stand under `[group]`, or in YAML under `hosts:`",
            Format::SshConfig => "a server is a `Host` without wildcards",
            Format::Csv => "the header names the columns: `name,ip,user`",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Reads a file of that format.
pub(super) fn read(format: Format, source: &Source<'_>, options: &ImportOptions) -> Input {
    match format {
        Format::List => lines::list(source),
        Format::Json => lines::json(source),
        Format::Ansible => ansible::read(source, options),
        Format::SshConfig => ssh_config::read(source, options),
        Format::Csv => cloud::read(source, options),
    }
}

/// What the file is: what the person says, else what it looks like.
///
/// # Errors
/// [`crate::error::Kind::Usage`] when it looks like several formats or like none.
pub(super) fn decide(source: &Source<'_>, wanted: Option<Format>) -> Result<Format> {
    if let Some(format) = wanted {
        return Ok(format);
    }
    let text = String::from_utf8_lossy(source.bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if text.trim_start().starts_with('{') {
        return Ok(match ansible::is_yaml(source.name, text) {
            true if !is_json_line(text) => Format::Ansible,
            _ => Format::Json,
        });
    }
    let content = || {
        let lines = text.lines().map(str::trim);
        lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';']))
    };
    let looks = |format: Format| match format {
        Format::List => content().any(listfile::is_entry),
        Format::Json => false,
        Format::Ansible => ansible::is_ini(content()) || ansible::is_yaml(source.name, text),
        Format::SshConfig => ssh_config::is_config(content()),
        Format::Csv => content().next().is_some_and(cloud::is_header),
    };
    let found: Vec<Format> = Format::ALL.into_iter().filter(|f| looks(*f)).collect();
    let words = |formats: &[Format]| {
        let words: Vec<&str> = formats.iter().map(|f| f.word()).collect();
        words.join("|")
    };
    let name = source.name;
    match found.as_slice() {
        [format] => Ok(*format),
        // Nothing in it, or lines that tried to be those of a list.
        [] if content().next().is_none() || content().any(listfile::is_near_entry) => {
            Ok(Format::List)
        }
        [] => Err(
            Error::usage(format!("`{name}`: cannot tell what it is")).hint(format!(
                "`--format {}` says what it is",
                words(&Format::ALL)
            )),
        ),
        several => Err(
            Error::usage(format!("`{name}`: it looks like several formats"))
                .hint(format!("`--format {}` says which it is", words(several))),
        ),
    }
}

/// Is the first line an object of ours?
fn is_json_line(text: &str) -> bool {
    let first = text.trim_start().lines().next().unwrap_or_default();
    let object: Option<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(first).ok();
    object.is_some_and(|o| o.contains_key("id") || o.contains_key("tunnel_profile"))
}
