//! What each setting is in the end: default, settings file, project and environment laid over
//! each other, later wins.
//!
//! Pure; imports only [`crate::error`].

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::settings::{SETTINGS, check_all, default_of, from_text, nearest};
use crate::error::{Error, Result};

/// Where an effective value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// The settings file.
    File(PathBuf),
    /// A `[projects.NAME]` table of the settings file.
    Project(String),
    /// An environment variable.
    Env(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Project(name) => write!(f, "[projects.{name}]"),
            Origin::Env(name) => write!(f, "${name}"),
        }
    }
}

/// One effective setting, for `mroom config`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key, dotted.
    pub key: &'static str,
    /// What it is.
    pub help: &'static str,
    /// The effective value.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// Each setting's effective value and origin; every table of the file is checked, chosen or not.
pub(super) fn resolve(
    table: &Table,
    file: &Path,
    project: Option<&str>,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Entry>> {
    let mut values = Vec::new();
    flatten(table, "", &mut values, &mut |key, value| {
        // Every project is checked, chosen or not: a typing error should not wait.
        let Some(projects) = (key == "projects").then_some(value) else {
            return Ok(false);
        };
        let tables = projects.as_table().ok_or_else(|| {
            Error::usage(format!(
                "{}: `projects` must be a table of tables",
                file.display()
            ))
        })?;
        for (name, inner) in tables {
            let inner = inner.as_table().ok_or_else(|| {
                Error::usage(format!(
                    "{}: `projects.{name}` must be a table",
                    file.display()
                ))
            })?;
            let mut found = Vec::new();
            flatten(inner, "", &mut found, &mut |_, _| Ok(false))?;
            check_all(&found, &format!("{} [projects.{name}]", file.display()))?;
        }
        Ok(true)
    })?;
    check_all(&values, &file.display().to_string())?;
    let mut entries = Vec::with_capacity(SETTINGS.len());
    let chosen = match project {
        None => Vec::new(),
        Some(name) => {
            let inner = table
                .get("projects")
                .and_then(|p| p.get(name))
                .and_then(Value::as_table);
            let inner = inner.ok_or_else(|| unknown_project(table, name, file))?;
            let mut found = Vec::new();
            flatten(inner, "", &mut found, &mut |_, _| Ok(false))?;
            found
        }
    };
    for s in SETTINGS {
        let mut value = default_of(s)?;
        let mut origin = Origin::Default;
        let find = |from: &[(String, Value)]| {
            from.iter()
                .find(|(k, _)| k == s.key)
                .map(|(_, v)| v.clone())
        };
        if let Some(v) = find(&values) {
            (value, origin) = (v, Origin::File(file.to_owned()));
        }
        if let (Some(v), Some(name)) = (find(&chosen), project) {
            (value, origin) = (v, Origin::Project(name.to_owned()));
        }
        let variable = format!("MROOM_{}", s.key.to_uppercase().replace('.', "_"));
        if let Some(text) = env(&variable) {
            value = from_text(s, &text).map_err(|e| e.context(format!("${variable}")))?;
            origin = Origin::Env(variable);
        }
        entries.push(Entry {
            key: s.key,
            help: s.help,
            value,
            origin,
        });
    }
    Ok(entries)
}

pub(super) fn parse(text: &str, file: &Path) -> Result<Table> {
    text.parse::<Table>().map_err(|e| {
        let line = e.span().map_or(1, |s| {
            text[..s.start.min(text.len())].matches('\n').count() + 1
        });
        Error::usage(format!("{}:{line}: {}", file.display(), e.message())).source(e)
    })
}

/// Collects `a.b = v` pairs; `skip` may take a key out.
pub(super) fn flatten(
    table: &Table,
    prefix: &str,
    into: &mut Vec<(String, Value)>,
    skip: &mut impl FnMut(&str, &Value) -> Result<bool>,
) -> Result<()> {
    for (key, value) in table {
        let full = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        if skip(&full, value)? {
            continue;
        }
        match value {
            Value::Table(inner) => flatten(inner, &full, into, skip)?,
            other => into.push((full, other.clone())),
        }
    }
    Ok(())
}

/// The names of the `[projects.NAME]` tables.
pub(super) fn project_names(table: &Table) -> Vec<String> {
    let known = table.get("projects").and_then(Value::as_table);
    known.map_or_else(Vec::new, |t| t.keys().cloned().collect())
}

fn unknown_project(table: &Table, name: &str, file: &Path) -> Error {
    let names = project_names(table);
    let error = Error::usage(format!("{}: no project `{name}`", file.display()));
    match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("add a table `[projects.{name}]` to it")),
    }
}
