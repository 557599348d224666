//! Verbs that go to docker as they are typed.

use std::sync::Arc;

use super::super::App;
use super::super::exec::{check, end};
use super::docker;
use crate::docker::{Call, fault};
use crate::error::{Error, Result};
use crate::fleet::{Status, map};
use crate::inventory::Server;
use crate::output::{DEFAULT_MAX_OUTPUT, Output};
use crate::quote;
use crate::ui::{ExecReport, Mode};

/// Bytes kept of what is shown as it comes, to say why it failed.
const KEPT: usize = 64 << 10;

/// Verbs that only read.
const READ: &[&str] = &[
    "logs", "inspect", "events", "top", "port", "diff", "history", "search", "wait",
];
/// Verbs that may change the server.
const WRITE: &[&str] = &[
    "run", "create", "start", "stop", "restart", "kill", "rm", "rename", "pause", "unpause",
    "update", "exec", "cp", "commit", "pull", "push", "tag", "rmi", "build", "load", "save",
    "import", "export", "logout",
];
/// Verbs of whole families: what is done is said by the word after them.
const FAMILIES: &[&str] = &[
    "compose",
    "container",
    "image",
    "network",
    "volume",
    "system",
    "context",
    "manifest",
    "builder",
    "buildx",
];
/// Words after a family that only read.
const FAMILY_READ: &[&str] = &[
    "ls", "list", "ps", "inspect", "logs", "config", "images", "top", "port", "version", "events",
    "df", "info", "history", "stats", "diff", "show",
];
/// Flags of compose that take a value, which is no verb.
const COMPOSE_VALUES: &[&str] = &[
    "-f",
    "--file",
    "-p",
    "--project-name",
    "--profile",
    "--env-file",
    "--project-directory",
    "--ansi",
    "--progress",
    "--parallel",
];

/// Runs it; the exit code is that of the run.
pub(super) fn run(app: &App, pattern: &str, words: &[String]) -> Result<u8> {
    let call = call(words)?;
    let room = &app.room;
    let servers = room.select(pattern)?;
    let is_change = call.effect == crate::ssh::Effect::Write;
    if room.options.check && is_change {
        return check(app, &servers, &call.shown());
    }
    let mode = match app.json && follows(words) {
        true => Mode::JsonLines,
        false => Mode::choose(app.json, app.fold, servers.len()),
    };
    let ids = servers.iter().map(|s| s.id.as_str());
    let report = Arc::new(ExecReport::new(app.screen.clone(), mode).among(ids));
    let one = async |server: Server| -> Result<(Status, Output)> {
        let docker = docker(app, &server).await?;
        let mut call = call.clone();
        call.sink = report.sink(&server.id);
        call.max_output = Some(match call.sink.is_some() {
            true => report.wanted().max(KEPT),
            false => DEFAULT_MAX_OUTPUT,
        });
        let output = match &words[0][..] {
            "compose" => docker.compose(&call).await?,
            _ => docker.exec(&call).await?,
        };
        if output.is_success() {
            return Ok((Status::Ok, output));
        }
        // What a container's command ended with is its own.
        let is_inner = matches!(&words[0][..], "run" | "exec") && !fault::is_own(&output);
        Err(match is_inner {
            true => Error::exit(call.shown(), output),
            false => fault::error(&call.shown(), output),
        })
    };
    let outcomes = app.block_on(async {
        let policy = &room.options.policy;
        Ok(map(room, "docker", servers, policy, one, |o| report.done(o)).await)
    })?;
    // What cannot be written the screen remembers, and `end` tells.
    let _ = report.finish(&outcomes);
    Ok(end(app, &outcomes))
}

/// The call that the words are.
fn call(words: &[String]) -> Result<Call> {
    let verb = &words[0][..];
    let second = after(verb, &words[1..]).first().map(String::as_str);
    if verb.starts_with('-') {
        return Err(Error::usage(format!("`{verb}` is no verb of docker's"))
            .hint("`mroom docker PATTERN VERB`: flags of a verb stand behind it"));
    }
    let reads = match verb {
        _ if READ.contains(&verb) => true,
        _ if WRITE.contains(&verb) => false,
        _ if FAMILIES.contains(&verb) => second.is_some_and(|word| FAMILY_READ.contains(&word)),
        _ => return Err(unknown(verb)),
    };
    let is_command = matches!(verb, "run" | "exec" | "create")
        || matches!(second, Some("run" | "exec" | "create"));
    if is_command && let Some(word) = words[1..].iter().find(|word| asks_terminal(word)) {
        let typed = quote::words(words)?;
        return Err(Error::usage(format!(
            "`{word}` wants a terminal, and many servers have none"
        ))
        .hint(format!(
            "on one server: `mroom connect ID -- docker {typed}`"
        )));
    }
    Ok(match reads {
        true => Call::read(words),
        false => Call::write(words),
    })
}

/// What begins with the first word that is no flag, nor the value of one.
fn after<'a>(verb: &str, mut words: &'a [String]) -> &'a [String] {
    while let Some(word) = words.first().filter(|word| word.starts_with('-')) {
        let has_value = verb == "compose" && COMPOSE_VALUES.contains(&&word[..]);
        words = words.get(1 + usize::from(has_value)..).unwrap_or_default();
    }
    words
}

/// Does it go on until somebody ends it? Then nobody waits for the end to see what came.
fn follows(words: &[String]) -> bool {
    let words = match FAMILIES.contains(&&words[0][..]) {
        true => after(&words[0], &words[1..]),
        false => words,
    };
    // `-ft`; in `-n5f` the letters are the value of `-n`.
    let is_short = |word: &str| {
        let letters = word.strip_prefix('-').unwrap_or_default();
        !letters.starts_with('-') && letters.chars().take_while(|c| *c != 'n').any(|c| c == 'f')
    };
    let Some((verb, flags)) = words.split_first() else {
        return false;
    };
    match &verb[..] {
        "logs" => flags
            .iter()
            .any(|w| is_short(w) || matches!(&w[..], "--follow" | "--follow=true")),
        "events" => !flags.iter().any(|w| w.starts_with("--until")),
        _ => false,
    }
}

/// `-it` and its kind, among the flags that stand before a name. A flag with another letter may
/// have a value: that is left to docker.
fn asks_terminal(word: &str) -> bool {
    let letters = word.strip_prefix('-').filter(|l| !l.is_empty());
    let short =
        letters.is_some_and(|l| l.chars().all(|c| "itd".contains(c)) && l.contains(['i', 't']));
    short
        || matches!(
            word,
            "--tty" | "--interactive" | "--tty=true" | "--interactive=true"
        )
}

fn unknown(verb: &str) -> Error {
    let ours = [
        "ps", "images", "stats", "networks", "volumes", "version", "info", "prune", "login",
    ];
    let all = READ
        .iter()
        .chain(WRITE)
        .chain(FAMILIES)
        .chain(&ours)
        .copied();
    let error = Error::usage(format!("`{}` is no verb of docker's", verb.escape_debug()));
    match crate::config::nearest(verb, all) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`mroom docker --help` names them; `mroom exec` runs anything else"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::Effect;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn what_changes_is_known() {
        for (line, effect) in [
            ("logs -f web", Effect::Read),
            ("inspect web", Effect::Read),
            ("compose -f ps.yml up -d", Effect::Write),
            ("compose --profile x -f a.yml ps", Effect::Read),
            ("compose --file=a.yml logs", Effect::Read),
            ("compose", Effect::Write),
            ("network ls", Effect::Read),
            ("network rm x", Effect::Write),
            ("image inspect x", Effect::Read),
            ("system df", Effect::Read),
            ("system prune -f", Effect::Write),
            ("run -d x", Effect::Write),
            ("exec web ls", Effect::Write),
        ] {
            assert!(call(&words(line)).unwrap().effect == effect, "{line}");
        }
    }

    #[test]
    fn what_has_no_end_is_known() {
        for (line, has_none) in [
            ("logs -f web", true),
            ("logs -tf --tail 5 web", true),
            ("logs --follow web", true),
            ("container logs --follow=true web", true),
            ("compose -f a.yml logs -f", true),
            ("events", true),
            ("system events --filter x=y", true),
            ("logs web", false),
            ("logs -n 5 web", false),
            ("logs --follow=false web", false),
            ("compose -f a.yml logs", false),
            ("compose -f", false),
            ("compose", false),
            ("events --until=5s", false),
            ("rm -f web", false),
        ] {
            assert_eq!(follows(&words(line)), has_none, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        for (line, told) in [
            ("exec -it web sh", "wants a terminal"),
            ("run -ti x", "wants a terminal"),
            ("run --tty x", "wants a terminal"),
            ("pss", "no verb"),
            ("-a ps", "no verb"),
            ("swarm init", "no verb"),
        ] {
            let error = call(&words(line)).err().unwrap();
            assert!(error.message().contains(told), "{line}: {error}");
        }
        let near = call(&words("stopp web")).err().unwrap();
        assert_eq!(near.hint_text(), Some("did you mean `stop`?"));
        assert!(call(&words("run -d x")).is_ok());
    }
}
