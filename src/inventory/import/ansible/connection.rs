//! The variables that say how to connect. Pure.

use serde_json::Value;

use super::jump;
use super::tree::{Meaning, Vars};
use crate::error::Error;
use crate::inventory::check;
use crate::secret::Secret;
use crate::sshconfig::At;

// Of several names that are set the last counts, as in Ansible's ssh plugin.
const HOST: &[&str] = &["ansible_host", "ansible_ssh_host"];
const PORT: &[&str] = &["ansible_port", "ansible_ssh_port"];
const USER: &[&str] = &["ansible_user", "ansible_ssh_user"];
const KEY: &[&str] = &["ansible_private_key_file", "ansible_ssh_private_key_file"];
const PASSWORD: &[&str] = &[
    "ansible_password",
    "ansible_ssh_pass",
    "ansible_ssh_password",
];
const CONNECTION: &[&str] = &["ansible_connection"];
const SUDO_PASSWORD: &[&str] = &[
    "ansible_become_password",
    "ansible_become_pass",
    "ansible_sudo_pass",
];

/// Connections that are made over ssh.
const SSH: [&str; 7] = [
    "ssh",
    "smart",
    "paramiko",
    "paramiko_ssh",
    "ansible.builtin.ssh",
    "ansible.builtin.paramiko_ssh",
    "ansible.netcommon.libssh",
];

/// How to connect to a host.
#[derive(Debug, Default)]
pub(super) struct Connection {
    pub host: Option<String>,
    pub user: Option<String>,
    pub port: Option<u16>,
    pub key: Option<String>,
    pub password: Option<Secret>,
    /// Jump hosts, when ssh's arguments say nothing but them.
    pub jump: Option<String>,
    pub sudo_password: Option<Secret>,
    /// There is one, but only Ansible can open it.
    pub has_closed_sudo_password: bool,
    /// What it is reached by, when that is not ssh.
    pub other_than_ssh: Option<String>,
}

/// A variable that is needed and cannot be read: its name, its line, and why.
type Refusal = (String, At, Error);

impl Connection {
    /// What a host's variables say.
    ///
    /// # Errors
    /// A value that is needed and that only Ansible can compute, or a wrong port.
    pub fn of(vars: &Vars) -> Result<Self, Refusal> {
        let connection = text(vars, CONNECTION)?.map(|(_, _, text)| text);
        if let Some(other) = connection.filter(|c| !SSH.contains(&c.as_str())) {
            return Ok(Connection {
                other_than_ssh: Some(other),
                ..Connection::default()
            });
        }
        let value = |names| Ok(text(vars, names)?.map(|(_, _, text)| text));
        let port = match text(vars, PORT)? {
            None => None,
            Some((name, at, text)) => match check::port(&text) {
                Ok(port) => Some(port),
                Err(e) => return Err((name.clone(), at, e.context(format!("`{name}`")))),
            },
        };
        // No login needs it: one that cannot be read is left out.
        let sudo = text(vars, SUDO_PASSWORD);
        Ok(Connection {
            host: value(HOST)?,
            user: value(USER)?,
            port,
            key: value(KEY)?,
            password: value(PASSWORD)?.map(Secret::new),
            jump: arguments(vars).and_then(jump::of),
            has_closed_sudo_password: sudo.is_err(),
            sudo_password: sudo.ok().flatten().map(|(_, _, text)| Secret::new(text)),
            other_than_ssh: None,
        })
    }
}

/// The arguments for ssh, when they stand in one variable as they are.
fn arguments(vars: &Vars) -> Option<&str> {
    let mut texts = jump::VARIABLES
        .iter()
        .filter_map(|name| match &vars.get(*name)?.value {
            Meaning::Plain(Value::String(text)) => Some(text.as_str()),
            _ => None,
        });
    let first = texts.next().filter(|text| !is_template(text))?;
    texts.next().is_none().then_some(first)
}

impl Connection {
    /// Is all that the variable says in here?
    pub fn covers(&self, name: &str) -> bool {
        is_own(name) || (self.jump.is_some() && jump::VARIABLES.contains(&name))
    }
}

fn is_own(name: &str) -> bool {
    let own = [HOST, PORT, USER, KEY, PASSWORD, CONNECTION, SUDO_PASSWORD];
    own.iter().any(|names| names.contains(&name)) || name == "ansible_group_priority"
}

/// Is it something that Ansible would compute?
pub(super) fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// The last of these variables that is set.
fn text(vars: &Vars, names: &[&str]) -> Result<Option<(String, At, String)>, Refusal> {
    let found = names.iter().rev().find_map(|name| {
        let var = vars.get(*name)?;
        (var.value != Meaning::Plain(Value::Null)).then_some((*name, var))
    });
    let Some((name, var)) = found else {
        return Ok(None);
    };
    let why = match &var.value {
        Meaning::Sealed => "is encrypted with ansible-vault",
        Meaning::Other => "is not a plain value",
        Meaning::Plain(Value::String(text)) if is_template(text) => "is a template",
        Meaning::Plain(value) => {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Bool(true) => "True".to_owned(),
                Value::Bool(false) => "False".to_owned(),
                other => other.to_string(),
            };
            return Ok(Some((name.to_owned(), var.at, text)));
        }
    };
    let error = Error::usage(format!("`{name}` {why}")).hint(match names == PASSWORD {
        true => "take it out and set it with `mroom set ID --ask-password`, or `--skip-bad`",
        false => "write the value itself; `--skip-bad` leaves out the servers that have it",
    });
    Err((name.to_owned(), var.at, error))
}
