//! Reading a configuration file and what it includes.

use std::path::{Path, PathBuf};

use super::condition::{Condition, Matched, read_match};
use super::wild::Wild;
use super::{At, Block, Item, Keyword, Local, SshConfig, parse};
use crate::error::Error;

/// How deep files may include each other; as in ssh.
const DEEPEST: usize = 16;
/// Most files that are read: a loop of wildcards must end.
const MOST_FILES: usize = 1000;
/// Largest included file, bytes.
const LARGEST: u64 = 16 << 20;

impl SshConfig {
    /// Reads a configuration from its text; `name` is what messages call it. Paths of `Include`
    /// that are not absolute stand in `folder` (ssh: `~/.ssh`, or `/etc/ssh`). Never fails as a
    /// whole: look at [`SshConfig::errors`].
    pub fn load(name: &str, bytes: &[u8], folder: &Path, local: &Local) -> SshConfig {
        let mut reader = Reader {
            config: SshConfig::default(),
            folder,
            local,
        };
        let blocks = reader.file(name, bytes, 0);
        reader.config.blocks = blocks;
        reader.config
    }
}

struct Reader<'a> {
    config: SshConfig,
    folder: &'a Path,
    local: &'a Local,
}

impl Reader<'_> {
    fn file(&mut self, name: &str, bytes: &[u8], depth: usize) -> Vec<Block> {
        let file = self.config.files.len();
        self.config.files.push(name.to_owned());
        let mut blocks = vec![Block {
            at: At { file, line: 0 },
            condition: Condition::Always,
            items: Vec::new(),
        }];
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        for (i, raw) in bytes.split(|b| *b == b'\n').enumerate() {
            let at = At { file, line: i + 1 };
            let read = match std::str::from_utf8(raw) {
                Ok(line) => self.line(line, at, depth),
                // A comment may be in any encoding.
                Err(_) if raw.trim_ascii_start().starts_with(b"#") => continue,
                Err(_) => Err("the line is not valid UTF-8".to_owned()),
            };
            match read {
                Err(message) => self.config.errors.push((at, Error::usage(message))),
                Ok(Read::Nothing) => {}
                Ok(Read::Block(condition)) => blocks.push(Block {
                    at,
                    condition,
                    items: Vec::new(),
                }),
                Ok(Read::Item(item)) => {
                    if let Some(block) = blocks.last_mut() {
                        block.items.push(item);
                    }
                }
            }
        }
        blocks
    }

    fn line(&mut self, line: &str, at: At, depth: usize) -> Result<Read, String> {
        let open = "a quote stays open";
        let Some((keyword, rest)) = parse::keyword(line) else {
            return Ok(Read::Nothing);
        };
        let rest = rest.ok_or(open)?;
        if rest.is_empty() {
            return Err(format!("no argument after `{}`", keyword.escape_debug()));
        }
        if keyword == "match" {
            return match read_match(rest) {
                Matched::Bad(message) => Err(message),
                Matched::Judged(condition, has_final) => {
                    self.config.has_final |= has_final;
                    Ok(Read::Block(condition))
                }
                Matched::Unjudged(name) => {
                    let name = name.escape_debug();
                    let note = format!("`Match {name}` is not judged here: its block is left out");
                    self.config.notes.push((at, note));
                    Ok(Read::Block(Condition::Never))
                }
            };
        }
        let words = parse::words(rest);
        let name = match keyword.as_str() {
            "host" => Name::Host,
            "include" => Name::Include,
            "hostname" => Name::Value(Keyword::HostName),
            "user" => Name::Value(Keyword::User),
            "port" => Name::Value(Keyword::Port),
            "identityfile" => Name::Value(Keyword::IdentityFile),
            "proxyjump" => Name::Value(Keyword::ProxyJump),
            // It takes the rest of the line as it is.
            "proxycommand" => {
                words.ok_or(open)?;
                let set = Item::Set(at, Keyword::ProxyCommand, rest.to_owned());
                return Ok(Read::Item(set));
            }
            _ => return Ok(Read::Nothing),
        };
        let words = words.ok_or(open)?;
        if words.iter().any(String::is_empty) || words.is_empty() {
            return Err("an argument is empty".to_owned());
        }
        match name {
            Name::Host => Ok(Read::Block(Condition::host(words))),
            Name::Include => self.include(&words, at, depth),
            Name::Value(keyword) => {
                let value = words.into_iter().next().unwrap_or_default();
                Ok(Read::Item(Item::Set(at, keyword, value)))
            }
        }
    }

    fn include(&mut self, words: &[String], at: At, depth: usize) -> Result<Read, String> {
        if depth >= DEEPEST {
            return Err(format!("more than {DEEPEST} files include each other"));
        }
        let mut files = Vec::new();
        for word in words {
            for path in self.glob(word) {
                if self.config.files.len() >= MOST_FILES {
                    return Err(format!("more than {MOST_FILES} files are included"));
                }
                let name = path.display().to_string();
                match read(&path) {
                    Ok(bytes) => files.push(self.file(&name, &bytes, depth + 1)),
                    // Gone, or a name that is no file: ssh goes on too.
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                    Err(e) => {
                        let message = format!("cannot include `{name}`: {e}");
                        self.config.errors.push((at, Error::usage(message)));
                    }
                }
            }
        }
        Ok(Read::Item(Item::Include(files)))
    }

    /// The files that a word of `Include` names, in order.
    fn glob(&self, word: &str) -> Vec<PathBuf> {
        let path = match word.strip_prefix("~/") {
            Some(rest) => self.local.home.join(rest),
            None => self.folder.join(word),
        };
        let mut found = vec![PathBuf::new()];
        for part in path.components() {
            let name = part.as_os_str();
            let wild = name.to_str().map(Wild::file).filter(Wild::is_wild);
            match wild {
                None => found.iter_mut().for_each(|p| p.push(name)),
                Some(wild) => {
                    let is_hidden = name.to_string_lossy().starts_with('.');
                    found = found
                        .iter()
                        .flat_map(|folder| list(folder, &wild, is_hidden))
                        .collect();
                }
            }
        }
        found
    }
}

/// The keywords that are read.
enum Name {
    Host,
    Include,
    Value(Keyword),
}

/// What a line is.
enum Read {
    Nothing,
    Block(Condition),
    Item(Item),
}

/// The entries of a folder that match, by name; hidden ones only when the pattern says so.
fn list(folder: &Path, wild: &Wild, is_hidden: bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name())
        .filter(|name| {
            name.to_str()
                .is_some_and(|n| wild.matches(n) && (is_hidden || !n.starts_with('.')))
        })
        .collect();
    names.sort();
    names.iter().map(|name| folder.join(name)).collect()
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    // A pipe would wait for ever.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::ErrorKind::NotFound.into());
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(LARGEST)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
