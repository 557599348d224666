//! Verbs that send archives, or get them: `build`, `cp_to`, `cp_from`.

use std::io::{self, Read, Write};
use std::path::Path;

use mlua::{UserDataMethods, Value};

use super::follow::{callback, follow, timeout};
use super::given::given;
use super::{Docker, Handle, to_lua};
use crate::config::expand_tilde;
use crate::docker::given::text_of;
use crate::docker::spool::{self, Spool};
use crate::docker::tar::{Archive, Ignore, unpack};
use crate::docker::{copies, image};
use crate::error::{Error, Kind, Result};
use crate::lua::options::{Options, bytes_of};
use crate::output::Stream;
use crate::ssh::Input;
use crate::ssh::local::on_thread;

/// Adds them.
pub(super) fn add<M: UserDataMethods<Docker>>(methods: &mut M) {
    methods.add_async_method("build", |lua, this, opts: Value| async move {
        let handle = this.0.clone();
        let given = given("build", image::BUILD, &opts)?;
        let folder = text_of("build", "context", &given)?.unwrap_or_default();
        let file = text_of("build", "file", &given)?.unwrap_or_else(|| "Dockerfile".to_owned());
        let on_line = callback("build", "on_line", &opts)?;
        let local = expand_tilde(&folder);
        if folder.is_empty() || !local.is_dir() {
            let message = format!("`build`: `context` must be a local folder: `{folder}`");
            return Err(Error::usage(message).into());
        }
        let fill = move |archive: &mut Packing| {
            let ignore = Ignore::of(&local, &file)?;
            archive.tree(&local, "", &ignore)
        };
        let context = spooled(&handle, fill).await?;
        let mut call = image::build(&given, on_line.is_none(), context)?;
        call.timeout = timeout("build", &opts)?;
        let shown = call.shown();
        if handle.withholds(&shown) {
            return handle.unknown(&lua, shown);
        }
        let tags = crate::docker::given::texts_of("build", "tags", &given)?;
        let id = match on_line {
            None => {
                let output = handle.with(async |docker| docker.ask(&call).await).await?;
                Some(output.stdout_trimmed())
            }
            Some(on_line) => {
                let shape = |_: Stream, line: Vec<u8>| lua.create_string(line).map(Some);
                follow(&lua, &handle, call, &on_line, shape).await?;
                None
            }
        };
        to_lua(&lua, &serde_json::json!({ "id": id, "tags": tags }))
    });
    methods.add_async_method(
        "cp_to",
        |_, this, (name, from, path, opts): (String, Value, String, Value)| async move {
            let handle = this.0.clone();
            let opts = Options::new("cp_to", opts, &["mode"])?;
            let mode = opts.mode("mode")?;
            let (folder, file) = target(&path, &from)?;
            let archive = packed(&handle, &from, file, mode).await?;
            let call = copies::copy_to(&name, &folder, archive)?;
            let shown = format!("docker cp - {name}:{path}");
            if handle.withholds(&shown) {
                return Ok(());
            }
            Ok(handle
                .with(async |docker| docker.ask(&call).await.map(drop))
                .await?)
        },
    );
    methods.add_async_method(
        "cp_from",
        |_, this, (name, path, to): (String, String, String)| async move {
            let handle = this.0.clone();
            let call = copies::copy_from(&name, &path)?;
            let archive = handle
                .with(async |docker| spool::ask(&docker, call, copies::LONGEST).await)
                .await?;
            let to = expand_tilde(&to);
            let work =
                on_thread(move |is_gone| unpack(While(archive.reader(), &|| !is_gone()), &to));
            Ok(handle.link.wait(work).await?)
        },
    );
}

/// The folder in the container, and the name in it. A path that ends in `/` is the folder.
fn target(path: &str, from: &Value) -> Result<(String, String)> {
    let bad = || Error::usage(format!("`cp_to`: `{path}` does not say which file"));
    if let Some(folder) = path.strip_suffix('/') {
        let Value::String(from) = from else {
            return Err(bad());
        };
        let from = from.to_string_lossy();
        let name = Path::new(from.trim_end_matches('/'))
            .file_name()
            .and_then(|n| n.to_str());
        return Ok((format!("{folder}/"), name.ok_or_else(bad)?.to_owned()));
    }
    let (folder, name) = path.rsplit_once('/').ok_or_else(bad)?;
    match name {
        "" | "." | ".." => Err(bad()),
        name => Ok((format!("{folder}/"), name.to_owned())),
    }
}

/// Reads or writes as long as somebody waits for that.
struct While<'a, T>(T, &'a dyn Fn() -> bool);

impl<T> While<'_, T> {
    fn go(&mut self) -> io::Result<&mut T> {
        match (self.1)() {
            true => Ok(&mut self.0),
            false => Err(io::Error::other("it was given up")),
        }
    }
}

impl<T: Read> Read for While<'_, T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.go()?.read(bytes)
    }
}

impl<T: Write> Write for While<'_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.go()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.go()?.flush()
    }
}

/// An archive on its way to a file.
type Packing<'a> = Archive<While<'a, Spool>>;

/// What `fill` packs, in a thread of its own: other servers are worked on meanwhile.
async fn spooled<F>(handle: &Handle, fill: F) -> Result<Input>
where
    F: FnOnce(&mut Packing) -> Result<()> + Send + 'static,
{
    let work = on_thread(move |is_gone| {
        let is_wanted = || !is_gone();
        let mut archive = Archive::new(While(Spool::new()?, &is_wanted));
        fill(&mut archive)?;
        archive.done()?.0.input()
    });
    handle.link.context.wait(work).await
}

/// A local path packed under that name, or `{ content = … }`.
async fn packed(handle: &Handle, from: &Value, name: String, mode: Option<u32>) -> Result<Input> {
    match from {
        Value::String(path) => {
            let path = path.to_string_lossy();
            let local = expand_tilde(&path);
            if !local.exists() {
                let message = format!("no such local file: `{path}`");
                return Err(Error::new(Kind::Transfer, message));
            }
            let fill = move |archive: &mut Packing| match mode {
                Some(_) if local.is_file() => archive.local(&local, &name, mode),
                _ => archive.tree(&local, &name, &Ignore::default()),
            };
            spooled(handle, fill).await
        }
        from => {
            let given = Options::new("cp_to", from.clone(), &["content"])?;
            let content = bytes_of(&given.value("content")).ok_or_else(|| {
                Error::usage("`cp_to`: `from` must be a local path, or `{ content = … }`")
            })?;
            // In memory, where it is already: it may be a secret.
            let mut archive = Archive::new(Vec::new());
            archive.file(&name, mode.unwrap_or(0o644), &content)?;
            Ok(archive.done()?.into())
        }
    }
}
