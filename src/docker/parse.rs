//! Docker's answers as plain records. Pure.
//!
//! `docker inspect` is what is read wherever it can be: its fields are an interface, and have been
//! the same since 1.13. A field that is missing, or of another kind, is left out of the record;
//! only an answer that is no JSON at all is an error. Times are seconds since 1970, sizes bytes.

mod container;

pub use container::{compose_ps, containers, stats};

use serde_json::{Map, Value, json};

use super::engine::garbled;
use crate::error::Result;

/// A record that is put together; what is not known is not in it.
#[derive(Default)]
struct Record(Map<String, Value>);

impl Record {
    fn set(&mut self, key: &str, value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        if !value.is_null() {
            self.0.insert(key.to_owned(), value);
        }
        self
    }

    fn done(&mut self) -> Value {
        Value::Object(std::mem::take(&mut self.0))
    }
}

/// A text that is not empty.
fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

fn number(value: &Value, path: &str) -> Option<i64> {
    value.pointer(path).and_then(Value::as_i64)
}

fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value
        .pointer(path)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn table<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value
        .pointer(path)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

/// Seconds since 1970 of what docker writes as `2026-11-23T16:24:30.369231571Z`. The year 1 stands
/// for never.
fn seconds(value: &Value, path: &str) -> Option<i64> {
    let moment: jiff::Timestamp = text(value, path)?.parse().ok()?;
    Some(moment.as_second()).filter(|second| *second > 0)
}

/// Texts of a table, such as labels.
fn texts(value: &Value, path: &str) -> Value {
    let own = table(value, path).filter(|(_, v)| v.is_string());
    Value::Object(own.map(|(k, v)| (k.clone(), v.clone())).collect())
}

fn json(what: &str, bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|e| garbled(what).source(e))
}

fn all(what: &str, bytes: &[u8]) -> Result<Vec<Value>> {
    match json(what, bytes)? {
        Value::Array(list) => Ok(list),
        Value::Null => Ok(Vec::new()),
        _ => Err(garbled(what)),
    }
}

/// What `docker image inspect` says.
///
/// # Errors
/// [`crate::error::Kind::Docker`] for what is no such answer.
pub fn images(stdout: &[u8]) -> Result<Vec<Value>> {
    Ok(all("images", stdout)?.iter().map(image).collect())
}

/// One image as `docker image inspect` tells of it.
pub fn image(one: &Value) -> Value {
    let digests: Vec<&str> = list(one, "/RepoDigests")
        .filter_map(Value::as_str)
        .collect();
    let tags: Vec<&str> = list(one, "/RepoTags").filter_map(Value::as_str).collect();
    let mut record = Record::default();
    record
        .set("id", text(one, "/Id"))
        .set("tags", tags)
        .set("digests", digests)
        .set("created", seconds(one, "/Created"))
        .set("size", number(one, "/Size"))
        .set("os", text(one, "/Os"))
        .set("arch", text(one, "/Architecture"))
        .set("labels", texts(one, "/Config/Labels"));
    record.done()
}

/// What [`super::image::pull`] prints.
///
/// # Errors
/// [`crate::error::Kind::Docker`] for what is no such answer.
pub fn pulled(stdout: &[u8]) -> Result<Value> {
    const WHAT: &str = "an image";
    let text = String::from_utf8_lossy(stdout);
    let (before, rest) = text.split_once('\n').ok_or_else(|| garbled(WHAT))?;
    let all = all(WHAT, rest.as_bytes())?;
    let one = image(all.first().ok_or_else(|| garbled(WHAT))?);
    let digest = one.pointer("/digests/0").and_then(Value::as_str);
    let digest = digest
        .and_then(|d| d.split_once('@'))
        .map(|(_, digest)| digest);
    let id = one["id"].as_str().unwrap_or_default();
    let mut record = Record::default();
    record
        .set("id", id)
        .set("digest", digest)
        .set("is_new", before.trim() != id);
    Ok(record.done())
}

/// What `docker network inspect` says.
///
/// # Errors
/// [`crate::error::Kind::Docker`] for what is no such answer.
pub fn networks(stdout: &[u8]) -> Result<Vec<Value>> {
    let network = |one: &Value| {
        let subnets: Vec<&str> = list(one, "/IPAM/Config")
            .filter_map(|c| text(c, "/Subnet"))
            .collect();
        let mut record = Record::default();
        record
            .set("id", text(one, "/Id"))
            .set("name", text(one, "/Name"))
            .set("driver", text(one, "/Driver"))
            .set("scope", text(one, "/Scope"))
            .set("subnets", subnets)
            .set(
                "is_internal",
                one.pointer("/Internal").and_then(Value::as_bool),
            )
            .set("created", seconds(one, "/Created"))
            .set("labels", texts(one, "/Labels"));
        record.done()
    };
    Ok(all("networks", stdout)?.iter().map(network).collect())
}

/// What `docker volume inspect` says.
///
/// # Errors
/// [`crate::error::Kind::Docker`] for what is no such answer.
pub fn volumes(stdout: &[u8]) -> Result<Vec<Value>> {
    let volume = |one: &Value| {
        let mut record = Record::default();
        record
            .set("name", text(one, "/Name"))
            .set("driver", text(one, "/Driver"))
            .set("scope", text(one, "/Scope"))
            .set("path", text(one, "/Mountpoint"))
            .set("created", seconds(one, "/CreatedAt"))
            .set("labels", texts(one, "/Labels"));
        record.done()
    };
    Ok(all("volumes", stdout)?.iter().map(volume).collect())
}

/// What [`super::resource::version`] prints.
///
/// # Errors
/// [`crate::error::Kind::Docker`] for what is no such answer.
pub fn version(stdout: &[u8]) -> Result<Value> {
    let text_of = String::from_utf8_lossy(stdout);
    let mut lines = text_of.lines().map(str::trim).filter(|l| !l.is_empty());
    let version = json("its version", lines.next().unwrap_or_default().as_bytes())?;
    let options = json("its daemon", lines.next().unwrap_or_default().as_bytes())?;
    let rootless = |one: &Value| {
        one.as_str()
            .is_some_and(|one| one.contains("name=rootless"))
    };
    let compose = lines.next().map(|line| line.trim_start_matches('v'));
    let compose = compose.filter(|c| c.starts_with(|c: char| c.is_ascii_digit()));
    let mut record = Record::default();
    record
        .set("client", text(&version, "/Client/Version"))
        .set("server", text(&version, "/Server/Version"))
        .set("api", text(&version, "/Server/ApiVersion"))
        .set("min_api", text(&version, "/Server/MinAPIVersion"))
        .set("os", text(&version, "/Server/Os"))
        .set("arch", text(&version, "/Server/Arch"))
        .set("is_rootless", list(&options, "").any(rootless))
        .set("compose", compose);
    Ok(record.done())
}

/// A line of JSON each, as `--format '{{json .}}'` prints them; a line that is none is left out.
pub fn lines(stdout: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(stdout);
    let parsed = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    parsed.filter(Value::is_object).collect()
}

/// Bytes of `324KiB`, `1.04kB` or `0B`: docker writes sizes with both kinds of units.
pub fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text[..end].parse().ok()?;
    let (power, base) = match text[end..].trim() {
        "B" => (0, 1000.0_f64),
        "kB" | "KB" => (1, 1000.0),
        "MB" => (2, 1000.0),
        "GB" => (3, 1000.0),
        "TB" => (4, 1000.0),
        "PB" => (5, 1000.0),
        "KiB" => (1, 1024.0),
        "MiB" => (2, 1024.0),
        "GiB" => (3, 1024.0),
        "TiB" => (4, 1024.0),
        "PiB" => (5, 1024.0),
        _ => return None,
    };
    let bytes = number * base.powi(power);
    (bytes <= 9e18).then_some(bytes as u64)
}

/// What the `prune` commands say they have given back, bytes in all.
pub fn reclaimed(stdout: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(stdout);
    let sizes = text.lines().filter_map(|line| {
        let (label, size_of) = line.split_once(':')?;
        let is_total = matches!(label.trim(), "Total reclaimed space" | "Total");
        size(size_of).filter(|_| is_total)
    });
    sizes.fold(0, u64::saturating_add)
}

/// A whole answer that is JSON, handed on as it is.
///
/// # Errors
/// [`crate::error::Kind::Docker`] for what is no JSON.
pub fn whole(what: &str, stdout: &[u8]) -> Result<Value> {
    json(what, stdout)
}

/// The first of what `docker inspect` prints, handed on as it is.
///
/// # Errors
/// [`crate::error::Kind::Docker`] for what is no such answer.
pub fn first(stdout: &[u8]) -> Result<Value> {
    let mut all = all("it", stdout)?;
    match all.is_empty() {
        true => Ok(json!(null)),
        false => Ok(all.swap_remove(0)),
    }
}

#[cfg(test)]
mod tests;
