//! Verbs that need more than one answer.

use serde_json::{Value, json};

use super::container::{Conflict, Wanted};
use super::engine::Docker;
use super::fault::{self, Reason};
use super::resource::{KEEP, Prune};
use super::{Call, container, image, parse};
use crate::error::{Error, Kind, Result};
use crate::output::Output;
use crate::quote;
use crate::ssh::Effect;

/// How a container was made.
pub enum Made {
    /// It is there; its record.
    Container(Value),
    /// It has run to its end: what it printed, and how it ended.
    Ended(Output),
}

impl Docker {
    /// Containers by a call of [`container::ps`]. One that goes meanwhile is not among them.
    ///
    /// # Errors
    /// What docker says, and what the transport says.
    pub async fn containers(&self, call: &Call) -> Result<Vec<Value>> {
        let output = self.exec(call).await?;
        let is_gone = || {
            let said = String::from_utf8_lossy(&output.stderr);
            let mut lines = said.lines().filter(|l| !l.trim().is_empty()).peekable();
            lines.peek().is_some() && lines.all(|l| l.contains("No such container"))
        };
        match output.is_success() || (call.shown().starts_with("docker ps") && is_gone()) {
            true => parse::containers(&output.stdout),
            false => Err(fault::error(&call.shown(), output)),
        }
    }

    /// One container; `None` when there is none of that name.
    ///
    /// # Errors
    /// As [`Docker::containers`].
    pub async fn container(&self, name: &str) -> Result<Option<Value>> {
        match self.containers(&container::one(name)?).await {
            Ok(list) => Ok(list.into_iter().next()),
            Err(e) if e.reason_word() == Some(Reason::NotFound.as_str()) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Makes a container, and does what was wished when its name is taken. One that could not be
    /// started is removed again: its name is free for the next try.
    ///
    /// # Errors
    /// What docker says, and what the transport says.
    pub async fn make(&self, wanted: &Wanted) -> Result<Made> {
        let mut output = self.exec(&wanted.call).await?;
        let is_taken = |output: &Output| {
            !output.is_success()
                && fault::reason(output) == Some(Reason::Conflict)
                && String::from_utf8_lossy(&output.stderr)
                    .contains("is already in use by container")
        };
        if let Some(name) = wanted.name.as_ref().filter(|_| is_taken(&output)) {
            match wanted.conflict {
                Conflict::Fail => {
                    let error = fault::error(&wanted.call.shown(), output);
                    return Err(error.hint("`on_conflict` takes \"replace\" and \"keep\""));
                }
                Conflict::Keep => {
                    let kept = self.container(name).await?;
                    return kept.map(Made::Container).ok_or_else(|| gone(name));
                }
                Conflict::Replace => {
                    self.ask(&Call::write(["rm", "--force", name])).await?;
                    output = self.exec(&wanted.call).await?;
                }
            }
        }
        let id = output.stdout_trimmed();
        let id = id.lines().last().unwrap_or_default().trim();
        if !wanted.is_detached {
            return match output.is_success() || !fault::is_own(&output) {
                true => Ok(Made::Ended(output)),
                false => Err(fault::error(&wanted.call.shown(), output)),
            };
        }
        let is_id = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
        if !output.is_success() {
            if is_id {
                // Without force: one that runs after all stays. What is told is why it did not.
                let _ = self.exec(&Call::write(["rm", id])).await?;
            }
            return Err(fault::error(&wanted.call.shown(), output));
        }
        let name = wanted.name.as_deref().unwrap_or(id);
        match self.container(name).await? {
            Some(made) => Ok(Made::Container(made)),
            // With `rm` it may have ended and gone.
            None => Ok(Made::Container(
                json!({ "id": id, "name": name, "state": "removed" }),
            )),
        }
    }

    /// Removes what nothing uses; gives the bytes that came back.
    ///
    /// # Errors
    /// What docker says, and what the transport says.
    pub async fn prune(&self, wanted: &Prune) -> Result<u64> {
        let mut bytes = 0;
        if !wanted.call_text.is_empty() {
            let call = Call::script(Effect::Write, "docker prune", wanted.call_text.clone());
            bytes = parse::reclaimed(&self.ask(&call).await?.stdout);
        }
        if wanted.by_hand {
            bytes += self.prune_images(&wanted.keep).await?;
        }
        Ok(bytes)
    }

    /// Removes images that no container has, one by one, but those to keep.
    async fn prune_images(&self, keep: &[String]) -> Result<u64> {
        let none = super::given::Given::new();
        let images = parse::images(&self.ask(&image::list(&none)?).await?.stdout)?;
        let text = "d ps --all --no-trunc --quiet | while read -r id; do d container inspect \
                    --format '{{.Image}}' -- \"$id\"; done";
        let used = Call::script(Effect::Read, "docker ps", text);
        let used = self.exec(&used).await?.stdout_trimmed();
        let mut bytes = 0_u64;
        for image in images {
            let names = |key: &str| -> Vec<String> {
                let list = image[key].as_array().into_iter().flatten();
                list.filter_map(Value::as_str).map(str::to_owned).collect()
            };
            let id = image["id"].as_str().unwrap_or_default().to_owned();
            let (tags, digests) = (names("tags"), names("digests"));
            let is_kept = |name: &String| {
                let full = match name.rsplit('/').next().unwrap_or(name).contains([':', '@']) {
                    true => name.clone(),
                    false => format!("{name}:latest"),
                };
                *name == id || tags.contains(&full) || digests.contains(name)
            };
            let is_labelled = image["labels"].get(KEEP).is_some();
            let in_use = used.lines().any(|line| line == id);
            if id.is_empty() || in_use || is_labelled || keep.iter().any(is_kept) {
                continue;
            }
            let mut words = vec!["rmi".to_owned()];
            match tags.is_empty() {
                true => words.push(id),
                false => words.extend(tags),
            }
            let output = self.exec(&Call::write(words)).await?;
            // One that has children stays until they are gone.
            if output.is_success() {
                bytes += image["size"].as_u64().unwrap_or_default();
            }
        }
        Ok(bytes)
    }

    /// Compose: what is not there is said plainly, and what is too old.
    ///
    /// # Errors
    /// What docker says, and what the transport says.
    pub async fn compose(&self, call: &Call) -> Result<Output> {
        let output = self.exec(call).await?;
        if output.is_success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        // Without the plugin docker takes its flags for its own.
        let is_missing = [
            "--ansi",
            "--project-directory",
            "'compose' is not",
            "--short",
        ]
        .iter()
        .any(|part| said.contains(part))
            && [
                "unknown flag",
                "unknown shorthand flag",
                "not a docker command",
            ]
            .iter()
            .any(|part| said.contains(part));
        if !is_missing {
            return Err(fault::error(&call.shown(), output));
        }
        let old = Call::script(
            Effect::Read,
            "docker-compose version",
            "docker-compose version --short 2>/dev/null || true",
        );
        let old = self.exec(&old).await?.stdout_trimmed();
        let old = old.trim_start_matches('v');
        let message = match old.starts_with("1.") {
            true => format!(
                "only version {} of docker-compose is there, and the compose plugin is not",
                quote::word(old.lines().next().unwrap_or_default())?
            ),
            false => "the compose plugin of docker is not installed".to_owned(),
        };
        Err(Error::new(Kind::Docker, message)
            .command(call.shown())
            .output(output)
            .reason(Reason::Absent.as_str())
            .hint("`mroom stage docker ID` installs it"))
    }
}

fn gone(name: &str) -> Error {
    Error::new(
        Kind::Docker,
        format!("the container `{name}` was there a moment ago, and is gone"),
    )
}
