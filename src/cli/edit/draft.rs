//! [`Draft`]: a text in a private file while a person edits it.

use std::fs;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGQUIT};

use crate::error::{Error, Kind, Result};

/// How the lines begin that tell of a mistake.
const MARK: &str = "#!";
/// Longest text, bytes.
const LONGEST: u64 = 16 << 20;

/// A text in a file of mode 0600, in a folder of its own of mode 0700: editors leave copies beside
/// what they edit. The folder stays until [`Draft::discard`].
pub(in crate::cli) struct Draft {
    folder: PathBuf,
    name: &'static str,
}

impl Draft {
    /// Writes the text into a file of that name in a new folder below `data`.
    ///
    /// # Errors
    /// [`Kind::Local`] when that cannot be done.
    pub fn new(data: &Path, name: &'static str, text: &str) -> Result<Self> {
        let process = std::process::id();
        let failed = |e: std::io::Error| {
            let place = data.display();
            Error::local(format!("cannot make a draft in `{place}`: {e}")).source(e)
        };
        let mut private = fs::DirBuilder::new();
        let private = private.mode(0o700);
        private.recursive(true).create(data).map_err(failed)?;
        // One that was kept may have the number of this process.
        for count in 0.. {
            let folder = data.join(format!("edit-{process}-{count}"));
            match private.recursive(false).create(&folder) {
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && count < 1000 => {}
                Err(e) => return Err(failed(e)),
                Ok(()) => {
                    let draft = Draft { folder, name };
                    draft.write(text).map_err(failed)?;
                    return Ok(draft);
                }
            }
        }
        Err(Error::local("cannot make a draft"))
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        self.folder.join(self.name)
    }

    /// Removes it.
    pub fn discard(&self) {
        // What stays in a private folder harms nobody.
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// The text without the lines that tell of a mistake.
    ///
    /// # Errors
    /// [`Kind::Local`] when it is gone, too long, or not text.
    pub fn text(&self) -> Result<String> {
        let path = self.path();
        let failed = |what: &str| Error::local(format!("`{}` {what}", path.display()));
        let file = fs::File::open(&path).map_err(|e| failed("cannot be read").source(e))?;
        let mut bytes = Vec::new();
        let read = file.take(LONGEST + 1).read_to_end(&mut bytes);
        read.map_err(|e| failed("cannot be read").source(e))?;
        if bytes.len() as u64 > LONGEST {
            return Err(failed("is longer than 16 MiB"));
        }
        let text = String::from_utf8(bytes).map_err(|_| failed("is not valid UTF-8"))?;
        let mut rest = text.as_str();
        while rest.starts_with(MARK) {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        }
        Ok(rest.to_owned())
    }

    /// Puts an error on top of the text.
    ///
    /// # Errors
    /// As [`Draft::new`].
    pub fn tell(&self, error: &Error, text: &str) -> Result<()> {
        let hint = error.hint_text().map(|hint| format!("hint: {hint}"));
        let lines = [
            Some(error.to_string()),
            hint,
            Some("mend it; leave the editor without a change to give up".to_owned()),
        ];
        let mut whole = String::new();
        for line in lines.iter().flatten().flat_map(|text| text.lines()) {
            whole.push_str(&format!("{MARK} {line}\n"));
        }
        whole.push_str(text);
        let path = self.path();
        self.write(&whole)
            .map_err(|e| Error::local(format!("cannot write `{}`: {e}", path.display())).source(e))
    }

    fn write(&self, text: &str) -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.path())?;
        file.write_all(text.as_bytes())
    }

    /// Runs the person's editor on it, to its end.
    ///
    /// # Errors
    /// [`Kind::Local`] when it cannot be run or fails.
    pub fn edit(&self) -> Result<()> {
        edit(&self.path())
    }
}

/// Runs the person's editor on a file, to its end.
///
/// # Errors
/// [`Kind::Local`] when it cannot be run or fails.
pub(in crate::cli) fn edit(path: &Path) -> Result<()> {
    let variable = |name| std::env::var(name).ok().filter(|v| !v.trim().is_empty());
    let editor = variable("VISUAL").or_else(|| variable("EDITOR"));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    // As git does it: the variable may hold arguments. The path is one word of its own.
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{editor} \"$@\"")).arg(&editor);
    let status = {
        let _deaf = Deaf::new();
        shell.arg(path).status()
    };
    let failed = |what: String| {
        let error = Error::new(Kind::Local, format!("the editor `{editor}` {what}"));
        error.hint("set $VISUAL or $EDITOR to your editor")
    };
    match status {
        Err(e) => Err(failed(format!("cannot be run: {e}")).source(e)),
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(match status.code() {
            Some(127) => "was not found".to_owned(),
            Some(code) => format!("ended with {code}, so nothing was changed"),
            None => "was killed, so nothing was changed".to_owned(),
        })),
    }
}

/// While it lives, Ctrl-C and Ctrl-\ are the editor's and do not end this program.
struct Deaf(Vec<signal_hook::SigId>);

impl Deaf {
    fn new() -> Self {
        let nobody = Arc::new(AtomicBool::new(false));
        let register = |signal| signal_hook::flag::register(signal, nobody.clone()).ok();
        Deaf([SIGINT, SIGQUIT].into_iter().filter_map(register).collect())
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        for id in self.0.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}

/// Is there a person who can mend a mistake?
pub(super) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}
