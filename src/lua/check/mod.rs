//! Looks at Lua files without a server: syntax, globals, fields, methods, modules and option keys
//! that are not there, and whether a stage or workflow is one.
//!
//! Scripts and specs are compiled and looked at, never run. Stages, workflows and operations are
//! loaded as well, in a VM of their own where files, programs and servers are out of reach, so
//! that also code that nobody trusts yet can be looked at.

mod compiled;
mod names;
mod uses;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use mlua::{Function, Lua, Table};

use self::names::Names;
use self::uses::{Use, What, uses};
use super::{Loader, Origin, Vm, error, load, loader, require};
use crate::cancel::Cancel;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::events::{Nobody, Silent};
use crate::fleet::{Room, RunOptions};
use crate::secret::Redactor;
use crate::ssh::fake::FakeConnector;

/// Something in a file that is not right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// The line, when one is known.
    pub line: Option<u32>,
    /// It may be meant.
    pub is_warning: bool,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Script,
    Spec,
    Stage,
    Workflow,
    Operation,
    /// Something that others `require`.
    Module,
}

impl Family {
    fn of(path: &Path) -> Family {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let folder = path.parent().and_then(Path::file_name);
        match folder.and_then(|f| f.to_str()) {
            _ if stem.ends_with("_spec") => Family::Spec,
            Some("stages") => Family::Stage,
            Some("workflows") => Family::Workflow,
            Some("ops") => Family::Operation,
            _ => Family::Script,
        }
    }

    /// The name by which `stdlib/mr/check.lua` knows it; none for what is never loaded.
    fn loaded_as(self) -> Option<&'static str> {
        match self {
            Family::Stage => Some("stage"),
            Family::Workflow => Some("workflow"),
            Family::Operation => Some("operation"),
            Family::Script | Family::Spec | Family::Module => None,
        }
    }
}

/// Looks at files, one after another, each only once.
pub struct Checker {
    vm: Vm,
    names: Names,
    /// Loads a file in the VM and looks at what it gives.
    judge: Function,
    /// Cut from the beginning of shown paths.
    here: PathBuf,
    seen: BTreeSet<PathBuf>,
    /// The modules whose main functions require each other, outermost first.
    open: Vec<String>,
    findings: Vec<Finding>,
}

impl Checker {
    /// `loader` may know a project that nobody trusts.
    ///
    /// # Errors
    /// What keeps a VM from starting.
    pub fn new(config: Config, loader: Loader, cancel: Cancel) -> Result<Self> {
        let room = Room::new(
            config,
            RunOptions::default(),
            (Arc::new(Silent), Arc::new(Nobody)),
            (Arc::new(Redactor::new()), cancel),
            Arc::new(FakeConnector::new()),
        );
        let vm = Vm::new(room, Rc::new(|_| Ok(())), loader)?;
        let prepared = || -> mlua::Result<_> {
            // Before they are put out of reach.
            let names = Names::of(&vm.lua, &vm.context.loader)?;
            let text = loader::bundled("mr/check.lua").unwrap_or_default();
            let judge = vm.lua.load(&*text).set_name("=mr/check.lua").call(())?;
            Ok((names, judge))
        };
        let (names, judge) = prepared().map_err(|e| error::from_lua(&e))?;
        Ok(Checker {
            vm,
            names,
            judge,
            here: std::env::current_dir().unwrap_or_default(),
            seen: BTreeSet::new(),
            open: Vec::new(),
            findings: Vec::new(),
        })
    }

    /// Looks at a file, and at the modules of the person's own that it requires.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] when it cannot be read.
    pub fn file(&mut self, path: &Path) -> Result<()> {
        let text = std::fs::read(path).map_err(|e| {
            Error::usage(format!("cannot read `{}`: {e}", path.display())).source(e)
        })?;
        let family = Family::of(path);
        let beside = path.parent().map(Path::to_owned);
        let beside = beside.filter(|_| family.loaded_as().is_none());
        self.vm.context.loader.set_beside(beside);
        self.look(path, &text, family);
        Ok(())
    }

    /// The same for a module by its name (`stages.env`), from where it would be loaded.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] when there is none of that name.
    pub fn module(&mut self, name: &str) -> Result<()> {
        let loader = &self.vm.context.loader;
        loader.set_beside(None);
        let Some(found) = loader.find(name)? else {
            return Err(require::missing(loader, name)?);
        };
        let path = PathBuf::from(&found.place);
        let family = match Family::of(&path) {
            Family::Script => Family::Module,
            family => family,
        };
        self.look(&path, &found.text.unwrap_or_default(), family);
        Ok(())
    }

    /// How many files were looked at, and what was found, by file and line.
    pub fn end(self) -> (usize, Vec<Finding>) {
        let mut findings = self.findings;
        findings.sort();
        findings.dedup();
        (self.seen.len(), findings)
    }

    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.here)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    fn look(&mut self, path: &Path, text: &[u8], family: Family) {
        if !self.seen.insert(whole(path)) {
            return;
        }
        let file = self.shown(path);
        let loaded = load(&self.vm.lua, text, &format!("@{file}"));
        let chunk = match loaded {
            Ok(chunk) => chunk,
            Err(error) => return self.wrong(&file, &error),
        };
        let Some(found) = dumped(&self.vm.lua, &chunk).and_then(|d| compiled::read(&d)) else {
            let error = Error::local("what the compiler made of it cannot be read");
            return self.wrong(&file, &error);
        };
        let found = uses(&found);
        for finding in self.names.judge(&found, &file, family) {
            self.findings.push(finding);
        }
        self.follow(&file, &found);
        if let Some(kind) = family.loaded_as() {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
            let folder = folder.to_string_lossy();
            // The one that counts under its name: what it needs is loaded too.
            let module = self.vm.context.loader.find(&format!("{folder}.{name}"));
            let winner = module
                .ok()
                .flatten()
                .map(|found| whole(Path::new(&found.place)));
            let counts = winner == Some(whole(path));
            let args = (kind, chunk, name.into_owned(), file.clone(), counts);
            if let Err(error) = super::call_now(&self.vm.lua, &self.judge, args) {
                self.wrong(&file, &error);
            }
        }
    }

    /// Looks at the modules that a file requires.
    fn follow(&mut self, file: &str, found: &[Use]) {
        for Use {
            what,
            line,
            is_inner,
        } in found
        {
            let What::Requires(module) = what else {
                continue;
            };
            let (line, module) = (Some(*line), module.as_str());
            if self.names.is_loaded(module) {
                continue;
            }
            let loader = &self.vm.context.loader;
            let candidate = match loader.find(module) {
                Ok(Some(candidate)) => candidate,
                Ok(None) => match require::missing(loader, module) {
                    Ok(error) | Err(error) => {
                        self.tell(file, line, &error);
                        continue;
                    }
                },
                Err(error) => {
                    self.tell(file, line, &error);
                    continue;
                }
            };
            let at = self.open.iter().position(|m| m == module);
            if let Some(at) = at.filter(|_| !is_inner) {
                let circle = self.open[at..].join(" -> ");
                let error = Error::usage(format!("`require` is a circle: {circle} -> {module}"))
                    .hint("move what both need into a module of its own");
                self.tell(file, line, &error);
            }
            if candidate.origin == Origin::Bundled || at.is_some() {
                continue;
            }
            let path = PathBuf::from(&candidate.place);
            let family = match Family::of(&path) {
                Family::Script => Family::Module,
                family => family,
            };
            let outer = match is_inner {
                true => std::mem::take(&mut self.open),
                false => self.open.clone(),
            };
            self.open.push(module.to_owned());
            self.look(&path, &candidate.text.unwrap_or_default(), family);
            self.open = outer;
        }
    }

    /// What an error says of a file; its line is in the message or in the traceback.
    fn wrong(&mut self, file: &str, error: &Error) {
        let line_of = |place: &str| -> Option<(u32, usize)> {
            let rest = place.strip_prefix(file)?.strip_prefix(':')?;
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let line = rest[..digits].parse().ok()?;
            Some((line, file.len() + 1 + digits))
        };
        let message = error.message();
        if let Some((line, end)) = line_of(message) {
            let rest = message[end..].trim_start_matches(':').trim_start();
            let error = Error::new(error.kind(), rest).hint_of(error);
            return self.tell(file, Some(line), &error);
        }
        let frames = error.lua_traceback().unwrap_or_default();
        let line = frames.lines().find_map(line_of).map(|(line, _)| line);
        self.tell(file, line, error);
    }

    fn tell(&mut self, file: &str, line: Option<u32>, error: &Error) {
        let message = error.message();
        let message = message
            .strip_prefix(&format!("{file}: "))
            .unwrap_or(message);
        self.findings.push(Finding {
            file: file.to_owned(),
            line,
            is_warning: false,
            message: message.to_owned(),
            hint: error.hint_text().map(str::to_owned),
        });
    }
}

/// A path by which a file is known again.
fn whole(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// What the compiler made of a function, its lines included.
fn dumped(lua: &Lua, chunk: &Function) -> Option<Vec<u8>> {
    let string: Table = lua.globals().raw_get("string").ok()?;
    let dump: Function = string.raw_get("dump").ok()?;
    let bytes: mlua::LuaString = dump.call(chunk).ok()?;
    Some(bytes.as_bytes().to_vec())
}

#[cfg(test)]
mod tests;
