//! What this machine has: programs, kernel modules, rights, and by that the backends. Owns nothing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::backend::choose::{self, Choice};
use super::backend::{Backend, Machine};
use super::keeper::Backends;
use crate::error::Result;
use crate::inventory::Tunnel;

/// Where the system's own programs are, which a user's `PATH` may leave out.
const SYSTEM: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];
/// Where modules of the running kernel are described.
const MODULES: &str = "/lib/modules";

/// The machine that this process runs on.
pub struct ThisMachine;

impl Machine for ThisMachine {
    fn os(&self) -> &str {
        std::env::consts::OS
    }

    fn program(&self, name: &str) -> Option<PathBuf> {
        program(name)
    }

    fn module(&self, name: &str) -> bool {
        module(name)
    }

    fn file(&self, path: &str) -> bool {
        Path::new(path).exists()
    }

    fn is_root(&self) -> bool {
        rustix::process::geteuid().is_root()
    }

    fn may_root(&self) -> bool {
        super::runner::may_root()
    }
}

impl Backends for ThisMachine {
    fn choose(&self, profile: &Tunnel) -> Result<Choice> {
        choose::choose(profile, self)
    }

    fn named(&self, name: &str) -> Option<Arc<dyn Backend>> {
        choose::named(name)
    }
}

/// `PATH`, and the folders of the system's own programs behind it.
pub fn search_path() -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let folders = std::env::split_paths(&path).filter(|p| p.is_absolute());
    let system = SYSTEM.iter().map(PathBuf::from);
    let mut all: Vec<PathBuf> = Vec::new();
    for folder in folders.chain(system) {
        if !all.contains(&folder) {
            all.push(folder);
        }
    }
    std::env::join_paths(all).unwrap_or(path)
}

/// Where a program is; a path is looked at as it is.
pub fn program(name: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let runs = |path: &Path| {
        std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
    };
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|p| runs(p));
    }
    let path = search_path();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name));
    found.into_iter().find(|p| runs(p))
}

/// Whether the running kernel has a module: loaded, built in, or there to be loaded.
pub fn module(name: &str) -> bool {
    if !is_module(name) {
        return false;
    }
    let plain = name.replace('-', "_");
    if Path::new("/sys/module").join(&plain).is_dir() {
        return true;
    }
    let Ok(release) = std::fs::read_to_string("/proc/sys/kernel/osrelease") else {
        return false;
    };
    let folder = Path::new(MODULES).join(release.trim());
    ["modules.builtin", "modules.dep"].iter().any(|file| {
        std::fs::read_to_string(folder.join(file)).is_ok_and(|list| lists(&list, &plain))
    })
}

fn is_module(name: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !name.is_empty() && name.chars().all(fine)
}

/// Whether `modules.builtin` or `modules.dep` (modules.dep(5)) has a module, its name with `_`.
fn lists(list: &str, name: &str) -> bool {
    list.lines().any(|line| {
        let path = line.split(':').next().unwrap_or_default().trim();
        let file = path.rsplit('/').next().unwrap_or_default();
        let stem = file.split_once(".ko").map(|(stem, _)| stem);
        stem.is_some_and(|stem| stem.replace('-', "_") == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs() {
        assert!(program("sh").is_some_and(|p| p.is_absolute()));
        assert!(program("/bin/sh").is_some());
        for none in ["", "no such program", "/etc/passwd", "/bin", "../bin/sh/x"] {
            assert_eq!(program(none), None, "{none:?}");
        }
        let path = search_path();
        let folders: Vec<_> = std::env::split_paths(&path).collect();
        assert!(folders.contains(&PathBuf::from("/usr/sbin")));
        assert!(folders.iter().all(|p| p.is_absolute()));
    }

    #[test]
    fn modules() {
        let dep = "kernel/net/l2tp/l2tp_ppp.ko.xz: kernel/net/l2tp/l2tp_netlink.ko.xz\n\
                   kernel/drivers/net/wireguard/wireguard.ko: a.ko\n\
                   kernel/crypto/echainiv-x.ko.zst:\n";
        for (name, there) in [
            ("l2tp_ppp", true),
            ("wireguard", true),
            ("echainiv_x", true),
            ("l2tp_netlink", false),
            ("wire", false),
            ("", false),
        ] {
            assert_eq!(lists(dep, name), there, "{name}");
        }
        for bad in ["", "../x", "a b", "x/y"] {
            assert!(!module(bad), "{bad:?}");
        }
    }
}
