//! Verbs that send archives, or get them: `build`, `cp_to`, `cp_from`.

use std::path::Path;

use mlua::{UserDataMethods, Value};

use super::follow::{callback, follow, timeout};
use super::given::given;
use super::{Docker, to_lua};
use crate::config::expand_tilde;
use crate::docker::given::text_of;
use crate::docker::spool::{self, Spool};
use crate::docker::tar::{Archive, Ignore, unpack};
use crate::docker::{copies, image};
use crate::error::{Error, Kind, Result};
use crate::lua::options::{Options, bytes_of};
use crate::output::Stream;
use crate::ssh::Input;

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
        let mut archive = Archive::new(Spool::new()?);
        archive.tree(&local, "", &Ignore::of(&local, &file)?)?;
        let context = archive.done()?.input()?;
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
            let archive = packed(&from, &file, mode)?;
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
            let bytes = unpack(archive.reader(), &expand_tilde(&to));
            Ok(bytes.map_err(|e| e.server(&handle.link.id))?)
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

/// A local path packed under that name, or `{ content = … }`.
fn packed(from: &Value, name: &str, mode: Option<u32>) -> Result<Input> {
    match from {
        Value::String(path) => {
            let path = path.to_string_lossy();
            let local = expand_tilde(&path);
            if !local.exists() {
                let message = format!("no such local file: `{path}`");
                return Err(Error::new(Kind::Transfer, message));
            }
            let mut archive = Archive::new(Spool::new()?);
            match mode {
                Some(_) if local.is_file() => archive.local(&local, name, mode)?,
                _ => archive.tree(&local, name, &Ignore::default())?,
            }
            archive.done()?.input()
        }
        from => {
            let given = Options::new("cp_to", from.clone(), &["content"])?;
            let content = bytes_of(&given.value("content")).ok_or_else(|| {
                Error::usage("`cp_to`: `from` must be a local path, or `{ content = … }`")
            })?;
            // In memory, where it is already: it may be a secret.
            let mut archive = Archive::new(Vec::new());
            archive.file(name, mode.unwrap_or(0o644), &content)?;
            Ok(archive.done()?.into())
        }
    }
}
