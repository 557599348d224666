//! `group_vars/` and `host_vars/` beside an inventory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::nested;
use super::tree::Vars;
use crate::error::Error;
use crate::inventory::import::input::Input;
use crate::inventory::import::yaml;
use crate::sshconfig::At;

/// Largest file of variables, bytes.
const LARGEST: u64 = 16 << 20;
/// Extensions that Ansible tries, in this order; a folder of that name counts as the first.
const EXTENSIONS: [&str; 4] = ["", ".yml", ".yaml", ".json"];
/// How deep folders of variables may nest.
const DEEPEST: usize = 16;

/// The folder that an inventory stands in, and what was read beside it.
pub(super) struct Folders {
    folder: Option<PathBuf>,
    groups: HashMap<String, Vars>,
}

impl Folders {
    /// Those beside the inventory; none for standard input.
    pub fn beside(inventory: Option<&Path>) -> Self {
        let folder = inventory.map(|path| {
            let path = path
                .to_str()
                .map_or(path.to_owned(), crate::config::expand_tilde);
            match path.parent() {
                Some(parent) if parent != Path::new("") => parent.to_owned(),
                _ => PathBuf::from("."),
            }
        });
        Folders {
            folder,
            groups: HashMap::new(),
        }
    }

    /// A path of a variable: relative ones stand beside the inventory.
    pub fn resolve(&self, path: &str) -> String {
        let is_relative = !path.starts_with(['/', '~']);
        let folder = self.folder.as_deref().filter(|_| is_relative);
        let folder = folder.and_then(|folder| std::path::absolute(folder).ok());
        match folder {
            Some(folder) => folder.join(path).display().to_string(),
            None => path.to_owned(),
        }
    }

    /// The variables of a group.
    pub fn group(&mut self, name: &str, input: &mut Input) -> &Vars {
        if !self.groups.contains_key(name) {
            let vars = self.read("group_vars", name, input);
            self.groups.insert(name.to_owned(), vars);
        }
        &self.groups[name]
    }

    /// The variables of a host.
    pub fn host(&self, name: &str, input: &mut Input) -> Vars {
        self.read("host_vars", name, input)
    }

    fn read(&self, kind: &str, name: &str, input: &mut Input) -> Vars {
        let mut vars = Vars::new();
        let Some(folder) = self.folder.as_ref().map(|f| f.join(kind)) else {
            return vars;
        };
        // A name must not lead out of the folder.
        if name.contains(['/', '\0']) || name.starts_with('.') {
            return vars;
        }
        let mut files = Vec::new();
        for extension in EXTENSIONS {
            let path = folder.join(format!("{name}{extension}"));
            if path.is_dir() {
                list(&path, 0, &mut files);
                break;
            } else if path.is_file() {
                files.push(path);
                break;
            }
        }
        for path in files {
            vars.extend(file(&path, input));
        }
        vars
    }
}

/// The files of a folder of variables, in order.
fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let extension = path
            .extension()
            .map(|e| format!(".{}", e.to_string_lossy()));
        let extension = extension.unwrap_or_default();
        if path.is_dir() && extension.is_empty() && depth < DEEPEST {
            list(&path, depth + 1, files);
        } else if path.is_file() && EXTENSIONS.contains(&extension.as_str()) {
            files.push(path);
        }
    }
}

fn file(path: &Path, input: &mut Input) -> Vars {
    let index = input.files.len();
    input.files.push(path.display().to_string());
    let mut bad = |line: usize, message: String| {
        let at = At { file: index, line };
        input.errors.push((at, Error::usage(message)));
        Vars::new()
    };
    let text = match read(path) {
        Ok(text) => text,
        Err(e) => return bad(0, format!("cannot read it: {e}")),
    };
    if text.starts_with("$ANSIBLE_VAULT;") {
        let at = At {
            file: index,
            line: 0,
        };
        let note = "encrypted with ansible-vault: nothing is taken from it".to_owned();
        input.notes.push((at, note));
        return Vars::new();
    }
    match yaml::parse(&text) {
        Err((line, message)) => bad(line, message),
        Ok(None) => Vars::new(),
        Ok(Some(root)) if root.is_null() => Vars::new(),
        Ok(Some(root)) => match root.entries() {
            Some(entries) => nested::vars(entries, index),
            None => bad(root.line, "a file of variables is a mapping".to_owned()),
        },
    }
}

fn read(path: &Path) -> std::io::Result<zeroize::Zeroizing<String>> {
    use std::io::Read as _;
    let mut text = zeroize::Zeroizing::new(String::new());
    std::fs::File::open(path)?
        .take(LARGEST)
        .read_to_string(&mut text)?;
    Ok(text)
}
