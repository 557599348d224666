//! What `mroom cp` copies where: the command line's two sides as copies for each server.

use std::path::{Component, Path, PathBuf};

use super::App;
use crate::error::{Error, Result};
use crate::inventory::Server;

/// What to do about two sides on the same side.
const SIDES: &str = "one side is `PATTERN:PATH` on servers, the other a path on this machine";

/// One side of a copy.
#[derive(Debug, PartialEq, Eq)]
enum Side<'a> {
    Local(&'a str),
    Remote { pattern: &'a str, path: &'a str },
}

impl<'a> Side<'a> {
    /// As scp reads it: remote when a colon stands before any slash, and not first. A word that
    /// begins with `@` may hold slashes before its colon: `@./ids.txt:conf`.
    fn of(text: &'a str) -> Self {
        match text.split_once(':') {
            Some((pattern, path))
                if !pattern.is_empty() && (text.starts_with('@') || !pattern.contains('/')) =>
            {
                // Nothing after the colon is the home folder.
                let path = if path.is_empty() { "." } else { path };
                Side::Remote { pattern, path }
            }
            _ => Side::Local(text),
        }
    }
}

/// One copy on one server.
pub enum Copy {
    /// From this machine to the server.
    Up { from: PathBuf, to: String },
    /// From the server to this machine.
    Down { from: String, to: PathBuf },
}

/// What is copied on each server, in the order in which the servers were selected.
pub type Plan = Vec<(Server, Vec<Copy>)>;

/// What `sources` and `dest` mean.
///
/// # Errors
/// [`crate::error::Kind::Usage`]: both sides are on the same side, a file here cannot be read, a
/// pattern selects nothing, an id cannot name a folder.
pub fn plan(app: &App, sources: &[String], dest: &str) -> Result<Plan> {
    let wrong = |message: String| Err(Error::usage(message).hint(SIDES));
    let sides = sources.iter().map(|source| Side::of(source));
    match Side::of(dest) {
        Side::Remote { pattern, path } => {
            let mut local = Vec::new();
            for (side, source) in sides.zip(sources) {
                let Side::Local(path) = side else {
                    return wrong(format!("`{source}` and `{dest}` are both on servers"));
                };
                local.push(PathBuf::from(path));
            }
            uploads(select(app, pattern, dest)?, &local, path)
        }
        Side::Local(dest) => {
            let mut remote: Vec<(Server, Vec<&str>)> = Vec::new();
            for (side, source) in sides.zip(sources) {
                let Side::Remote { pattern, path } = side else {
                    return wrong(format!("`{source}` and `{dest}` are both on this machine"));
                };
                for server in select(app, pattern, source)? {
                    match remote.iter_mut().find(|(s, _)| s.id == server.id) {
                        Some((_, paths)) => paths.push(path),
                        None => remote.push((server, vec![path])),
                    }
                }
            }
            downloads(remote, dest)
        }
    }
}

/// The servers of the pattern in `side`. Such a file here is what may have been meant.
fn select(app: &App, pattern: &str, side: &str) -> Result<Vec<Server>> {
    app.room
        .select(pattern)
        .map_err(|e| match Path::new(side).exists() {
            true => e.hint(format!("the file on this machine is `./{side}`")),
            false => e,
        })
}

/// Several sources go into `to` as a folder.
fn uploads(servers: Vec<Server>, from: &[PathBuf], to: &str) -> Result<Plan> {
    for path in from {
        std::fs::metadata(path).map_err(|e| {
            Error::usage(format!("cannot read `{}`: {e}", path.display())).source(e)
        })?;
    }
    let to = match from.len() {
        1 => to.to_owned(),
        _ => as_folder(to),
    };
    let copies = |server: Server| {
        let up = |from: &PathBuf| Copy::Up {
            from: from.clone(),
            to: to.clone(),
        };
        (server, from.iter().map(up).collect())
    };
    Ok(servers.into_iter().map(copies).collect())
}

/// Each server has a folder of its own below `to`, unless there is one server only and `to` is
/// not said to be a folder.
fn downloads(servers: Vec<(Server, Vec<&str>)>, to: &str) -> Result<Plan> {
    let apart = servers.len() > 1 || to.ends_with('/');
    let mut plan = Vec::new();
    for (server, paths) in servers {
        let to = match (apart, paths.len()) {
            (true, _) => as_folder(&format!("{}{}", as_folder(to), folder_name(&server.id)?)),
            (false, 1) => to.to_owned(),
            (false, _) => as_folder(to),
        };
        let down = |from: &str| Copy::Down {
            from: from.to_owned(),
            to: PathBuf::from(&to),
        };
        let copies = paths.into_iter().map(down).collect();
        plan.push((server, copies));
    }
    Ok(plan)
}

fn as_folder(path: &str) -> String {
    format!("{}/", path.strip_suffix('/').unwrap_or(path))
}

/// An id may be any text: one that would lead elsewhere names no folder.
fn folder_name(id: &str) -> Result<&str> {
    let mut parts = Path::new(id).components();
    match parts.all(|part| matches!(part, Component::Normal(_))) {
        true => Ok(id),
        false => Err(Error::usage(format!("the id `{id}` cannot name a folder"))
            .hint("copy from this server alone, to a DEST without a slash at its end")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sides() {
        let remote = |pattern, path| Side::Remote { pattern, path };
        for (text, side) in [
            ("web:/etc/hosts", remote("web", "/etc/hosts")),
            ("web*,!web-2:a:b", remote("web*,!web-2", "a:b")),
            ("@./ids.txt:conf/", remote("@./ids.txt", "conf/")),
            ("role=edge:", remote("role=edge", ".")),
            ("web:~/x", remote("web", "~/x")),
            ("./a:b", Side::Local("./a:b")),
            ("/tmp/a:b", Side::Local("/tmp/a:b")),
            (":x", Side::Local(":x")),
            ("@x", Side::Local("@x")),
            ("dir/", Side::Local("dir/")),
            ("", Side::Local("")),
        ] {
            assert_eq!(Side::of(text), side, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_path_can_be_written(path in ".*") {
            let here = format!("./{path}");
            prop_assert_eq!(Side::of(&here), Side::Local(&here));
            let there = format!("web:{path}");
            let path = if path.is_empty() { "." } else { &path };
            prop_assert_eq!(Side::of(&there), Side::Remote { pattern: "web", path });
        }
    }

    #[test]
    fn each_server_has_its_folder() {
        let to = |ids: &[&str], paths: &[&str], to: &str| -> Result<Vec<String>> {
            let servers = ids
                .iter()
                .map(|id| (Server::new(*id, "h", "u", 22), paths.to_vec()));
            let plan = downloads(servers.collect(), to)?;
            let copies = plan.into_iter().flat_map(|(_, copies)| copies);
            Ok(copies
                .map(|copy| match copy {
                    Copy::Down { to, .. } => to.display().to_string(),
                    Copy::Up { .. } => unreachable!("a download"),
                })
                .collect())
        };
        for (ids, paths, dest, expected) in [
            (&["a"][..], &["/x"][..], "out", &["out"][..]),
            (&["a"], &["/x"], "out/", &["out/a/"]),
            (&["a"], &["/x", "/y"], "out", &["out/", "out/"]),
            (&["a", "b"], &["/x"], "out", &["out/a/", "out/b/"]),
            (&["a", "b"], &["/x"], "/", &["/a/", "/b/"]),
        ] {
            assert_eq!(to(ids, paths, dest).unwrap(), expected, "{ids:?} {dest}");
        }
        for id in ["..", "../x", "/etc", "a/../..", "."] {
            assert!(to(&["a", id], &["/x"], "out").is_err(), "{id}");
            assert!(to(&[id], &["/x"], "out").is_ok(), "{id} alone");
        }
    }
}
