//! Files over plain commands, for servers without the SFTP subsystem: `cat` to read, `cat` and
//! `mv` to write. Paths reach the shell quoted, contents over standard input.

use std::hash::{BuildHasher as _, Hasher as _};
use std::rc::Rc;

use crate::error::{Error, Kind, Result};
use crate::quote;
use crate::ssh::driver::Core;
use crate::ssh::exec::exec;
use crate::ssh::transport::Exec;

/// Reads a file of at most `limit` bytes.
pub async fn read(core: Rc<Core>, path: &str, limit: u64) -> Result<Vec<u8>> {
    // Enough for the shell's complaint even when the file may be tiny.
    let max = usize::try_from(limit).unwrap_or(usize::MAX).max(4096);
    let command = format!("cat < {}", quote::word(&plain(path))?);
    let request = Exec {
        max_output: max,
        ..Exec::reader(command)
    };
    let output = exec(core, request).await?;
    if !output.is_success() {
        return Err(refused("read", path, &output.stderr));
    }
    if output.truncated || output.stdout.len() as u64 > limit {
        return Err(too_long(path, limit));
    }
    Ok(output.stdout)
}

/// Writes a file: to a temporary name beside it, then renamed over it.
pub async fn write(core: Rc<Core>, path: &str, content: Vec<u8>, mode: Option<u32>) -> Result<()> {
    let command = write_command(path, mode)?;
    let output = exec(
        core,
        Exec {
            stdin: content.into(),
            ..Exec::new(command)
        },
    )
    .await?;
    match output.is_success() {
        true => Ok(()),
        false => Err(refused("write", path, &output.stderr)),
    }
}

/// The command that writes its standard input to `path` as a whole or not at all.
fn write_command(path: &str, mode: Option<u32>) -> Result<String> {
    let target = quote::word(&plain(path))?;
    let temporary = quote::word(&temporary_name(&plain(path)))?;
    // An existing file's mode is kept by copying it onto the temporary file.
    let set_mode = match mode {
        Some(mode) => format!("chmod {:04o} {temporary}", mode & 0o7777),
        None => format!(
            "{{ if test -e {target}; then chmod --reference={target} {temporary}; else chmod 0644 {temporary}; fi; }}"
        ),
    };
    Ok(format!(
        "umask 077 && cat > {temporary} && {set_mode} && mv -fT -- {temporary} {target} || {{ rm -f -- {temporary}; exit 1; }}"
    ))
}

/// A name beside `path` that nobody else uses.
pub fn temporary_name(path: &str) -> String {
    let random = std::hash::RandomState::new().build_hasher().finish();
    let (folder, name) = match path.rfind('/') {
        Some(i) => path.split_at(i + 1),
        None => ("", path),
    };
    // Long names are cut: the server's limit is 255 bytes.
    let short: String = name.chars().take(40).collect();
    format!("{folder}.{short}.mroom-{random:016x}")
}

/// `~/x` is below the home folder, where both commands and SFTP start; a leading dash is no
/// option.
pub fn plain(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some("") => ".".to_owned(),
        Some(rest) => format!("./{}", rest.trim_start_matches('/')),
        None if path == "~" => ".".to_owned(),
        None if path.starts_with('-') => format!("./{path}"),
        None => path.to_owned(),
    }
}

/// The error for a file that is longer than the caller allows.
pub fn too_long(path: &str, limit: u64) -> Error {
    Error::new(
        Kind::Transfer,
        format!("`{path}` is longer than {limit} bytes"),
    )
}

/// The error of a command that was to do something with a file; its last words say why.
pub fn refused(verb: &str, path: &str, stderr: &[u8]) -> Error {
    let said: String = String::from_utf8_lossy(stderr)
        .lines()
        .next_back()
        .unwrap_or("the command failed")
        // `bash: line 1: NAME: reason`: the name is ours, and may be a temporary one.
        .rsplit(": ")
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    Error::new(Kind::Transfer, format!("cannot {verb} `{path}`: {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!(plain("~/a b"), "./a b");
        assert_eq!(plain("~"), ".");
        assert_eq!(plain("~user/x"), "~user/x");
        assert_eq!(plain("-rf"), "./-rf");
        let name = temporary_name("/etc/app.conf");
        assert!(
            name.starts_with("/etc/.app.conf.mroom-") && name.len() == 37,
            "{name}"
        );
        assert_ne!(name, temporary_name("/etc/app.conf"));
    }

    #[test]
    fn the_write_command_works_in_a_real_shell() {
        use std::io::Write as _;
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it's $(here)");
        let path = path.to_str().unwrap();
        let write = |mode, text: &str| {
            let command = write_command(path, mode).unwrap();
            let mut child = std::process::Command::new("sh")
                .args(["-c", &command])
                .stdin(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            child
                .stdin
                .take()
                .unwrap()
                .write_all(text.as_bytes())
                .unwrap();
            assert!(child.wait().unwrap().success());
            let mode = std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
            assert_eq!(std::fs::read_to_string(path).unwrap(), text);
            mode
        };
        assert_eq!(write(None, "one"), 0o644);
        assert_eq!(write(Some(0o600), "two"), 0o600);
        assert_eq!(write(None, "three"), 0o600);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left behind"
        );
    }
}
