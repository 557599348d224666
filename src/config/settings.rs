//! The table of settings, and whether a value fits its setting.
//!
//! Pure; imports only [`crate::error`].

use toml::{Table, Value};

use crate::error::{Error, Result};

/// What a setting may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Path,
    Bool,
    /// A whole number in this range.
    Number(i64, i64),
    /// A list of words.
    Words,
}

/// One setting: its key, what it may hold, its default as TOML, and what it is.
pub(super) struct Setting {
    pub key: &'static str,
    kind: Type,
    default: &'static str,
    pub help: &'static str,
}

const fn setting(
    key: &'static str,
    kind: Type,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting {
        key,
        kind,
        default,
        help,
    }
}

/// Every setting there is. A key with a dot lives in a TOML table; its variable is `MROOM_` and
/// the key in capitals with `_` for the dot. An empty path or text means "not set".
#[rustfmt::skip]
pub(super) const SETTINGS: &[Setting] = &[
    setting("data_dir", Type::Path, "''", "folder of the database (DATAPATH_BASE)"),
    setting("public_key", Type::Path, "''", "public key that the cert stage installs (PUB_KEY)"),
    setting("key_dir", Type::Path, "'~/.ssh'", "folder of the private keys (LOCAL_KEY_HOLDER)"),
    setting("key_comment", Type::Text, "''", "comment that marks our key (MY_KEY_FEATURE)"),
    setting("known_hosts", Type::Path, "'~/.ssh/known_hosts'", "known host keys, read and appended to"),
    setting("remote_workspace", Type::Path, "'machineroom'", "workspace on the servers, below home (REMOTE_WS)"),
    setting("local_workspace", Type::Path, "'.'", "workspace on this machine (WS_LOCAL)"),
    setting("ram_gb", Type::Number(0, 1 << 20), "4", "RAM that a server should have, GB"),
    setting("disk_gb", Type::Number(0, 1 << 30), "100", "disk that a server should have, GB"),
    setting("strict", Type::Bool, "false", "too little RAM or disk fails the env stage"),
    setting("compose_version", Type::Text, "'2.24.6'", "Docker Compose version (DOCKER_COMPOSE_VERSION)"),
    setting("commands.bash", Type::Text, "'bash'", "bash on the servers (COMMAND_PATH)"),
    setting("commands.docker", Type::Text, "'docker'", "docker on the servers (COMMAND_PATH)"),
    setting("commands.docker_compose", Type::Text, "'docker-compose'", "docker-compose on the servers (COMMAND_PATH)"),
    setting("default_stages", Type::Words, "['cert', 'docker', 'env']", "stages of `bringup` (STAGE1)"),
    setting("forks", Type::Number(1, 10_000), "32", "servers worked on at once"),
    setting("timeout", Type::Number(1, 86_400), "10", "seconds to connect and authenticate"),
    setting("keepalive", Type::Number(0, 86_400), "15", "seconds between keepalives, 0 for none"),
    setting("lua.memory_mb", Type::Number(0, 1 << 20), "0", "memory that Lua code may take, MB, 0 for any"),
    setting("lua.instructions", Type::Number(0, 1 << 50), "0", "instructions of Lua without a call that waits, 0 for any"),
    setting("health.load", Type::Text, "'2,4'", "load on each processor that warns, that is critical"),
    setting("health.memory", Type::Text, "'90,97'", "memory in use, percent"),
    setting("health.swap", Type::Text, "'50,90'", "swap in use, percent"),
    setting("health.disk", Type::Text, "'85,95'", "the fullest file system, percent"),
    setting("health.inodes", Type::Text, "'85,95'", "its inodes, percent"),
    setting("health.units", Type::Text, "'1,5'", "units that have failed"),
    setting("health.updates", Type::Text, "'50,-'", "updates that wait"),
    setting("health.security", Type::Text, "'1,20'", "those of them for security"),
    setting("health.reboot", Type::Text, "'1,-'", "a restart that is waited for"),
    setting("health.clock", Type::Text, "'2,60'", "the clock is off, seconds"),
    setting("health.certs", Type::Text, "'21,7'", "days left of a certificate"),
    setting("health.oom", Type::Text, "'1,-'", "processes killed for want of memory"),
    setting("health.containers", Type::Text, "'1,1'", "containers that are not well"),
    setting("health.vulnerabilities", Type::Text, "'1,10'", "critical ones in images that run"),
    setting("log", Type::Bool, "true", "keep a log of what goes to servers (`mroom log`)"),
    setting("log_days", Type::Number(0, 36_500), "90", "days that the log keeps, 0 for all"),
    setting("log_rows", Type::Number(0, 1_000_000_000), "200000", "entries that the log keeps, 0 for all"),
];

pub(super) fn check_all(values: &[(String, Value)], place: &str) -> Result<()> {
    for (key, value) in values {
        let Some(s) = SETTINGS.iter().find(|s| s.key == key) else {
            let error = Error::usage(format!("{place}: unknown setting `{key}`"));
            return Err(match nearest(key, SETTINGS.iter().map(|s| s.key)) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint("`mroom config` lists the settings"),
            });
        };
        check(s, value).map_err(|e| e.context(place))?;
    }
    Ok(())
}

fn check(s: &Setting, value: &Value) -> Result<()> {
    let wanted = match (s.kind, value) {
        (Type::Text | Type::Path, Value::String(_)) | (Type::Bool, Value::Boolean(_)) => {
            return Ok(());
        }
        (Type::Number(min, max), Value::Integer(n)) if (min..=max).contains(n) => return Ok(()),
        (Type::Words, Value::Array(a)) if a.iter().all(Value::is_str) => return Ok(()),
        (Type::Text | Type::Path, _) => "a text".to_owned(),
        (Type::Bool, _) => "true or false".to_owned(),
        (Type::Number(min, max), _) => format!("a whole number from {min} to {max}"),
        (Type::Words, _) => "a list of texts".to_owned(),
    };
    Err(Error::usage(format!(
        "`{}` must be {wanted}, not `{value}`",
        s.key
    )))
}

/// A value out of an environment variable.
pub(super) fn from_text(s: &Setting, text: &str) -> Result<Value> {
    let value = match s.kind {
        Type::Text | Type::Path => Value::String(text.to_owned()),
        Type::Words => Value::Array(
            text.split([',', ' '])
                .filter(|w| !w.is_empty())
                .map(|w| Value::String(w.into()))
                .collect(),
        ),
        Type::Bool => match text {
            "1" | "true" | "yes" | "on" => Value::Boolean(true),
            "0" | "false" | "no" | "off" => Value::Boolean(false),
            other => Value::String(other.to_owned()),
        },
        Type::Number(..) => text
            .parse()
            .map_or_else(|_| Value::String(text.to_owned()), Value::Integer),
    };
    check(s, &value)?;
    Ok(value)
}

pub(super) fn default_of(s: &Setting) -> Result<Value> {
    let table: Table = format!("v = {}", s.default)
        .parse()
        .map_err(|e: toml::de::Error| Error::usage(format!("default of `{}`: {e}", s.key)))?;
    table
        .get("v")
        .cloned()
        .ok_or_else(|| Error::usage(format!("no default for `{}`", s.key)))
}

/// The known word most like `word`, when one is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(word, k), k))
        .filter(|(distance, k)| *distance <= (k.len() / 3).max(2))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_valid() {
        for s in SETTINGS {
            check(s, &default_of(s).unwrap()).unwrap();
        }
    }
}
