//! The hosts of an ssh configuration: each `Host` that names one machine is a server, with the
//! values that ssh would use for it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::input::{Input, hosts, line};
use super::{ImportOptions, Source};
use crate::config::expand_tilde;
use crate::error::Error;
use crate::inventory::check;
use crate::inventory::record::Record;
use crate::sshconfig::{At, Local, SshConfig};

/// The machine's own configuration stands here, with what it includes.
const SYSTEM_FOLDER: &str = "/etc/ssh";

/// Do these lines look like an ssh configuration: keywords with arguments, and blocks?
pub(super) fn is_config<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    let mut has_block = false;
    for line in lines {
        let end = line.find([' ', '\t', '=']).unwrap_or(line.len());
        let (keyword, rest) = line.split_at(end);
        let keyword = keyword.trim_matches('"');
        let is_keyword = !keyword.is_empty() && keyword.bytes().all(|b| b.is_ascii_alphanumeric());
        if !is_keyword || rest.trim_matches([' ', '\t', '=']).is_empty() {
            return false;
        }
        has_block |= ["host", "match", "include"].contains(&keyword.to_lowercase().as_str());
    }
    has_block
}

/// Reads a configuration.
pub(super) fn read(source: &Source<'_>, options: &ImportOptions) -> Input {
    let local = options.local.clone().unwrap_or_else(|| Local {
        user: String::new(),
        home: expand_tilde("~"),
    });
    let is_system = source.path.is_some_and(|p| p.starts_with(SYSTEM_FOLDER));
    let folder = match is_system {
        true => PathBuf::from(SYSTEM_FOLDER),
        false => local.home.join(".ssh"),
    };
    let config = SshConfig::load(source.name, source.bytes, &folder, &local);
    let mut input = Input::new(source);
    let mut commands = 0;
    for (at, name) in config.names() {
        let values = config.evaluate(name, &local);
        commands += usize::from(values.proxy_command.is_some());
        let mut record = Record {
            id: name.to_owned(),
            host: Some(match values.host_name.clone() {
                Some((_, host)) => host,
                None => name.to_lowercase(),
            }),
            user: values.user.clone().map(|(_, user)| user),
            new_user: Some(local.user.clone()).filter(|u| !u.is_empty()),
            ..Record::default()
        };
        match values
            .port
            .as_ref()
            .map(|(at, port)| (*at, check::port(port)))
        {
            Some((_, Ok(port))) => record.port = Some(port),
            Some((at, Err(e))) => refuse(&mut input, at, e),
            None => {}
        }
        let key = values
            .identity_files
            .iter()
            .find(|(_, file)| file != "none");
        match key.map(|(at, file)| (*at, SshConfig::path(file, name, &values, &local))) {
            Some((_, Ok(path))) => {
                record.set("local_cert_path", Value::String(absolute(&path)));
            }
            Some((at, Err(token))) => {
                let note = format!("`{name}` gets no key: `{token}` is not known here");
                input.notes.push((at, note));
            }
            None => {}
        }
        if let Some((_, jump)) = values.proxy_jump.filter(|(_, jump)| jump != "none") {
            record.set("jump", Value::String(jump));
        }
        input.records.push((at, record));
    }
    for (at, e) in config.errors {
        refuse(&mut input, at, e);
    }
    input.notes.extend(config.notes);
    if commands > 0 {
        let of = hosts(commands);
        let note = format!("`ProxyCommand` of {of} is left out: nothing runs it here");
        input.notes.push((line(0), note));
    }
    input.files = config.files;
    input
}

/// One error for a line, however many hosts it is about.
fn refuse(input: &mut Input, at: At, e: Error) {
    if !input.errors.iter().any(|(old, _)| *old == at) {
        input.errors.push((at, e));
    }
}

/// ssh takes a path as it stands; the inventory is used from every folder.
fn absolute(path: &str) -> String {
    match path.starts_with('~') {
        true => path.to_owned(),
        false => std::path::absolute(Path::new(path))
            .map_or_else(|_| path.to_owned(), |p| p.display().to_string()),
    }
}
