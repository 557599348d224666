//! Files as another user: over commands with sudo, because SFTP knows only the login.
//!
//! A single file goes through standard input or output. Copies are staged by the login in a folder
//! of its own that nobody else can enter, and moved from or to their place by the other user. A file
//! is replaced as a whole, and keeps owner, mode and SELinux label; nothing of it is in an argument.

use std::path::{Path, PathBuf};

use super::files::shell::{plain, refused, too_long};
use super::sudo::Sudo;
use super::transport::{CopyOptions, Effect, Exec, Transport};
use crate::error::{Error, Kind, Result};
use crate::output::Output;
use crate::quote;

/// Puts standard input into a new file beside `$1` and moves it there. `$2` is its mode, or empty
/// for that of the file that was there.
const WRITE: &str = r#"umask 077
t=$1
if [ -d "$t" ]; then echo "it is a folder" >&2; exit 1; fi
if [ -L "$t" ]; then t=$(readlink -f -- "$t") || exit; fi
n=$(mktemp -- "$(dirname -- "$t")/.mroom-XXXXXXXXXX") || exit
trap 'rm -f -- "$n"' EXIT
cat > "$n" || exit
if [ -e "$t" ]; then
  chown --reference="$t" -- "$n" && chmod --reference="$t" -- "$n" || exit
  chcon --reference="$t" -- "$n" 2>/dev/null
else
  chmod 0644 -- "$n" || exit
fi
if [ -n "$2" ]; then chmod "$2" -- "$n" || exit; fi
mv -fT -- "$n" "$t""#;

/// Moves what is staged in `$1` to `$2`: the file or folder named `$3`, or (when that is empty) what
/// is in the folder.
const PLACE: &str = r#"from=$1/$3 to=$2
case $to in */) mkdir -p -- "$to" || exit ;; esac
if [ -n "$3" ] && { [ -d "$to" ] || [ -d "$from" ]; }; then to=${to%/}/$3; fi
mkdir -p -- "$(dirname -- "$to")" || exit
if [ -d "$from" ]; then
  mkdir -p -- "$to" && cp -RP --remove-destination --preserve=mode -- "$from/." "$to/"
  exit
fi
if [ -L "$to" ]; then to=$(readlink -f -- "$to") || exit; fi
n=$(mktemp -- "$(dirname -- "$to")/.mroom-XXXXXXXXXX") || exit
trap 'rm -f -- "$n"' EXIT
cat < "$from" > "$n" || exit
if [ -e "$to" ]; then
  chown --reference="$to" -- "$n" || exit
  chcon --reference="$to" -- "$n" 2>/dev/null
fi
chmod --reference="$from" -- "$n" && mv -fT -- "$n" "$to""#;

/// Copies `$1` into the folder `$2` under the name `$3`, for the owner of that folder.
const FETCH: &str = r#"cp -RH -- "$1" "$2/$3" &&
chown -R -h --reference="$2" -- "$2/$3" && chmod -R u+rX -- "$2/$3""#;

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
/// [`Kind::Transfer`], and those of sudo.
pub async fn read(
    transport: &dyn Transport,
    sudo: Sudo,
    path: &str,
    limit: u64,
) -> Result<Vec<u8>> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX).max(4096);
    let request = Exec {
        max_output: most,
        ..reader("cat < \"$1\"", &[&plain(path)])?
    };
    let output = done(transport, request, Some(sudo), ("read", path)).await?;
    match output.truncated || output.stdout.len() as u64 > limit {
        true => Err(too_long(path, limit)),
        false => Ok(output.stdout),
    }
}

/// Writes a whole file. `mode` is that of the new file; `None` keeps an existing file's.
///
/// # Errors
/// As [`read`].
pub async fn write(
    transport: &dyn Transport,
    sudo: Sudo,
    path: &str,
    content: Vec<u8>,
    mode: Option<u32>,
) -> Result<()> {
    let mode = mode.map_or_else(String::new, |mode| format!("{:04o}", mode & 0o7777));
    let request = Exec {
        stdin: content.into(),
        ..script(WRITE, &[&plain(path), &mode])?
    };
    done(transport, request, Some(sudo), ("write", path))
        .await
        .map(drop)
}

/// Copies a local file or folder to the server, as [`Transport::upload`] does.
///
/// # Errors
/// As [`read`].
pub async fn upload(
    transport: &dyn Transport,
    sudo: Sudo,
    from: PathBuf,
    to: &str,
    options: CopyOptions,
) -> Result<u64> {
    // A trailing slash means what is in the folder, and then there is no name.
    let is_inside = from.is_dir() && from.as_os_str().as_encoded_bytes().ends_with(b"/");
    let name = match is_inside {
        true => String::new(),
        false => name_of(&from)?,
    };
    let stage = Stage::make(transport, Effect::Write).await?;
    let work = async {
        let bytes = transport.upload(from, &stage.inside(), options).await?;
        let request = script(PLACE, &[&stage.folder, &plain(to), &name])?;
        done(transport, request, Some(sudo), ("write", to)).await?;
        Ok(bytes)
    };
    stage.around(transport, work).await
}

/// Copies a file or folder from the server, as [`Transport::download`] does.
///
/// # Errors
/// As [`read`].
pub async fn download(
    transport: &dyn Transport,
    sudo: Sudo,
    from: &str,
    to: PathBuf,
    options: CopyOptions,
) -> Result<u64> {
    let trimmed = plain(from);
    let trimmed = trimmed.trim_end_matches('/');
    let (source, name) = match trimmed.rsplit_once('/') {
        _ if trimmed.is_empty() => ("/", "root"),
        Some((_, name)) if !matches!(name, "." | "..") => (trimmed, name),
        None if !matches!(trimmed, "." | "..") => (trimmed, trimmed),
        _ => (trimmed, "folder"),
    };
    let inside = if from.ends_with('/') { "/" } else { "" };
    let stage = Stage::make(transport, Effect::Read).await?;
    let work = async {
        let request = reader(FETCH, &[source, &stage.folder, name])?;
        done(transport, request, Some(sudo), ("read", from)).await?;
        let staged = format!("{}/{name}{inside}", stage.folder);
        transport.download(&staged, to, options).await
    };
    stage.around(transport, work).await
}

/// A folder of the login on the server, that nobody else can enter.
struct Stage {
    folder: String,
    effect: Effect,
}

impl Stage {
    async fn make(transport: &dyn Transport, effect: Effect) -> Result<Self> {
        let command = "mktemp -d -- \"${TMPDIR:-/tmp}/mroom-XXXXXXXXXX\"";
        let request = Exec {
            effect,
            ..script(command, &[])?
        };
        let output = done(transport, request, None, ("make", "a temporary folder")).await?;
        let folder = output.stdout_trimmed();
        match folder.starts_with('/') && !folder.contains('\n') {
            true => Ok(Stage { folder, effect }),
            false => Err(Error::new(
                Kind::Transfer,
                "the server made no temporary folder",
            )),
        }
    }

    fn inside(&self) -> String {
        format!("{}/", self.folder)
    }

    /// Does the work, then removes the folder however that ended.
    async fn around<T>(
        &self,
        transport: &dyn Transport,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let result = work.await;
        let request = Exec {
            effect: self.effect,
            ..script("rm -rf -- \"$1\"", &[&self.folder])?
        };
        let removed = done(transport, request, None, ("remove", &self.folder)).await;
        let value = result?;
        removed.map(|_| value)
    }
}

fn script(text: &str, arguments: &[&str]) -> Result<Exec> {
    let words = [&["sh", "-c", text, "sh"][..], arguments].concat();
    Ok(Exec::new(quote::words(&words)?))
}

fn reader(text: &str, arguments: &[&str]) -> Result<Exec> {
    Ok(Exec {
        effect: Effect::Read,
        ..script(text, arguments)?
    })
}

/// Runs it to a good end.
async fn done(
    transport: &dyn Transport,
    request: Exec,
    sudo: Option<Sudo>,
    (verb, path): (&str, &str),
) -> Result<Output> {
    let output = transport.exec(Exec { sudo, ..request }).await?;
    match output.is_success() {
        true => Ok(output),
        false => Err(refused(verb, path, &output.stderr)),
    }
}

fn name_of(from: &Path) -> Result<String> {
    let name = from.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| {
        let message = format!("`{}` has no name that can be copied", from.display());
        Error::new(Kind::Transfer, message)
    })
}
