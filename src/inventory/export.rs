//! Export to the list format and to JSON lines. Both hold passwords in the clear, so they come as
//! a [`Secret`]; the caller writes it to a file or pipe.

use std::collections::BTreeSet;

use super::listfile::{Entry, write_entry, write_tunnel};
use super::{Server, Store, record, tunnel};
use crate::error::{Error, Result};
use crate::secret::Secret;

impl Store {
    /// The list file for `servers`. Metadata other than the key path, tags and descriptions are
    /// not in it.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] naming the servers that the format cannot carry: a password
    /// with a space at its end, a tunnel profile that the others do not have.
    /// [`crate::error::Kind::Locked`] when the secrets are locked.
    pub fn export_list(&self, servers: &[Server]) -> Result<Secret> {
        let profiles: BTreeSet<Option<&str>> = servers.iter().map(Server::tunnel).collect();
        let mut text = String::new();
        let mut refused: Vec<String> = Vec::new();
        let profile = match profiles.iter().copied().collect::<Vec<_>>().as_slice() {
            [profile] => *profile,
            _ => None,
        };
        if let Some(name) = profile {
            let line = self.tunnel(name)?.as_ref().and_then(write_tunnel);
            match line {
                Some(line) => text = line + "\n",
                None => return Err(refusal(&[format!("tunnel profile `{name}`")])),
            }
        }
        for server in servers {
            let entry = Entry {
                id: server.id.clone(),
                host: server.host.clone(),
                user: server.user.clone(),
                password: self.password(server)?.unwrap_or_else(|| Secret::new("")),
                port: server.port,
                key: server.key().map(str::to_owned),
            };
            match write_entry(&entry).filter(|_| server.tunnel() == profile) {
                Some(line) => text.extend([line.as_str(), "\n"]),
                None => refused.push(format!("`{}`", server.id)),
            }
        }
        match refused.is_empty() {
            true => Ok(Secret::new(text)),
            false => Err(refusal(&refused)),
        }
    }

    /// `servers` as JSON, one object a line, with everything that is known of them, and before
    /// them the tunnel profiles that they use. [`Store::import`] of it restores them.
    ///
    /// # Errors
    /// [`crate::error::Kind::Locked`] when the secrets are locked.
    pub fn export_json(&self, servers: &[Server]) -> Result<Secret> {
        let mut text = String::new();
        let mut push = |value: serde_json::Value| text.extend([&value.to_string(), "\n"]);
        for name in self.profiles_of(servers)? {
            if let Some(tunnel) = self.tunnel(&name)? {
                push(tunnel::json::write(&tunnel));
            }
        }
        for server in servers {
            let password = self.password(server)?;
            let updated_at = self.updated_at(&server.id)?;
            let mut object = record::server_json(server, password.as_ref(), &updated_at);
            if let Some(sudo) = self.sudo_password(&server.id)? {
                object["sudo_pass"] = sudo.reveal().into();
            }
            push(object);
        }
        Ok(Secret::new(text))
    }

    /// The tunnel profiles that go with these servers: those in front of them and those that these need; with
    /// all servers all that there are.
    fn profiles_of(&self, servers: &[Server]) -> Result<BTreeSet<String>> {
        if servers.len() == self.list()?.len() {
            return Ok(self.tunnels()?.into_iter().collect());
        }
        let mut found = BTreeSet::new();
        let mut next: Vec<String> = { servers.iter() }
            .filter_map(|server| server.tunnel().map(str::to_owned))
            .collect();
        while let Some(name) = next.pop() {
            let outline = self.tunnel_outline(&name)?;
            if found.insert(name) {
                let fields = outline.map_or_else(Vec::new, |outline| outline.fields);
                let needs = fields.into_iter().find(|(key, _)| *key == "needs");
                next.extend(needs.and_then(|(_, name)| name));
            }
        }
        Ok(found)
    }
}

fn refusal(names: &[String]) -> Error {
    Error::usage(format!("the list format cannot carry {}", names.join(", "))).hint(
        "`export --json` carries everything; servers behind one tunnel can be exported by \
         `tunnel=NAME`",
    )
}
