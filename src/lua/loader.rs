//! Where Lua files come from: the project (when trusted), then the user's folder, then what the
//! binary carries. The first one wins; `require "bundled.…"` always gives the shipped one.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

use super::project::Project;
use crate::error::{Error, Result};

// Inside the binary; a debug build reads the files of its source folder, so that trying a change to
// the Lua needs no compiler.
#[derive(RustEmbed)]
#[folder = "stdlib/"]
struct Stdlib;
#[derive(RustEmbed)]
#[folder = "scripts/"]
struct Scripts;

/// Where a file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The trusted project's `.machineroom` folder.
    Project,
    /// The user's configuration folder.
    User,
    /// Carried by the binary.
    Bundled,
}

impl Origin {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Origin::Project => "project",
            Origin::User => "user",
            Origin::Bundled => "bundled",
        }
    }
}

/// One place where a module may be.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Which kind of place.
    pub origin: Origin,
    /// The file; for a bundled one a name that says so.
    pub place: String,
    /// Its text, when it is there.
    pub text: Option<Vec<u8>>,
}

impl Candidate {
    /// The chunk name under which Lua reports errors in it.
    pub fn chunk_name(&self) -> String {
        let mark = if self.origin == Origin::Bundled {
            '='
        } else {
            '@'
        };
        format!("{mark}{}", self.place)
    }
}

/// The search path of one run.
pub struct Loader {
    project: Option<Project>,
    user: PathBuf,
    /// Folder of the script that runs: its own helpers are found beside it.
    beside: RefCell<Option<PathBuf>>,
}

impl Loader {
    /// `project` must be trusted already; `user` is the configuration folder.
    pub fn new(user: impl Into<PathBuf>, project: Option<Project>) -> Self {
        Loader {
            project,
            user: user.into(),
            beside: RefCell::default(),
        }
    }

    /// Lets `require` find modules beside a script.
    pub fn set_beside(&self, folder: Option<PathBuf>) {
        *self.beside.borrow_mut() = folder;
    }

    /// The folder of the script that runs.
    pub fn beside(&self) -> Option<PathBuf> {
        self.beside.borrow().clone()
    }

    /// Every place where `module` may be, first wins.
    ///
    /// # Errors
    /// A name that is not words joined by dots.
    pub fn candidates(&self, module: &str) -> Result<Vec<Candidate>> {
        let path = path_of(module)?;
        if let Some(shipped) = path.strip_prefix("bundled/") {
            return Ok(vec![shipped_candidate(shipped)]);
        }
        if path.starts_with("mr/") {
            return Ok(vec![shipped_candidate(&path)]);
        }
        let mut found = Vec::new();
        let own = ["stages/", "workflows/", "ops/"]
            .iter()
            .any(|p| path.starts_with(p));
        if let Some(project) = &self.project {
            found.push(Candidate {
                origin: Origin::Project,
                place: project.root.join(&path).display().to_string(),
                text: project.files.get(&path).cloned(),
            });
        }
        if let (false, Some(folder)) = (own, &*self.beside.borrow()) {
            found.push(file_candidate(&folder.join(&path))?);
        }
        found.push(file_candidate(&self.user.join(&path))?);
        found.push(shipped_candidate(&path));
        Ok(found)
    }

    /// The winner, or `None` when there is none.
    ///
    /// # Errors
    /// As [`Loader::candidates`], and a file that is there but cannot be read.
    pub fn find(&self, module: &str) -> Result<Option<Candidate>> {
        Ok(self
            .candidates(module)?
            .into_iter()
            .find(|c| c.text.is_some()))
    }

    /// The names of all modules of a family (`stages`, `workflows`), sorted. Specs that lie beside
    /// them are none.
    pub fn list(&self, family: &str) -> BTreeSet<String> {
        let name = |path: &str| {
            let stem = path.strip_suffix(".lua")?;
            let is_one = path_of(stem).is_ok() && !stem.contains('.') && !stem.ends_with("_spec");
            is_one.then(|| stem.to_owned())
        };
        let mut names = BTreeSet::new();
        let prefix = format!("{family}/");
        let below = |path: &str, prefix: &str| path.strip_prefix(prefix).and_then(name);
        names.extend(Scripts::iter().filter_map(|path| below(&path, &prefix)));
        let shipped = format!("mr/{prefix}");
        names.extend(
            shipped_in(&shipped)
                .iter()
                .filter_map(|p| below(p, &shipped)),
        );
        if let Ok(entries) = std::fs::read_dir(self.user.join(family)) {
            names.extend(
                entries
                    .flatten()
                    .filter_map(|e| name(e.file_name().to_str()?)),
            );
        }
        let own = self.project.iter().flat_map(|p| p.files.keys());
        names.extend(own.filter_map(|path| below(path, &prefix)));
        names
    }

    /// Every module that `require` may name: those that ship, the user's, the project's.
    pub fn modules(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = ["stages", "workflows"]
            .iter()
            .flat_map(|family| {
                let names = self.list(family).into_iter();
                names.map(move |name| format!("{family}.{name}"))
            })
            .collect();
        let module = |path: &str| Some(path.strip_suffix(".lua")?.replace('/', "."));
        let own = self.project.iter().flat_map(|p| p.files.keys());
        names.extend(own.filter_map(|path| module(path)));
        names.extend(shipped_in("mr/").iter().filter_map(|path| module(path)));
        names
    }

    /// The user's configuration folder.
    pub fn user_dir(&self) -> &Path {
        &self.user
    }

    /// The project whose files count, when there is one.
    pub fn project(&self) -> Option<&Project> {
        self.project.as_ref()
    }

    /// The project's folder, when a trusted one is there.
    pub fn project_dir(&self) -> Option<&Path> {
        self.project.as_ref().map(|p| p.root.as_path())
    }
}

/// The text of a file that the binary carries.
pub fn bundled(path: &str) -> Option<Cow<'static, [u8]>> {
    let is_library = ["mr/", "meta/", "new/"].iter().any(|p| path.starts_with(p));
    let file = match is_library {
        true => Stdlib::get(path),
        false => Scripts::get(path),
    };
    file.map(|f| f.data)
}

/// A file for people to begin with, by its name below `new/`.
pub fn template(name: &str) -> String {
    let text = bundled(&format!("new/{name}")).unwrap_or_default();
    String::from_utf8_lossy(&text).into_owned()
}

/// The stubs for editors: names and texts.
pub fn stubs() -> Vec<(String, Cow<'static, [u8]>)> {
    let named = |path: String| Some((path.strip_prefix("meta/")?.to_owned(), bundled(&path)?));
    shipped_in("meta/").into_iter().filter_map(named).collect()
}

/// The paths below a folder of the bundled library (`meta/`, `mr/ops/`), sorted.
pub(super) fn shipped_in(folder: &str) -> BTreeSet<String> {
    let paths = Stdlib::iter().map(Cow::into_owned);
    paths.filter(|path| path.starts_with(folder)).collect()
}

fn shipped_candidate(path: &str) -> Candidate {
    // Operations are a part of the library.
    let library = path.starts_with("ops/").then(|| format!("mr/{path}"));
    let path = library.as_deref().unwrap_or(path);
    let place = match path.starts_with("mr/") {
        true => path.to_owned(),
        false => format!("bundled/{path}"),
    };
    Candidate {
        origin: Origin::Bundled,
        place,
        text: bundled(path).map(Cow::into_owned),
    }
}

fn file_candidate(path: &Path) -> Result<Candidate> {
    let text = match std::fs::read(path) {
        Ok(text) => Some(text),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => {
            return Err(Error::usage(format!(
                "cannot read `{}`: {e}",
                path.display()
            )));
        }
    };
    Ok(Candidate {
        origin: Origin::User,
        place: path.display().to_string(),
        text,
    })
}

/// `stages.env` is `stages/env.lua`. Words of letters, digits, `_` and `-`: no way out of a folder.
fn path_of(module: &str) -> Result<String> {
    let word = |w: &str| {
        !w.is_empty()
            && w.chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    if !module.split('.').all(word) {
        return Err(
            Error::usage(format!("`{module}` is not the name of a Lua module"))
                .hint("words joined by dots, such as `stages.env`"),
        );
    }
    let path = module.replace('.', "/") + ".lua";
    // A folder's own module, as `require "mr"` gives `mr/init.lua`.
    Ok(if path == "mr.lua" {
        "mr/init.lua".to_owned()
    } else {
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_wins_and_bundled_is_always_there() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("stages")).unwrap();
        std::fs::write(dir.path().join("stages/env.lua"), "user").unwrap();
        let files = [("stages/env.lua".to_owned(), b"project".to_vec())].into();
        let mut project = Project::read(dir.path()).unwrap();
        project.root = "/p/.machineroom".into();
        project.files = files;
        let loader = Loader::new(dir.path(), Some(project));
        let origins: Vec<_> = loader.candidates("stages.env").unwrap();
        let origins: Vec<_> = origins
            .iter()
            .map(|c| (c.origin, c.text.is_some()))
            .collect();
        let all = [Origin::Project, Origin::User, Origin::Bundled];
        assert_eq!(origins, all.map(|o| (o, true)));
        assert_eq!(
            loader.find("stages.env").unwrap().unwrap().text.unwrap(),
            b"project"
        );
        let shipped = loader.find("bundled.stages.env").unwrap().unwrap();
        assert_eq!(shipped.chunk_name(), "=bundled/stages/env.lua");
        assert!(loader.find("stages.nothing").unwrap().is_none());
        assert!(loader.list("stages").contains("env"));
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let loader = Loader::new("/nowhere", None);
        for name in [
            "",
            ".",
            "..",
            "a..b",
            "../etc/passwd",
            "/etc/passwd",
            "a/b",
            "a b",
            "a\0",
        ] {
            assert!(loader.find(name).is_err(), "{name:?}");
        }
    }
}
