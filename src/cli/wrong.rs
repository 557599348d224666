//! What clap says about a wrong command line, as an error of ours: what is wrong, and which
//! command to type next.

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::grammar::follow;
use crate::error::Error;

/// The error for `words`, the program's name left out. `root` must have been built.
pub(super) fn explain(root: &Command, words: &[String], wrong: &clap::Error) -> Error {
    let name = follow(root, words).name;
    let (typed, page) = match name.is_empty() {
        true => ("mroom".to_owned(), "mroom --help".to_owned()),
        false => (format!("mroom {name}"), format!("mroom {name} --help")),
    };
    let see = || format!("`{page}` shows how");
    let get = |kind| wrong.get(kind).map(text);
    let arg = get(ContextKind::InvalidArg).unwrap_or_default();
    let value = get(ContextKind::InvalidValue).unwrap_or_default();
    let meant = |kind| get(kind).map(|near| format!("did you mean `{near}`?"));
    match wrong.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = get(ContextKind::InvalidSubcommand).unwrap_or_default();
            let near = match wrong.get(ContextKind::SuggestedSubcommand) {
                // The nearest one comes last.
                Some(ContextValue::Strings(all)) => all.last().cloned(),
                other => other.map(text),
            };
            let hint = match near {
                _ if typed == "mroom"
                    && let Some(here) = elsewhere(&word) =>
                {
                    here.to_owned()
                }
                Some(near) => format!("did you mean `{near}`? `{page}` lists the commands"),
                None => format!("`{page}` lists the commands"),
            };
            Error::usage(format!("`{typed}` has no command `{word}`")).hint(hint)
        }
        ErrorKind::UnknownArgument => match arg.starts_with('-') {
            true => Error::usage(format!("`{typed}` has no flag `{arg}`")).hint(
                meant(ContextKind::SuggestedArg)
                    .unwrap_or_else(|| format!("`{page}` shows its flags")),
            ),
            false => Error::usage(format!("`{typed}` takes no further word `{arg}`")).hint(see()),
        },
        ErrorKind::InvalidValue if value.is_empty() => {
            Error::usage(format!("`{arg}` needs a value")).hint(see())
        }
        ErrorKind::InvalidValue => {
            let known = get(ContextKind::ValidValue).unwrap_or_default();
            Error::usage(format!("`{value}` is no value of `{arg}`"))
                .hint(format!("one of: {known}"))
        }
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(wrong).map(ToString::to_string);
            let why = why.unwrap_or_default();
            let why = match why.contains(&format!("`{value}`")) {
                true => why,
                false => format!("`{value}`: {why}"),
            };
            Error::usage(format!("`{arg}`: {why}")).hint(see())
        }
        ErrorKind::ArgumentConflict if arg.is_empty() => {
            // Ours: a whole sentence, made in `args`.
            Error::usage(first_line(wrong)).hint(format!("`{page}` shows what it takes"))
        }
        ErrorKind::ArgumentConflict => match get(ContextKind::PriorArg) {
            Some(prior) if prior != arg => {
                Error::usage(format!("`{arg}` and `{prior}` exclude each other")).hint(see())
            }
            _ => Error::usage(format!("`{arg}` is given more than once")).hint(see()),
        },
        ErrorKind::MissingRequiredArgument => {
            let usage = get(ContextKind::Usage).unwrap_or_default();
            let usage = usage.trim_start_matches("Usage: ").trim();
            let hint = match usage.is_empty() {
                true => see(),
                false => format!("`{usage}`"),
            };
            Error::usage(format!("`{typed}` needs {arg}")).hint(hint)
        }
        _ => Error::usage(first_line(wrong)).hint(see()),
    }
}

fn text(value: &ContextValue) -> String {
    match value {
        ContextValue::Strings(all) => all.join(", "),
        other => other.to_string(),
    }
}

/// The sentence of clap's message, in our style.
fn first_line(wrong: &clap::Error) -> String {
    let whole = wrong.to_string();
    let line = whole.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// What other tools call it, and how it is typed here.
fn elsewhere(word: &str) -> Option<&'static str> {
    Some(match word {
        "sudo" | "become" => "`mroom exec -b ID -- COMMAND` runs by sudo",
        "ssh" | "login" | "shell" => "`mroom connect ID`, or just `mroom ID`",
        "scp" | "rsync" | "copy" | "upload" | "download" => "`mroom cp FILE ID:PATH` copies",
        "ping" => "`mroom status ID` asks how a server is",
        "playbook" => "`mroom run FILE.lua` runs a playbook",
        "history" | "audit" => "`mroom log` shows what went to servers",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::args::{Stop, parse};

    #[test]
    fn each_says_what_to_type_next() {
        for (line, message, hint) in [
            (
                "lss",
                "`mroom` has no command `lss`",
                "did you mean `ls`? `mroom --help` lists the commands",
            ),
            (
                "secrets lok",
                "`mroom secrets` has no command `lok`",
                "did you mean `lock`? `mroom secrets --help` lists the commands",
            ),
            (
                "ls --nonsense",
                "`mroom ls` has no flag `--nonsense`",
                "`mroom ls --help` shows its flags",
            ),
            (
                "ls --lon",
                "`mroom ls` has no flag `--lon`",
                "did you mean `--long`?",
            ),
            (
                "show a b",
                "`mroom show` takes no further word `b`",
                "`mroom show --help` shows how",
            ),
            (
                "exec all",
                "`mroom exec` needs <COMMAND>...",
                "`mroom exec <PATTERN>... -- <COMMAND>...`",
            ),
            (
                "exec all -f 0 -- x",
                "`--forks <N>`: `0`: 0 is not in 1..=10000",
                "`mroom exec --help` shows how",
            ),
            (
                "exec all -f",
                "`--forks <N>` needs a value",
                "`mroom exec --help` shows how",
            ),
            (
                "exec all -T x -- x",
                "`--timeout <SECONDS>`: `x` is not a number of seconds from 0.001 to 86400",
                "`mroom exec --help` shows how",
            ),
            (
                "--color maybe ls",
                "`maybe` is no value of `--color <COLOR>`",
                "one of: auto, always, never",
            ),
            (
                "ls -l a -l b",
                "`--limit <PATTERN>` is given more than once",
                "`mroom ls --help` shows how",
            ),
            (
                "set a --no-password --ask-password",
                "`--no-password` and `--ask-password` exclude each other",
                "`mroom set --help` shows how",
            ),
            (
                "ls --forks 3",
                "`--forks` has no meaning for `ls`",
                "`mroom ls --help` shows what it takes",
            ),
        ] {
            let words = std::iter::once("mroom").chain(line.split(' '));
            let error = match parse(words.map(OsString::from)) {
                Err(Stop::Wrong(error)) => error,
                // No command; perhaps a server.
                Ok(cli) => cli.otherwise.unwrap(),
                Err(Stop::Page(page)) => panic!("{line}: {page}"),
            };
            assert_eq!(error.message(), message, "{line}");
            assert_eq!(error.hint_text(), Some(hint), "{line}");
            assert_eq!(error.kind().exit_code(), 2);
        }
    }
}
