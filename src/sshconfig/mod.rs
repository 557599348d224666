//! `ssh_config(5)`: what ssh would use for a host, from a configuration file.
//!
//! [`SshConfig::load`] reads a file and those that it includes, [`SshConfig::evaluate`] gives the
//! values for one host: the first value wins over all matching blocks. Nothing is ever run: a
//! `Match exec` block never matches. Owns no state; imports only [`crate::error`] and
//! [`crate::config`].
//!
//! [`parse`] cuts lines into words as ssh does, [`condition`] holds `Host` and `Match`, [`wild`]
//! their wildcards and those of `Include`, [`tokens`] the `%h` and `${VAR}` in values.

mod condition;
mod load;
mod parse;
#[cfg(test)]
mod tests;
mod tokens;
mod wild;

use std::collections::HashSet;
use std::path::PathBuf;

use condition::{Condition, Known};

use crate::error::Error;

/// Where something stands: the index of its file in [`SshConfig::files`] and the line, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct At {
    /// Which file.
    pub file: usize,
    /// Which line of it.
    pub line: usize,
}

/// Who runs ssh: what it takes when the file says nothing, and what tokens stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// The login name.
    pub user: String,
    /// The home folder.
    pub home: PathBuf,
}

/// A configuration file and all that it includes.
#[derive(Debug, Default)]
pub struct SshConfig {
    /// The files that were read, the first one first.
    pub files: Vec<String>,
    /// Lines that ssh would refuse.
    pub errors: Vec<(At, Error)>,
    /// Blocks that cannot be judged here and never match.
    pub notes: Vec<(At, String)>,
    blocks: Vec<Block>,
    has_final: bool,
}

/// The lines from a `Host` or `Match` to the next.
#[derive(Debug)]
struct Block {
    at: At,
    condition: Condition,
    items: Vec<Item>,
}

#[derive(Debug)]
enum Item {
    Set(At, Keyword, String),
    /// The blocks of each file that the line names.
    Include(Vec<Vec<Block>>),
}

/// The keywords whose values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keyword {
    HostName,
    User,
    Port,
    IdentityFile,
    ProxyJump,
    ProxyCommand,
}

/// A value and the line that gave it.
pub type Given = Option<(At, String)>;

/// What the file says for one host, as written: tokens are not expanded, but for `host_name`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values {
    /// `HostName`.
    pub host_name: Given,
    /// `User`.
    pub user: Given,
    /// `Port`.
    pub port: Given,
    /// Each `IdentityFile`; `none` among them means what it says.
    pub identity_files: Vec<(At, String)>,
    /// `ProxyJump`; `none` is kept.
    pub proxy_jump: Given,
    /// `ProxyCommand`, unless a `ProxyJump` came first.
    pub proxy_command: Given,
}

impl SshConfig {
    /// The names that its `Host` lines give, without wildcards and negations, each once.
    pub fn names(&self) -> Vec<(At, &str)> {
        let (mut names, mut seen) = (Vec::new(), HashSet::new());
        collect(&self.blocks, &mut |block| {
            for name in block.condition.names() {
                if seen.insert(name) {
                    names.push((block.at, name));
                }
            }
        });
        names
    }

    /// What ssh would use for `host`; a `HostName` in lower case, as ssh takes it.
    pub fn evaluate(&self, host: &str, local: &Local) -> Values {
        let mut values = Values::default();
        let mut walk = Walk {
            host: host.to_owned(),
            typed: host,
            local,
            is_final: false,
        };
        walk.blocks(&self.blocks, true, &mut values);
        let (at, name) = values
            .host_name
            .unwrap_or_else(|| (At::default(), "%h".to_owned()));
        let name = tokens::host_name(&name, host).to_lowercase();
        values.host_name = Some((at, name.clone()));
        if self.has_final {
            // `Match final` makes ssh read everything a second time, over what it knows by then;
            // `Host` means the resulting name there.
            walk.host = name;
            walk.is_final = true;
            walk.blocks(&self.blocks, true, &mut values);
        }
        values.host_name = values.host_name.filter(|(at, _)| at.line > 0);
        values
    }

    /// A path of `IdentityFile` with its tokens put in; a leading `~` stays.
    ///
    /// # Errors
    /// The token or variable that is not known here.
    pub fn path(text: &str, host: &str, values: &Values, local: &Local) -> Result<String, String> {
        tokens::path(text, host, values, local)
    }
}

fn collect<'a>(blocks: &'a [Block], each: &mut impl FnMut(&'a Block)) {
    for block in blocks {
        each(block);
        for item in &block.items {
            if let Item::Include(files) = item {
                files.iter().for_each(|blocks| collect(blocks, each));
            }
        }
    }
}

/// One reading of all blocks for one host.
struct Walk<'a> {
    host: String,
    typed: &'a str,
    local: &'a Local,
    is_final: bool,
}

impl Walk<'_> {
    fn blocks(&self, blocks: &[Block], outer: bool, values: &mut Values) {
        for block in blocks {
            let known = Known {
                host: &self.host,
                typed: self.typed,
                host_name: values.host_name.as_ref().map(|(_, name)| name.as_str()),
                user: values.user.as_ref().map(|(_, user)| user.as_str()),
                local_user: &self.local.user,
                is_final: self.is_final,
            };
            let is_active = outer && block.condition.holds(&known);
            for item in &block.items {
                match item {
                    Item::Set(at, keyword, value) if is_active => values.give(*at, *keyword, value),
                    Item::Set(..) => {}
                    Item::Include(files) => files
                        .iter()
                        .for_each(|blocks| self.blocks(blocks, is_active, values)),
                }
            }
        }
    }
}

impl Values {
    /// Takes a value unless an earlier one stands.
    fn give(&mut self, at: At, keyword: Keyword, value: &str) {
        let place = match keyword {
            Keyword::HostName => &mut self.host_name,
            Keyword::User => &mut self.user,
            Keyword::Port => &mut self.port,
            Keyword::IdentityFile => {
                if !self.identity_files.iter().any(|(_, old)| old == value) {
                    self.identity_files.push((at, value.to_owned()));
                }
                return;
            }
            // Whichever of the two comes first counts.
            Keyword::ProxyJump if self.proxy_command.is_some() => return,
            Keyword::ProxyCommand if self.proxy_jump.is_some() => return,
            Keyword::ProxyJump => &mut self.proxy_jump,
            Keyword::ProxyCommand => &mut self.proxy_command,
        };
        place.get_or_insert_with(|| (at, value.to_owned()));
    }
}
