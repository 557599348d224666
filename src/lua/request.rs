//! What Lua code hands over as a command, made into a request. Secrets are refused here: what is
//! in a command can be seen by others on the server.

use mlua::Value;

use super::options::{Options, bytes_of};
use super::secret::SecretValue;
use crate::error::{Error, Result};
use crate::output::DEFAULT_MAX_OUTPUT;
use crate::quote;
use crate::ssh::{Effect, Exec};

/// Options of `run`.
pub(super) const RUN: [&str; 7] = [
    "check",
    "timeout",
    "stdin",
    "env",
    "cwd",
    "max_output",
    "sudo",
];
/// Options of the readers.
pub(super) const READ: [&str; 6] = ["timeout", "stdin", "env", "cwd", "max_output", "sudo"];

/// A command as a call asks for it.
pub(super) struct Request {
    /// What to run; as whom is filled in when the server is known.
    pub(super) exec: Exec,
    /// Whether a bad end raises.
    pub(super) raise: bool,
    /// As whom.
    pub(super) user: AsUser,
}

/// As whom a call is to be done: the option `sudo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AsUser {
    /// As the command line says.
    Usual,
    /// As the login, whatever the command line says.
    Login,
    /// As this one.
    Other(String),
}

impl AsUser {
    /// `sudo = true | false | "user"`.
    pub(super) fn of(call: &str, opts: &Options) -> Result<Self> {
        match opts.value("sudo") {
            Value::Nil => Ok(AsUser::Usual),
            Value::Boolean(false) => Ok(AsUser::Login),
            Value::Boolean(true) => Ok(AsUser::Other("root".to_owned())),
            Value::String(user) => Ok(AsUser::Other(user.to_string_lossy())),
            other => Err(Error::usage(format!(
                "`{call}`: `sudo` must be true, false or a user's name, not a {}",
                other.type_name()
            ))),
        }
    }
}

/// Builds the request of a command; the second value is the command as it was written.
pub(super) fn request(
    call: &'static str,
    command: &Value,
    opts: Options,
) -> Result<(Request, String)> {
    let shown = command_text(call, command)?;
    let mut exec = Exec::new(String::new());
    if call != "run" {
        exec.effect = Effect::Read;
    }
    fill(&mut exec, &opts, &shown)?;
    let request = Request {
        exec,
        raise: opts.flag("check")?.unwrap_or(true),
        user: AsUser::of(call, &opts)?,
    };
    Ok((request, shown))
}

/// A script goes in over standard input: no temporary file, nothing pasted into a shell.
pub(super) fn script(text: &Value, opts: Value) -> Result<(Request, String)> {
    const CALL: &str = "script";
    let allowed = [
        "check",
        "timeout",
        "env",
        "cwd",
        "max_output",
        "args",
        "shell",
        "sudo",
    ];
    let opts = Options::new(CALL, opts, &allowed)?;
    let stdin = bytes_of(text)
        .ok_or_else(|| Error::usage("`script`: the script must be a string, its text"))?;
    let mut words = vec![opts.text("shell")?.unwrap_or_else(|| "sh".to_owned())];
    words.extend(["-s".to_owned(), "--".to_owned()]);
    words.extend(opts.list("args")?);
    let shown = quote::words(&words)?;
    let mut exec = Exec::new(String::new());
    fill(&mut exec, &opts, &shown)?;
    exec.stdin = stdin.into();
    let request = Request {
        exec,
        raise: opts.flag("check")?.unwrap_or(true),
        user: AsUser::of(CALL, &opts)?,
    };
    Ok((request, shown))
}

/// What all requests take: time-out, input, environment, folder.
fn fill(exec: &mut Exec, opts: &Options, command: &str) -> Result<()> {
    exec.timeout = opts.seconds("timeout")?;
    exec.stdin = opts.bytes("stdin")?.unwrap_or_default().into();
    let most = opts.number("max_output", 0, 1 << 40)?;
    exec.max_output = most.map_or(DEFAULT_MAX_OUTPUT, |n| n as usize);
    if let Some(cwd) = opts.text("cwd")? {
        exec.command += &format!("cd {} || exit\n", quote::word(&cwd)?);
    }
    if let Some(env) = opts.table("env")? {
        for pair in env.pairs::<String, Value>() {
            let (name, value) = pair.map_err(|_| Error::usage("`env`: names must be strings"))?;
            exec.command += &format!("export {}={}\n", variable(&name)?, argument("env", &value)?);
        }
    }
    exec.command += command;
    Ok(())
}

fn variable(name: &str) -> Result<&str> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(good)
    {
        return Err(Error::usage(format!(
            "`env`: `{name}` is not the name of a variable"
        )));
    }
    Ok(name)
}

/// A command given as a string is the shell's; given as a list, each item is quoted.
fn command_text(call: &str, command: &Value) -> Result<String> {
    match command {
        Value::String(text) => Ok(text.to_string_lossy()),
        Value::Table(list) => {
            let words: Result<Vec<String>> = list
                .sequence_values::<Value>()
                .filter_map(|v| v.ok())
                .map(|v| argument(call, &v))
                .collect();
            let words = words?;
            if words.is_empty() {
                return Err(Error::usage(format!(
                    "`{call}`: an empty list is no command"
                )));
            }
            Ok(words.join(" "))
        }
        other if SecretValue::is(other) => Err(no_secret(call)),
        other => Err(Error::usage(format!(
            "`{call}`: the command must be a string or a list, not {}",
            other.type_name()
        ))),
    }
}

/// One quoted word of a command.
pub(super) fn argument(call: &str, value: &Value) -> Result<String> {
    match super::options::text_of(value) {
        Some(text) => quote::word(&text),
        None if SecretValue::is(value) => Err(no_secret(call)),
        None => Err(Error::usage(format!(
            "`{call}`: an argument must be a string or a number, not {}",
            value.type_name()
        ))),
    }
}

fn no_secret(call: &str) -> Error {
    Error::usage(format!(
        "`{call}`: a secret in a command could be seen by others on the server"
    ))
    .hint("hand it over as `stdin`, or write it to a file with `write`")
}
