//! Calls that copy archives into containers and out of them. Pure.

use super::{Call, name};
use crate::error::{Error, Result};
use crate::ssh::Input;

/// Longest archive that is taken from a container, bytes: a server must not fill this machine's disk
/// without an end.
pub const LONGEST: u64 = 64 << 30;

/// `docker cp` of an archive that comes over standard input, into a folder of the container.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is no name, and for a path that is not absolute.
pub fn copy_to(container: &str, folder: &str, archive: impl Into<Input>) -> Result<Call> {
    let place = place("cp_to", container, folder)?;
    Ok(Call::write(["cp", "-", &place]).stdin(archive))
}

/// `docker cp` that prints an archive of a file or folder.
///
/// # Errors
/// As [`copy_to`].
pub fn copy_from(container: &str, path: &str) -> Result<Call> {
    let place = place("cp_from", container, path)?;
    Ok(Call::read(["cp", &place, "-"]))
}

fn place(call: &str, container: &str, path: &str) -> Result<String> {
    let container = name(call, "a container", container)?;
    match path.starts_with('/') && !container.contains(':') {
        true => Ok(format!("{container}:{path}")),
        false => Err(Error::usage(format!(
            "`{call}`: the path in the container must begin with `/`: `{}`",
            path.escape_debug()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_container_is_one_word() {
        let to = copy_to("web", "/srv dir/", b"x".to_vec()).unwrap();
        assert_eq!(to.shown(), "docker cp - 'web:/srv dir/'");
        assert_eq!(to.stdin.held(), Some(&b"x"[..]));
        assert_eq!(
            copy_from("web", "/a").unwrap().shown(),
            "docker cp web:/a -"
        );
        for (container, path) in [
            ("", "/a"),
            ("-L", "/a"),
            ("a:b", "/a"),
            ("web", "a"),
            ("web", ""),
        ] {
            assert!(copy_from(container, path).is_err(), "{container}:{path}");
        }
    }
}
