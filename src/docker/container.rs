//! Calls about containers. Pure.

use super::given::Shape::{Apart, Duration, Pairs, Seconds, Switch, Text, Texts};
use super::given::{self, Arg, Given, Opt, flags};
use super::{Call, name, names};
use crate::error::{Error, Result};
use crate::quote;
use crate::ssh::Effect;

/// Options of `run` and `create`.
pub const RUN: &[Opt] = &[
    Opt("image", Apart, ""),
    Opt("name", Text, "--name"),
    Opt("command", Apart, ""),
    Opt("ports", Texts, "--publish"),
    Opt("volumes", Texts, "--volume"),
    Opt("env", Apart, ""),
    Opt("env_file", Texts, "--env-file"),
    Opt("labels", Pairs('='), "--label"),
    Opt("network", Text, "--network"),
    Opt("aliases", Texts, "--network-alias"),
    Opt("restart", Text, "--restart"),
    Opt("user", Text, "--user"),
    Opt("workdir", Text, "--workdir"),
    Opt("entrypoint", Apart, ""),
    Opt("memory", Text, "--memory"),
    Opt("cpus", Text, "--cpus"),
    Opt("hostname", Text, "--hostname"),
    Opt("add_hosts", Pairs(':'), "--add-host"),
    Opt("cap_add", Texts, "--cap-add"),
    Opt("cap_drop", Texts, "--cap-drop"),
    Opt("privileged", Switch, "--privileged"),
    Opt("read_only", Switch, "--read-only"),
    Opt("devices", Texts, "--device"),
    Opt("tmpfs", Texts, "--tmpfs"),
    Opt("ulimits", Pairs('='), "--ulimit"),
    Opt("sysctls", Pairs('='), "--sysctl"),
    Opt("health", Apart, ""),
    Opt("log", Apart, ""),
    Opt("detach", Apart, ""),
    Opt("rm", Switch, "--rm"),
    Opt("pull", Apart, ""),
    Opt("stop_timeout", Seconds, "--stop-timeout"),
    Opt("init", Switch, "--init"),
    Opt("platform", Text, "--platform"),
    Opt("on_conflict", Apart, ""),
    Opt("extra", Apart, ""),
    Opt("timeout", Apart, ""),
];

const HEALTH: &[Opt] = &[
    Opt("command", Apart, ""),
    Opt("interval", Duration, "--health-interval"),
    Opt("timeout", Duration, "--health-timeout"),
    Opt("retries", Text, "--health-retries"),
    Opt("start_period", Duration, "--health-start-period"),
];

const LOG: &[Opt] = &[
    Opt("driver", Text, "--log-driver"),
    Opt("options", Pairs('='), "--log-opt"),
];

/// What to do when there is a container of that name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// It is an error.
    Fail,
    /// The old one is removed.
    Replace,
    /// The old one stays, and is what the call gives.
    Keep,
}

/// A container to be.
pub struct Wanted {
    /// The call that makes it.
    pub call: Call,
    /// Its name, when it has one.
    pub name: Option<String>,
    /// What a container of that name is to it.
    pub conflict: Conflict,
    /// It stays when the call has ended.
    pub is_detached: bool,
}

/// `docker run` or `docker create`.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what docker would not understand as it was meant.
pub fn run(verb: &'static str, given: &Given) -> Result<Wanted> {
    let is_create = verb == "create";
    let mut words = vec![verb.to_owned()];
    let detach = match given.get("detach") {
        _ if is_create => true,
        None => true,
        Some(Arg::Flag(detach)) => *detach,
        Some(_) => {
            return Err(Error::usage(format!(
                "`{verb}`: `detach` must be true or false"
            )));
        }
    };
    if detach && !is_create {
        words.push("--detach".to_owned());
    }
    let name = given::text_of(verb, "name", given)?;
    if let Some(wanted) = &name {
        super::name(verb, "a container", wanted)?;
    }
    words.extend(flags(verb, RUN, given)?);
    words.extend(
        choice(verb, "pull", given, &["missing", "always", "never"])?
            .map(|p| format!("--pull={p}")),
    );
    if let Some(health) = given::table_of(verb, "health", given)? {
        given::known(verb, "health", HEALTH, health)?;
        words.extend(health_words(verb, health)?);
    }
    if let Some(log) = given::table_of(verb, "log", given)? {
        given::known(verb, "log", LOG, log)?;
        words.extend(flags(verb, LOG, log)?);
    }
    let (variables, lines) = given::variables(verb, given)?;
    words.extend(variables);
    if !lines.is_empty() {
        words.push("--env-file=/dev/stdin".to_owned());
    }
    let mut command = command(verb, "command", given)?;
    let mut entry = given::texts_of(verb, "entrypoint", given)?;
    if let Some(first) = (!entry.is_empty()).then(|| entry.remove(0)) {
        words.push(format!("--entrypoint={first}"));
        command.splice(0..0, entry);
    }
    words.extend(given::texts_of(verb, "extra", given)?);
    let image = given::text_of(verb, "image", given)?.unwrap_or_default();
    words.push(super::name(verb, "an image", &image)?.to_owned());
    words.extend(command);
    let conflict =
        match choice(verb, "on_conflict", given, &["fail", "replace", "keep"])?.as_deref() {
            Some("replace") => Conflict::Replace,
            Some("keep") => Conflict::Keep,
            _ => Conflict::Fail,
        };
    if conflict != Conflict::Fail && name.is_none() {
        return Err(Error::usage(format!(
            "`{verb}`: `on_conflict` needs a `name`"
        )));
    }
    Ok(Wanted {
        call: Call::write(words).stdin(lines),
        name,
        conflict,
        is_detached: detach,
    })
}

/// One of a few words.
fn choice(call: &str, key: &str, given: &Given, words: &[&str]) -> Result<Option<String>> {
    let word = given::text_of(call, key, given)?;
    match word {
        Some(word) if !words.contains(&&word[..]) => Err(Error::usage(format!(
            "`{call}`: `{key}` must be one of {}",
            words.join(", ")
        ))),
        word => Ok(word),
    }
}

/// A text is for the container's `sh`, a list is the words themselves.
fn command(call: &str, key: &str, given: &Given) -> Result<Vec<String>> {
    Ok(match given.get(key) {
        Some(Arg::Text(text)) => vec!["sh".to_owned(), "-c".to_owned(), text.clone()],
        Some(arg) => given::texts(call, key, arg)?,
        None => Vec::new(),
    })
}

/// A command for docker's own `sh -c` in the container.
fn health_words(call: &str, health: &Given) -> Result<Vec<String>> {
    let mut words = Vec::new();
    match health.get("command") {
        // No check, though the image has one.
        Some(Arg::Flag(false)) => return Ok(vec!["--no-healthcheck".to_owned()]),
        Some(Arg::List(list)) => {
            let list: Result<Vec<String>> = list
                .iter()
                .map(|one| given::text(call, "health", one))
                .collect();
            words.push(format!("--health-cmd={}", quote::words(&list?)?));
        }
        Some(one) => words.push(format!(
            "--health-cmd={}",
            given::text(call, "health", one)?
        )),
        None => {}
    }
    words.extend(flags(call, HEALTH, health)?);
    Ok(words)
}

/// Options of `ps`.
pub const PS: &[Opt] = &[
    Opt("all", Switch, "--all"),
    Opt("filter", Pairs('='), "--filter"),
];

/// Containers: a line with id and status for each, then what `docker inspect` says of them.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for wrong options.
pub fn ps(given: &Given) -> Result<Call> {
    let words = given::piece("ps", PS, given)?;
    let text = format!(
        "rows=$(d ps --no-trunc --format '{{{{.ID}}}} {{{{.Status}}}}'{words}) || exit\n\
         printf '%s\\n\\n' \"$rows\"\n\
         [ -n \"$rows\" ] || exit 0\n\
         d container inspect $(printf '%s\\n' \"$rows\" | cut -d' ' -f1)"
    );
    Ok(Call::script(
        Effect::Read,
        format!("docker ps{words}"),
        text,
    ))
}

/// One container as [`ps`] tells of it, whether it runs or not.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is no name.
pub fn one(container: &str) -> Result<Call> {
    let container = name("inspect", "a container", container)?;
    let text = format!("echo; d container inspect -- {}", quote::word(container)?);
    let shown = format!("docker container inspect {}", quote::word(container)?);
    Ok(Call::script(Effect::Read, shown, text))
}

/// Options of `stop` and `restart`.
pub const STOP: &[Opt] = &[Opt("timeout", Seconds, "--time")];
/// Options of `kill`.
pub const KILL: &[Opt] = &[Opt("signal", Text, "--signal")];
/// Options of `rm`.
pub const RM: &[Opt] = &[
    Opt("force", Switch, "--force"),
    Opt("volumes", Switch, "--volumes"),
];

/// A verb for containers of these names: `start stop restart kill rm pause unpause`.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is no name, and for wrong options.
pub fn act(verb: &str, table: &[Opt], given: &Given, containers: &[String]) -> Result<Call> {
    let mut words = given::verb(&[verb], verb, table, given)?;
    words.extend(names(verb, "a container", containers)?);
    Ok(Call::write(words))
}

/// `docker rename`.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is no name.
pub fn rename(from: &str, to: &str) -> Result<Call> {
    let from = name("rename", "a container", from)?;
    Ok(Call::write([
        "rename",
        from,
        name("rename", "a container", to)?,
    ]))
}

/// Options of `logs`.
pub const LOGS: &[Opt] = &[
    Opt("tail", Text, "--tail"),
    Opt("since", Text, "--since"),
    Opt("until_", Text, "--until"),
    Opt("timestamps", Switch, "--timestamps"),
    Opt("follow", Switch, "--follow"),
    Opt("on_line", Apart, ""),
    Opt("timeout", Apart, ""),
];

/// `docker logs`.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is no name, and for wrong options.
pub fn logs(container: &str, given: &Given) -> Result<Call> {
    let mut words = given::verb(&["logs"], "logs", LOGS, given)?;
    words.push(name("logs", "a container", container)?.to_owned());
    Ok(Call::read(words))
}

/// Options of `exec`.
pub const EXEC: &[Opt] = &[
    Opt("user", Text, "--user"),
    Opt("workdir", Text, "--workdir"),
    Opt("env", Apart, ""),
    Opt("stdin", Apart, ""),
    Opt("check", Apart, ""),
    Opt("timeout", Apart, ""),
];

/// `docker exec`. The command is for the container's `sh`, or a list of words.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is no name, for an empty command, and for secret
/// variables beside standard input: there is one way in.
pub fn exec(container: &str, what: Arg, stdin: Option<Vec<u8>>, given: &Given) -> Result<Call> {
    let mut words = given::verb(&["exec"], "exec", EXEC, given)?;
    let (variables, lines) = given::variables("exec", given)?;
    words.extend(variables);
    let stdin = match (stdin, lines.is_empty()) {
        (Some(_), false) => {
            let message = "`exec`: `stdin` and a secret in `env` have one way in";
            return Err(Error::usage(message).hint("give the secret as `stdin`"));
        }
        (Some(bytes), true) => {
            words.push("--interactive".to_owned());
            bytes
        }
        (None, is_empty) => {
            if !is_empty {
                words.push("--env-file=/dev/stdin".to_owned());
            }
            lines
        }
    };
    words.push(name("exec", "a container", container)?.to_owned());
    let given = Given::from([("command".to_owned(), what)]);
    let command = command("exec", "command", &given)?;
    if command.is_empty() {
        return Err(Error::usage("`exec`: an empty list is no command"));
    }
    words.extend(command);
    Ok(Call::write(words).stdin(stdin))
}

/// `docker stats`, once.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for what is no name.
pub fn stats(containers: &[String]) -> Result<Call> {
    let mut words: Vec<String> = ["stats", "--no-stream", "--no-trunc", "--format={{json .}}"]
        .map(str::to_owned)
        .into();
    if !containers.is_empty() {
        words.extend(names("stats", "a container", containers)?);
    }
    Ok(Call::read(words))
}

#[cfg(test)]
mod tests;
