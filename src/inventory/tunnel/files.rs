//! Takes the files that a profile names into it, so that it needs no file later.

use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::{Field, Tunnel, TunnelKind, fields, ovpn, wg_quick};
use crate::config::expand_tilde;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// Largest file that a profile may hold, in bytes.
const LARGEST: u64 = 256 << 10;

impl Tunnel {
    /// Reads the files that its fields name (relative paths from `folder`, or from the current one) and
    /// keeps their content instead; takes a configuration apart. An empty server is the one that the
    /// configuration names.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], naming field and file: not to be read, larger than 256 KiB, not of the
    /// form that it must have, or holding what a profile may not.
    pub fn absorb(&mut self, folder: Option<&Path>) -> Result<()> {
        let named: Vec<(&'static Field, String)> = self
            .fields()
            .filter(|(field, value)| field.is_path(value.reveal()))
            .map(|(field, value)| (field, value.reveal().to_owned()))
            .collect();
        let mut config_folder = folder.map(Path::to_owned);
        for (field, name) in named {
            let path = within(folder, &name);
            let content = read(&path).map_err(|e| e.context(format!("`{}`", field.key)))?;
            if field.key == "config" {
                config_folder = path.parent().map(Path::to_owned);
            } else {
                field
                    .check(content.reveal())
                    .map_err(|e| e.context(format!("`{name}`")))?;
            }
            self.fields.insert(field.key, content);
        }
        let configuration = self.fields.get("config").cloned();
        match (configuration, self.kind) {
            (Some(text), TunnelKind::WireGuard) => {
                self.fields.remove("config");
                self.take_wireguard(text.reveal())
            }
            (Some(text), TunnelKind::OpenVpn) => {
                let load = |name: &str| {
                    let path = within(config_folder.as_deref(), name);
                    read(&path).map(|content| content.reveal().to_owned())
                };
                let found = ovpn::read(text.reveal(), &load).map_err(in_config)?;
                self.server_unless_set(found.server);
                self.fields.insert("config", Secret::new(found.text));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn take_wireguard(&mut self, text: &str) -> Result<()> {
        let found = wg_quick::read(text).map_err(in_config)?;
        for (key, value) in found.fields {
            let field = fields::get(self.kind, key).map_err(in_config)?;
            field.check(value.reveal()).map_err(in_config)?;
            self.fields.insert(field.key, value);
        }
        if let Some(key) = found.private_key {
            self.password = key;
        }
        self.server_unless_set(found.server);
        Ok(())
    }

    fn server_unless_set(&mut self, found: Option<String>) {
        if self.server.is_empty() {
            self.server = found.unwrap_or_default();
        }
    }
}

fn in_config(e: Error) -> Error {
    e.context("`config`")
}

fn within(folder: Option<&Path>, name: &str) -> std::path::PathBuf {
    let path = expand_tilde(name);
    match folder {
        Some(folder) => folder.join(path),
        None => path,
    }
}

/// A text file, a line break at its end: the mark of a content.
fn read(path: &Path) -> Result<Secret> {
    let shown = path.display();
    let mut bytes = Zeroizing::new(Vec::new());
    let is_file = path.is_file();
    let read = std::fs::File::open(path).and_then(|file| match is_file {
        true => file.take(LARGEST + 1).read_to_end(&mut bytes),
        false => Ok(0),
    });
    if let Err(e) = read {
        return Err(Error::usage(format!("`{shown}`: {e}")).source(e));
    }
    let wrong = |what: &str| Error::usage(format!("`{shown}` {what}"));
    if !is_file {
        return Err(wrong("is no file"));
    }
    if bytes.len() as u64 > LARGEST {
        return Err(wrong("is larger than 256 KiB"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("is no text"))?;
    match text.trim().is_empty() {
        true => Err(wrong("is empty")),
        false => Ok(Secret::new(format!("{}\n", text.trim_end()))),
    }
}
