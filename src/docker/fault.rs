//! What went wrong, told from docker's own words. Pure.
//!
//! Docker's command has a few exit codes and many sentences; what they have in common over the
//! releases 20 to 29 is a part of each sentence, which is what is looked for here.

use serde_json::Value;

use crate::error::{Error, Kind};
use crate::output::Output;

/// Why docker refused: the word that scripts see as `err.reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There is no docker, or not the plugin that is needed.
    Absent,
    /// The daemon does not answer.
    DaemonDown,
    /// The login may not use the daemon.
    Permission,
    /// Client and daemon speak no common version.
    ApiVersion,
    /// There is no such container, image, network, volume or file.
    NotFound,
    /// A name is taken, or something is in use or in the wrong state.
    Conflict,
    /// The registry wants a login, or another one.
    Unauthorized,
    /// The registry has had enough for now.
    RateLimit,
    /// The registry is not reached.
    Registry,
    /// A container's health check fails.
    Unhealthy,
    /// The disk is full.
    NoSpace,
    /// The image is for another kind of machine.
    Platform,
    /// A port of the server is taken.
    PortTaken,
    /// Docker does not understand what it was given.
    Invalid,
}

use Reason::{
    Absent, ApiVersion, Conflict, DaemonDown, Invalid, NoSpace, NotFound, Permission, Platform,
    PortTaken, RateLimit, Registry, Unauthorized, Unhealthy,
};

impl Reason {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Absent => "absent",
            DaemonDown => "daemon_down",
            Permission => "permission",
            ApiVersion => "api_version",
            NotFound => "not_found",
            Conflict => "conflict",
            Unauthorized => "unauthorized",
            RateLimit => "rate_limit",
            Registry => "registry",
            Unhealthy => "unhealthy",
            NoSpace => "no_space",
            Platform => "platform",
            PortTaken => "port_taken",
            Invalid => "invalid",
        }
    }

    /// What a person can do about it.
    fn hint(self) -> Option<&'static str> {
        Some(match self {
            Absent => "`mroom stage docker ID` installs it",
            DaemonDown => {
                "`mroom exec -b ID -- systemctl start docker`, then `systemctl status docker`"
            }
            Permission => {
                "with `-b` (in Lua `s:docker { sudo = true }`) it is done as root; the group `docker` is what the \
                 stage `docker` gives a login"
            }
            ApiVersion => {
                "`mroom exec ID -- docker version` shows what the client speaks: update the older of client and daemon, \
                 and take `DOCKER_API_VERSION` out of the login's environment"
            }
            Unauthorized => {
                "does it exist? `docker login` on the server, in Lua `d:login`, lets it in"
            }
            RateLimit => "wait, log in (in Lua `d:login`), or pull from a mirror of your own",
            Registry => "is its name right, and does the server reach it?",
            NoSpace => "`mroom docker ID prune` removes what nothing uses",
            Platform => "build or pull the image for this machine: `platform` names another",
            PortTaken => {
                "`mroom docker ID ps` shows whose it is; `mroom exec ID -- ss -ltnp` the rest"
            }
            Unhealthy => "`mroom docker ID logs NAME` shows what it said",
            NotFound | Conflict | Invalid => return None,
        })
    }
}

/// Parts of sentences, in lower case, the more telling first.
#[rustfmt::skip]
const SENTENCES: &[(&str, Reason)] = &[
    // The client, before it reaches a daemon.
    ("permission denied while trying to connect", Permission),
    ("got permission denied", Permission),
    (".sock: connect: permission denied", Permission),
    ("cannot connect to the docker daemon", DaemonDown),
    ("failed to connect to the docker api", DaemonDown),
    ("error during connect", DaemonDown),
    ("is the docker daemon running", DaemonDown),
    ("'compose' is not a docker command", Absent),
    ("unknown command: docker compose", Absent),
    ("client version", ApiVersion),
    ("requires api version", ApiVersion),
    // Space first: it is the end of many a sentence.
    ("no space left on device", NoSpace),
    ("not enough space", NoSpace),
    ("disk quota exceeded", NoSpace),
    // The registry.
    ("toomanyrequests", RateLimit),
    ("too many requests", RateLimit),
    ("rate limit", RateLimit),
    ("unauthorized", Unauthorized),
    ("no basic auth credentials", Unauthorized),
    ("access denied", Unauthorized),
    ("access to the resource is denied", Unauthorized),
    ("incorrect username or password", Unauthorized),
    ("insufficient_scope", Unauthorized),
    ("login attempt to", Unauthorized),
    ("non tty device", Unauthorized),
    ("no matching manifest", Platform),
    ("exec format error", Platform),
    ("does not match the specified platform", Platform),
    ("does not provide the specified platform", Platform),
    ("manifest unknown", NotFound),
    ("x509:", Registry),
    ("no such host", Registry),
    ("gave http response to https client", Registry),
    ("network is unreachable", Registry),
    ("connection refused", Registry),
    ("i/o timeout", Registry),
    ("tls handshake", Registry),
    // Ports: the proxy of older releases, the kernel, the firewall.
    ("port is already allocated", PortTaken),
    ("address already in use", PortTaken),
    ("ports are not available", PortTaken),
    // Health, as compose tells it.
    ("is unhealthy", Unhealthy),
    ("not healthy after", Unhealthy),
    ("unhealthy", Unhealthy),
    ("exited (", Unhealthy),
    // Names and states.
    ("is already in use", Conflict),
    ("already exists", Conflict),
    ("conflict", Conflict),
    ("is in use", Conflict),
    ("has active endpoints", Conflict),
    ("is not running", Conflict),
    ("container is running", Conflict),
    ("running container", Conflict),
    ("is paused", Conflict),
    ("being used by", Conflict),
    ("cannot be removed", Conflict),
    ("is restarting", Conflict),
    // What was given.
    ("invalid reference format", Invalid),
    ("invalid container name", Invalid),
    ("no configuration file provided", Invalid),
    ("additional propert", Invalid),
    ("validating ", Invalid),
    ("yaml:", Invalid),
    ("unknown flag", Invalid),
    ("unknown shorthand flag", Invalid),
    ("is not a docker command", Invalid),
    ("requires at least", Invalid),
    ("no command specified", Invalid),
    ("requires exactly", Invalid),
    ("could not be parsed", Invalid),
    ("invalid ", Invalid),
    // Last: many sentences say in passing what was not found.
    ("executable file not found", NotFound),
    ("no such ", NotFound),
    ("not found", NotFound),
    ("does not exist", NotFound),
    ("unable to find", NotFound),
    ("could not find", NotFound),
    ("must be a directory", NotFound),
];

/// Longest part of docker's sentence that a message repeats, characters.
const SHOWN: usize = 400;

/// Why a call of docker's failed; `None` when its words are not known.
pub fn reason(output: &Output) -> Option<Reason> {
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    if is_absent(output.code, &said) {
        return Some(Absent);
    }
    // Docker's own sentence is the last, unless that only says where help is.
    let lines: Vec<&str> = said.lines().rev().filter(|l| is_telling(l)).collect();
    let known = |text: &str| {
        let found = SENTENCES.iter().find(|(part, _)| text.contains(part));
        found.map(|(_, reason)| *reason)
    };
    lines.iter().find_map(|line| known(line))
}

/// The same of a sentence of docker's that came in another way.
pub fn reason_in(text: &str) -> Option<Reason> {
    reason(&Output {
        stderr: text.into(),
        ..Output::default()
    })
}

/// No such command, as the shells say it.
fn is_absent(code: Option<i32>, said: &str) -> bool {
    let shell = |line: &str| {
        line.contains("docker")
            && !line.contains("error response")
            && (line.contains("not found") || line.contains("unknown command"))
    };
    code == Some(127) && said.lines().any(shell) && !said.contains("oci runtime")
}

/// Does a line say something, and not only where help is?
fn is_telling(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty()
        && !line.starts_with("see 'docker")
        && !line.starts_with("run 'docker")
        && !line.starts_with("usage:")
        && !line.starts_with("error: failed to")
}

/// Is it docker that failed, and not what it ran in a container? `docker run` has codes of its own,
/// `docker exec` says whose answer it is.
pub fn is_own(output: &Output) -> bool {
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|l| is_telling(&l.to_lowercase()));
    let last = last.unwrap_or_default();
    let begins = [
        "docker: ",
        "Error response from daemon",
        "Error: No such",
        "OCI runtime exec failed",
        "permission denied while trying to connect",
        "Cannot connect to the Docker daemon",
        "Got permission denied",
        "unable to upgrade to tcp",
    ];
    output.code == Some(125)
        || begins.iter().any(|begin| last.starts_with(begin))
        || is_absent(output.code, &said.to_lowercase())
}

/// The error of a call that ended badly.
pub fn error(shown: &str, output: Output) -> Error {
    let reason = reason(&output);
    let message = match reason {
        Some(Absent) if said(&output).contains("ompose") => {
            "the compose plugin of docker is not installed".to_owned()
        }
        Some(Absent) => "docker is not installed".to_owned(),
        Some(DaemonDown) => "the docker daemon does not answer".to_owned(),
        Some(Permission) => "this login may not use docker".to_owned(),
        _ => match (said(&output), output.code) {
            (text, Some(code)) if text.is_empty() => format!("docker ended with {code}"),
            (text, _) if text.is_empty() => "docker was killed".to_owned(),
            (text, _) => text,
        },
    };
    let mut error = Error::new(Kind::Docker, message)
        .command(shown)
        .output(output);
    if let Some(reason) = reason {
        error = error.reason(reason.as_str());
        if let Some(hint) = reason.hint() {
            error = error.hint(hint);
        }
    }
    error
}

/// Docker's sentence: its last line that says something, without what docker puts before it.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().rev().find(|l| is_telling(&l.to_lowercase()));
    let mut line = line.unwrap_or_default().trim();
    for before in [
        "docker: ",
        "Error response from daemon: ",
        "Error: ",
        "ERROR: ",
    ] {
        line = line.strip_prefix(before).unwrap_or(line);
    }
    let line = line.trim_end_matches('.');
    // An older client than the daemon knows shows the answer as it came.
    let answer: Option<Value> = serde_json::from_str(line).ok();
    let told = answer.as_ref().and_then(|a| a.get("message")?.as_str());
    let line = told.unwrap_or(line);
    let mut chars = line.chars().filter(|c| !c.is_control()).take(SHOWN);
    let first = chars.next();
    let rest: String = chars.collect();
    // A name stays as it is: `OCI`, `Get "https://…"` do not.
    let is_word = rest.starts_with(|c: char| c.is_lowercase() || c == ' ');
    match first {
        Some(c) if is_word => c.to_lowercase().chain(rest.chars()).collect(),
        Some(c) => format!("{c}{rest}"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
