//! [`Server`]: one row of the inventory.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Glob, check, facts};
use crate::error::{Error, Result};

/// One server as the inventory knows it. The password stays sealed in here; only
/// [`super::Store::password`] opens it.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// The name by which people call it; unique.
    pub id: String,
    /// Host name or address.
    pub host: String,
    /// Login name.
    pub user: String,
    /// The password as stored: sealed text, or empty for none.
    pub sealed_pass: String,
    /// TCP port of its sshd; 0 when an original database holds something that is no port.
    pub port: u16,
    /// Free text.
    pub description: Option<String>,
    /// The original's `res`: marks and metadata. Unknown keys are kept as they are.
    pub meta: Map<String, Value>,
    /// The original's `next_action`, kept verbatim.
    pub next_action: Value,
    /// Tags, without the `@`.
    pub tags: BTreeSet<String>,
    /// What it has told about itself; null until [`super::Store::load_facts`] has put it here.
    pub facts: Value,
}

impl Server {
    /// A server with nothing known but where it is.
    pub fn new(
        id: impl Into<String>,
        host: impl Into<String>,
        user: impl Into<String>,
        port: u16,
    ) -> Self {
        Server {
            id: id.into(),
            host: host.into(),
            user: user.into(),
            sealed_pass: String::new(),
            port,
            description: None,
            meta: Map::new(),
            next_action: Value::Object(Map::new()),
            tags: BTreeSet::new(),
            facts: Value::Null,
        }
    }

    /// Sets a metadata value; `Value::Null` removes it.
    pub fn set_meta(&mut self, key: &str, value: Value) {
        match value {
            // Keeps the order of the others.
            Value::Null => drop(self.meta.shift_remove(key)),
            value => drop(self.meta.insert(key.to_owned(), value)),
        }
    }

    /// Sets a field by the name that people use: `host`, `user`, `port`, `description`, `key`,
    /// `tunnel`, `home`, `retired`; any other name is a metadata key. An empty text removes the value. A
    /// metadata value that reads as JSON (`true`, `22`, `["a"]`) is kept as that, else as text.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for a value that the field may not have.
    pub fn set(&mut self, name: &str, text: &str) -> Result<()> {
        let as_text = || match text {
            "" => Value::Null,
            text => Value::String(text.to_owned()),
        };
        match name {
            "host" => {
                check::host(text)?;
                self.host = text.to_owned();
            }
            "user" => {
                check::user(text)?;
                self.user = text.to_owned();
            }
            "port" => self.port = check::port(text)?,
            "description" => self.description = Some(text.to_owned()).filter(|t| !t.is_empty()),
            "key" => self.set_meta("local_cert_path", as_text()),
            "tunnel" => self.set_meta("tunnel_profile", as_text()),
            "home" => self.set_meta("home_path", as_text()),
            "retired" => {
                let retired = match text {
                    "true" => Value::Bool(true),
                    "" | "false" => Value::Null,
                    _ => return Err(Error::usage("`retired` must be true or false")),
                };
                self.set_meta("retired", retired);
            }
            "id" => return Err(Error::usage("an id does not change: add the server anew")),
            "pass" | "password" => {
                let error = Error::usage("a password is not set on the command line");
                return Err(error.hint("`--ask-password` asks for it; `--password-stdin` reads it"));
            }
            key => {
                check::key(key)?;
                let value = serde_json::from_str(text).unwrap_or_else(|_| as_text());
                self.set_meta(key, value);
            }
        }
        Ok(())
    }

    /// A metadata value that is a non-empty text.
    pub fn meta_str(&self, key: &str) -> Option<&str> {
        self.meta
            .get(key)
            .and_then(Value::as_str)
            .filter(|s| !s.is_empty())
    }

    /// A field or metadata value by the name that people use, as in [`Server::set`]; null when
    /// there is none.
    pub fn field(&self, name: &str) -> Value {
        match name {
            "id" => self.id.as_str().into(),
            "host" => self.host.as_str().into(),
            "user" => self.user.as_str().into(),
            "port" => self.port.into(),
            "description" => self.description.as_deref().into(),
            name => match name.strip_prefix(facts::PREFIX) {
                Some(path) => facts::at(&self.facts, path).cloned().unwrap_or_default(),
                None => self.meta.get(meta_key(name)).cloned().unwrap_or_default(),
            },
        }
    }

    /// Does a field or metadata value match? One of a list's items is enough. What is not there
    /// matches the empty text and `false`: a mark that was never set is not set.
    pub fn has_field(&self, key: &str, glob: &Glob) -> bool {
        let text = |text: &str| glob.matches(text);
        match key {
            "id" => return text(&self.id),
            "host" => return text(&self.host),
            "user" => return text(&self.user),
            "port" => return text(&self.port.to_string()),
            "description" => return text(self.description.as_deref().unwrap_or_default()),
            _ => {}
        }
        if let Some(path) = key.strip_prefix(facts::PREFIX) {
            // What nobody has gathered matches nothing.
            return facts::matches(&self.facts, path, &mut |value| text(&plain(value)));
        }
        match self.meta.get(meta_key(key)) {
            None | Some(Value::Null) => text("") || text("false"),
            Some(Value::Array(items)) => items.iter().any(|item| text(&plain(item))),
            Some(value) => text(&plain(value)),
        }
    }

    /// Is a field, metadata value or fact a number for which `hit` says true? One of a list's items
    /// is enough.
    pub fn has_number(&self, key: &str, hit: impl Fn(f64) -> bool) -> bool {
        let mut number = |value: &Value| {
            let text = value.as_str().and_then(|text| text.parse().ok());
            value.as_f64().or(text).is_some_and(&hit)
        };
        match key.strip_prefix(facts::PREFIX) {
            Some(path) => facts::matches(&self.facts, path, &mut number),
            None => facts::matches(&self.field(key), "", &mut number),
        }
    }

    /// A mark: true when the key is there and true.
    pub fn has_mark(&self, key: &str) -> bool {
        self.meta.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Taken out of service; left out of selections unless named.
    pub fn is_retired(&self) -> bool {
        self.has_mark("retired")
    }

    /// The tunnel profile in front of it.
    pub fn tunnel(&self) -> Option<&str> {
        self.meta_str("tunnel_profile")
    }

    /// Its own private key file, as written (`~` not expanded).
    pub fn key(&self) -> Option<&str> {
        self.meta_str("local_cert_path")
    }

    /// The folder in which sessions start.
    pub fn home(&self) -> Option<&str> {
        self.meta_str("home_path")
    }
}

/// The metadata key behind a name that people use.
fn meta_key(name: &str) -> &str {
    match name {
        "key" => "local_cert_path",
        "tunnel" => "tunnel_profile",
        "home" => "home_path",
        key => key,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
