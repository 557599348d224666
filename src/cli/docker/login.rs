//! `mroom docker PATTERN login`: the password is asked for once, and goes over standard input.

use std::io::Read as _;

use super::super::App;
use super::super::exec::{check, end};
use super::docker;
use crate::docker::image;
use crate::error::{Error, Kind, Result};
use crate::fleet::{Status, map};
use crate::inventory::Server;
use crate::secret::Secret;
use crate::ui::outcome;

/// Longest password that is read from standard input, bytes: tokens of registries have kilobytes.
const LONGEST: u64 = 64 << 10;

/// Logs servers in at a registry.
pub(super) fn run(app: &App, pattern: &str, words: &[String]) -> Result<u8> {
    let asked = read(words)?;
    let room = &app.room;
    let servers = room.select(pattern)?;
    let password = match asked.from_stdin {
        true => {
            let mut text = String::new();
            let input = std::io::stdin().take(LONGEST).read_to_string(&mut text);
            input.map_err(|e| Error::local(format!("standard input: {e}")).source(e))?;
            Secret::new(text.trim_end_matches(['\r', '\n']))
        }
        false if room.options.check => Secret::new("unasked"),
        false => room
            .interact
            .secret(&format!("Password of `{}` at the registry", asked.user))
            .ok_or_else(|| {
                Error::new(Kind::Locked, "there is no terminal to ask for the password")
                    .hint("`--password-stdin` reads it from standard input")
            })?,
    };
    room.redactor.add(&password);
    let call = image::login(asked.registry.as_deref(), &asked.user, &password)?;
    if room.options.check {
        return check(app, &servers, &call.shown());
    }
    let one = async |server: Server| {
        docker(app, &server).await?.ask(&call).await?;
        Ok((Status::Changed, ()))
    };
    let outcomes = app.block_on(async {
        let policy = &room.options.policy;
        Ok(map(room, "docker login", servers, policy, one, |o| {
            outcome(&app.screen, o, true);
        })
        .await)
    })?;
    Ok(end(app, &outcomes))
}

struct Asked {
    user: String,
    registry: Option<String>,
    from_stdin: bool,
}

/// Docker's words for it, without those that would show the password to everybody.
fn read(words: &[String]) -> Result<Asked> {
    let (mut user, mut registry, mut from_stdin) = (None, None, false);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with('-') => (flag, Some(value.to_owned())),
            _ => (&word[..], None),
        };
        match flag {
            "-u" | "--username" => user = value.or_else(|| words.next().cloned()),
            "--password-stdin" => from_stdin = true,
            "-p" | "--password" => {
                let message = "`login`: a password in a command can be seen by others";
                return Err(Error::usage(message).hint("leave it out: it is asked for"));
            }
            _ if flag.starts_with('-') => {
                let message = format!("`login` has no flag `{}`", flag.escape_debug());
                return Err(Error::usage(message).hint("it has --username, --password-stdin"));
            }
            _ if registry.is_none() => registry = Some(word.clone()),
            _ => return Err(Error::usage("`login` takes one registry")),
        }
    }
    let missing = || Error::usage("`login`: who logs in?").hint("`login -u USER [REGISTRY]`");
    Ok(Asked {
        user: user.filter(|user| !user.is_empty()).ok_or_else(missing)?,
        registry,
        from_stdin,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Result<Asked> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        read(&words)
    }

    #[test]
    fn docker_s_words_are_read() {
        for line in [
            "-u ann r:5000",
            "r:5000 --username=ann",
            "--username ann r:5000 --password-stdin",
        ] {
            let asked = asked(line).unwrap();
            assert_eq!(
                (&asked.user[..], asked.registry.as_deref()),
                ("ann", Some("r:5000"))
            );
            assert_eq!(asked.from_stdin, line.contains("stdin"));
        }
        for line in [
            "",
            "r:5000",
            "-u",
            "-u ann -p s3cret",
            "--password=s3cret -u ann",
            "-u ann a b",
            "-u ann --x",
        ] {
            let error = asked(line).err().unwrap();
            assert!(!error.to_string().contains("s3cret"), "{line}: {error}");
        }
    }
}
