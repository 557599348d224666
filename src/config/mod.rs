//! Settings and folders: one table of settings, and where each effective value came from.
//!
//! Order, later wins: default, `config.toml`, the chosen `[projects.NAME]`, `MROOM_*`. Owns no
//! state beyond the value it builds; imports only [`crate::error`].

mod resolve;
mod settings;

pub use resolve::{Entry, Origin};
pub use settings::nearest;

use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy as _;
use toml::{Table, Value};

use self::resolve::{parse, project_names, resolve};
use crate::error::{Error, Result};

/// Effective settings and folders of this run.
#[derive(Debug, Clone)]
pub struct Config {
    dir: PathBuf,
    data_dir: PathBuf,
    project: Option<String>,
    projects: Vec<String>,
    entries: Vec<Entry>,
}

impl Config {
    /// The settings file, whether it is there or not.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] when no home folder is known.
    pub fn file() -> Result<PathBuf> {
        let dir = match variable("MROOM_CONFIG_DIR") {
            Some(dir) => expand_tilde(&dir),
            None => base()?.config_dir().join("machineroom"),
        };
        Ok(dir.join("config.toml"))
    }

    /// Reads `config.toml` (if there is one), the project's table and the environment.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`]: unreadable file, bad TOML, an unknown key or project, a
    /// value of the wrong type; the message names file and key.
    pub fn load(project: Option<&str>) -> Result<Self> {
        let file = Self::file()?;
        let table = match std::fs::read_to_string(&file) {
            Ok(text) => parse(&text, &file)?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Table::new(),
            Err(e) => {
                return Err(
                    Error::usage(format!("cannot read `{}`: {e}", file.display())).source(e),
                );
            }
        };
        let mut config = Self::build(&table, &file, project, variable)?;
        config.dir = file.parent().unwrap_or(&file).to_owned();
        let chosen = config.path("data_dir");
        config.data_dir = if chosen.as_os_str().is_empty() {
            base()?.data_dir().join("machineroom")
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
        Ok(Config {
            dir: PathBuf::new(),
            data_dir: PathBuf::new(),
            project: project.map(str::to_owned),
            projects: project_names(table),
            entries: resolve(table, file, project, env)?,
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
    /// The projects of the settings file.
    pub fn projects(&self) -> &[String] {
        &self.projects
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
    /// Memory that Lua code may take, MB; 0 for any.
    pub fn lua_memory_mb(&self) -> usize {
        self.number("lua.memory_mb") as usize
    }
    /// Instructions of Lua without a call that waits; 0 for any.
    pub fn lua_instructions(&self) -> u64 {
        self.number("lua.instructions")
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
    /// Whether what goes to servers is logged.
    pub fn is_logging(&self) -> bool {
        self.value("log").as_bool().unwrap_or_default()
    }
    /// Days that the log keeps; 0 keeps all.
    pub fn log_days(&self) -> u64 {
        self.number("log_days")
    }
    /// Entries that the log keeps; 0 keeps all.
    pub fn log_rows(&self) -> u64 {
        self.number("log_rows")
    }
}

fn base() -> Result<impl etcetera::BaseStrategy> {
    etcetera::choose_base_strategy().map_err(|e| {
        Error::usage("no home folder is known")
            .source(e)
            .hint("set HOME")
    })
}

/// An environment variable that is not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
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

#[cfg(test)]
mod tests;
