//! Settings and folders: one table of settings, and where each effective value came from.
//!
//! Order, later wins: default, `config.toml`, the chosen `[projects.NAME]`, `MROOM_*`. Owns no
//! state beyond the value it builds; imports only [`crate::error`].

use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy as _;
use toml::{Table, Value};

use crate::error::{Error, Result};

/// What a setting may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Path,
    Bool,
    /// A whole number in this range.
    Number(i64, i64),
    /// A list of words.
    Words,
}

/// One setting: its key, what it may hold, its default as TOML, and what it is.
struct Setting {
    key: &'static str,
    kind: Type,
    default: &'static str,
    help: &'static str,
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
const SETTINGS: &[Setting] = &[
    setting(
        "data_dir",
        Type::Path,
        "''",
        "folder of the database (DATAPATH_BASE)",
    ),
    setting(
        "public_key",
        Type::Path,
        "''",
        "public key that the cert stage installs (PUB_KEY)",
    ),
    setting(
        "key_dir",
        Type::Path,
        "'~/.ssh'",
        "folder of the private keys (LOCAL_KEY_HOLDER)",
    ),
    setting(
        "key_comment",
        Type::Text,
        "''",
        "comment that marks our key (MY_KEY_FEATURE)",
    ),
    setting(
        "known_hosts",
        Type::Path,
        "'~/.ssh/known_hosts'",
        "known host keys, read and appended to",
    ),
    setting(
        "remote_workspace",
        Type::Path,
        "'machineroom'",
        "workspace on the servers, below home (REMOTE_WS)",
    ),
    setting(
        "local_workspace",
        Type::Path,
        "'.'",
        "workspace on this machine (WS_LOCAL)",
    ),
    setting(
        "ram_gb",
        Type::Number(0, 1 << 20),
        "4",
        "RAM that a server should have, GB",
    ),
    setting(
        "disk_gb",
        Type::Number(0, 1 << 30),
        "100",
        "disk that a server should have, GB",
    ),
    setting(
        "strict",
        Type::Bool,
        "false",
        "too little RAM or disk fails the env stage",
    ),
    setting(
        "compose_version",
        Type::Text,
        "'2.24.6'",
        "Docker Compose version (DOCKER_COMPOSE_VERSION)",
    ),
    setting(
        "commands.bash",
        Type::Text,
        "'bash'",
        "bash on the servers (COMMAND_PATH)",
    ),
    setting(
        "commands.docker",
        Type::Text,
        "'docker'",
        "docker on the servers (COMMAND_PATH)",
    ),
    setting(
        "commands.docker_compose",
        Type::Text,
        "'docker-compose'",
        "docker-compose on the servers (COMMAND_PATH)",
    ),
    setting(
        "default_stages",
        Type::Words,
        "['cert', 'env']",
        "stages of `bringup` (STAGE1)",
    ),
    setting(
        "forks",
        Type::Number(1, 10_000),
        "32",
        "servers worked on at once",
    ),
    setting(
        "timeout",
        Type::Number(1, 86_400),
        "10",
        "seconds to connect and authenticate",
    ),
    setting(
        "keepalive",
        Type::Number(0, 86_400),
        "15",
        "seconds between keepalives, 0 for none",
    ),
];

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

/// Effective settings and folders of this run.
#[derive(Debug, Clone)]
pub struct Config {
    dir: PathBuf,
    data_dir: PathBuf,
    project: Option<String>,
    entries: Vec<Entry>,
}

impl Config {
    /// Reads `config.toml` (if there is one), the project's table and the environment.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`]: unreadable file, bad TOML, an unknown key or project, a
    /// value of the wrong type; the message names file and key.
    pub fn load(project: Option<&str>) -> Result<Self> {
        let base = etcetera::choose_base_strategy().map_err(|e| {
            Error::usage("no home folder is known")
                .source(e)
                .hint("set HOME")
        })?;
        let env = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let dir = env("MROOM_CONFIG_DIR").map_or_else(
            || base.config_dir().join("machineroom"),
            |d| expand_tilde(&d),
        );
        let file = dir.join("config.toml");
        let table = match std::fs::read_to_string(&file) {
            Ok(text) => parse(&text, &file)?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Table::new(),
            Err(e) => {
                return Err(
                    Error::usage(format!("cannot read `{}`: {e}", file.display())).source(e),
                );
            }
        };
        let mut config = Self::build(&table, &file, project, env)?;
        config.dir = dir;
        let chosen = config.path("data_dir");
        config.data_dir = if chosen.as_os_str().is_empty() {
            base.data_dir().join("machineroom")
        } else {
            chosen
        };
        Ok(config)
    }

    fn build(
        table: &Table,
        file: &Path,
        project: Option<&str>,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
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
        Ok(Config {
            dir: PathBuf::new(),
            data_dir: PathBuf::new(),
            project: project.map(str::to_owned),
            entries,
        })
    }

    /// All defaults, with everything in `dir`: for code that must not see a person's settings.
    ///
    /// # Errors
    /// None in practice: the defaults are checked by a test.
    pub fn at(dir: &Path) -> Result<Self> {
        let mut config = Self::build(&Table::new(), Path::new("config.toml"), None, |_| None)?;
        config.dir = dir.join("config");
        config.data_dir = dir.join("data");
        Ok(config)
    }

    fn value(&self, key: &str) -> &Value {
        match self.entries.iter().find(|e| e.key == key) {
            Some(entry) => &entry.value,
            None => unreachable!("setting `{key}` is not in the table"),
        }
    }
    fn text(&self, key: &str) -> &str {
        self.value(key).as_str().unwrap_or_default()
    }
    fn path(&self, key: &str) -> PathBuf {
        expand_tilde(self.text(key))
    }
    fn number(&self, key: &str) -> u64 {
        self.value(key)
            .as_integer()
            .and_then(|n| u64::try_from(n).ok())
            .unwrap_or_default()
    }

    /// Every setting with its effective value and origin.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
    /// The chosen project.
    pub fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }
    /// Folder of `config.toml`, and of the user's own `stages/` and `workflows/`.
    pub fn config_dir(&self) -> &Path {
        &self.dir
    }
    /// Folder of the database and of everything else that `mroom` keeps.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }
    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.data_dir.join("cache.db")
    }
    /// The public key that the cert stage installs, when one is set.
    pub fn public_key(&self) -> Option<PathBuf> {
        Some(self.path("public_key")).filter(|p| !p.as_os_str().is_empty())
    }
    /// Folder of the private keys.
    pub fn key_dir(&self) -> PathBuf {
        self.path("key_dir")
    }
    /// Comment that marks our key in an authorized_keys file; may be empty.
    pub fn key_comment(&self) -> &str {
        self.text("key_comment")
    }
    /// The known_hosts file that is written to.
    pub fn known_hosts(&self) -> PathBuf {
        self.path("known_hosts")
    }
    /// Workspace on the servers; a relative path is below the login's home.
    pub fn remote_workspace(&self) -> &str {
        self.text("remote_workspace")
    }
    /// Workspace on this machine.
    pub fn local_workspace(&self) -> PathBuf {
        self.path("local_workspace")
    }
    /// RAM that a server should have, GB.
    pub fn ram_gb(&self) -> u64 {
        self.number("ram_gb")
    }
    /// Disk that a server should have, GB.
    pub fn disk_gb(&self) -> u64 {
        self.number("disk_gb")
    }
    /// Whether too little RAM or disk is a failure.
    pub fn is_strict(&self) -> bool {
        self.value("strict").as_bool().unwrap_or_default()
    }
    /// Docker Compose version to install.
    pub fn compose_version(&self) -> &str {
        self.text("compose_version")
    }
    /// A command's name or path on the servers: `bash`, `docker` or `docker_compose`.
    pub fn command(&self, name: &str) -> &str {
        self.text(&format!("commands.{name}"))
    }
    /// The stages of `bringup`.
    pub fn default_stages(&self) -> Vec<String> {
        let words = self
            .value("default_stages")
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        words
            .iter()
            .filter_map(|v| v.as_str().map(str::to_owned))
            .collect()
    }
    /// Servers worked on at once.
    pub fn forks(&self) -> usize {
        self.number("forks") as usize
    }
    /// Time to connect and authenticate.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.number("timeout"))
    }
    /// Seconds between keepalives; 0 sends none.
    pub fn keepalive(&self) -> u32 {
        self.number("keepalive") as u32
    }
}

/// `~` and `~/…` with the home folder (`$HOME`, then passwd) put in.
pub fn expand_tilde(path: &str) -> PathBuf {
    let rest = match path {
        "~" => Some(""),
        _ => path.strip_prefix("~/"),
    };
    match (rest, std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

fn parse(text: &str, file: &Path) -> Result<Table> {
    text.parse::<Table>().map_err(|e| {
        let line = e.span().map_or(1, |s| {
            text[..s.start.min(text.len())].matches('\n').count() + 1
        });
        Error::usage(format!("{}:{line}: {}", file.display(), e.message())).source(e)
    })
}

/// Collects `a.b = v` pairs; `skip` may take a key out.
fn flatten(
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

fn check_all(values: &[(String, Value)], place: &str) -> Result<()> {
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
fn from_text(s: &Setting, text: &str) -> Result<Value> {
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

fn default_of(s: &Setting) -> Result<Value> {
    let table: Table = format!("v = {}", s.default)
        .parse()
        .map_err(|e: toml::de::Error| Error::usage(format!("default of `{}`: {e}", s.key)))?;
    table
        .get("v")
        .cloned()
        .ok_or_else(|| Error::usage(format!("no default for `{}`", s.key)))
}

fn unknown_project(table: &Table, name: &str, file: &Path) -> Error {
    let known = table.get("projects").and_then(Value::as_table);
    let names: Vec<&str> = known
        .map(|t| t.keys().map(String::as_str).collect())
        .unwrap_or_default();
    let error = Error::usage(format!("{}: no project `{name}`", file.display()));
    match nearest(name, names.iter().copied()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("add a table `[projects.{name}]` to it")),
    }
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

    fn build(text: &str, project: Option<&str>, env: &[(&str, &str)]) -> Result<Config> {
        let file = Path::new("config.toml");
        let env = |name: &str| {
            env.iter()
                .find(|(k, _)| *k == name)
                .map(|(_, v)| (*v).to_owned())
        };
        Config::build(&parse(text, file)?, file, project, env)
    }

    #[test]
    fn later_wins_and_the_origin_is_known() {
        let text = "forks = 8\nram_gb = 2\n[commands]\nbash = '/bin/bash'\n[projects.edge]\nram_gb = 1\nforks = 4";
        let config = build(
            text,
            Some("edge"),
            &[("MROOM_FORKS", "99"), ("MROOM_DEFAULT_STAGES", "env,cert")],
        )
        .unwrap();
        assert_eq!(
            (config.forks(), config.ram_gb(), config.disk_gb()),
            (99, 1, 100)
        );
        assert_eq!(config.command("bash"), "/bin/bash");
        assert_eq!(config.default_stages(), ["env", "cert"]);
        let origin = |key: &str| {
            config
                .entries()
                .iter()
                .find(|e| e.key == key)
                .unwrap()
                .origin
                .to_string()
        };
        assert_eq!(origin("forks"), "$MROOM_FORKS");
        assert_eq!(origin("ram_gb"), "[projects.edge]");
        assert_eq!(origin("commands.bash"), "config.toml");
        assert_eq!(origin("disk_gb"), "default");
    }

    #[test]
    fn bad_settings_name_file_line_and_key() {
        for (text, project, message, hint) in [
            (
                "fork = 1",
                None,
                "config.toml: unknown setting `fork`",
                "did you mean `forks`?",
            ),
            (
                "forks = 'x'",
                None,
                "config.toml: `forks` must be a whole number from 1 to 10000, not `\"x\"`",
                "",
            ),
            (
                "forks = 0",
                None,
                "config.toml: `forks` must be a whole number from 1 to 10000, not `0`",
                "",
            ),
            ("a = 1\nb = = 2", None, "config.toml:2: ", ""),
            (
                "projects = 1",
                None,
                "config.toml: `projects` must be a table of tables",
                "",
            ),
            (
                "[projects.a]\nform = 1",
                None,
                "config.toml [projects.a]: unknown setting `form`",
                "did you mean `forks`?",
            ),
            (
                "[projects.edge]",
                Some("edgy"),
                "config.toml: no project `edgy`",
                "did you mean `edge`?",
            ),
            (
                "[commands]\nzsh = 'x'",
                None,
                "config.toml: unknown setting `commands.zsh`",
                "",
            ),
        ] {
            let error = build(text, project, &[]).unwrap_err();
            assert!(error.message().starts_with(message), "{text:?}: {error}");
            assert!(
                error.hint_text().unwrap_or_default().contains(hint),
                "{text:?}: {:?}",
                error.hint_text()
            );
            assert_eq!(error.kind().exit_code(), 2);
        }
        let error = build("", None, &[("MROOM_FORKS", "many")]).unwrap_err();
        assert!(
            error.message().starts_with("$MROOM_FORKS: `forks` must be"),
            "{error}"
        );
    }

    #[test]
    fn every_default_is_valid() {
        for s in SETTINGS {
            check(s, &default_of(s).unwrap()).unwrap();
        }
    }
}
