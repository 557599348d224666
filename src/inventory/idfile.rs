//! Files that stand for the servers named in them: ids, one a line, or a list file. Pure.

use std::collections::{HashMap, HashSet};

use super::pattern::{Source, ids_of};
use super::store::unknown;
use super::{Server, listfile};
use crate::error::{Error, Result};

/// The ids in a file. Each must be in the inventory: `index` has them, `servers` the nearest.
///
/// # Errors
/// [`crate::error::Kind::Usage`] naming file and line.
pub(super) fn ids(
    bytes: &[u8],
    source: &Source,
    servers: &[Server],
    index: &HashMap<&str, usize>,
) -> Result<HashSet<String>> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| Error::usage(format!("`{source}`: not valid UTF-8")).source(e))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut ids = HashSet::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = listfile::id_of(line).filter(|_| !index.contains_key(line));
        let id = entry.unwrap_or(line);
        if !index.contains_key(id) {
            let error = unknown(id, ids_of(servers)).context(format!("{source}:{}", number + 1));
            return Err(match entry {
                Some(_) => error.hint(format!("`mroom import {source}` brings them in")),
                None => error,
            });
        }
        ids.insert(id.to_owned());
    }
    Ok(ids)
}
