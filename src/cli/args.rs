//! What can be typed: the flags that every command knows, and the list of commands.
//!
//! Every flag has an `MROOM_*` variable. Those of settings (`MROOM_FORKS`, `MROOM_TIMEOUT`) are
//! read by [`crate::config`], the others by clap.

use std::ffi::OsString;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::fleet::Batch;

/// Runs a room of servers: an inventory, SSH to all of them at once, and Lua on top.
#[derive(Debug, Parser)]
#[command(
    name = "mroom",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(flatten)]
    pub globals: Globals,
    #[command(flatten)]
    pub acting: Acting,
    #[command(subcommand)]
    pub command: Command,
}

/// The commands. Adding one: a file beside this one, a line here, one in `dispatch`, and one in
/// [`takes`] when it acts on servers.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(visible_aliases = ["list", "tell"])]
    Ls(super::ls::Args),
    Sandbox(super::sandbox::Args),
    Repl(super::repl::Args),
    Show(super::show::Args),
    #[command(visible_alias = "update_file", aliases = [
        "update_conf", "updateconfig", "updateconfiguration", "updateconfigurations",
    ])]
    Import(super::import::Args),
    Export(super::export::Args),
    Add(super::edit::Add),
    Set(super::edit::Set),
    Rm(super::edit::Rm),
    Exec(super::exec::Args),
    Config(super::config::Args),
    Secrets(super::secrets::Args),
    Run(super::run::Args),
    Eval(super::eval::Args),
    Stage(super::stage::Args),
    Which(super::which::Args),
    Eject(super::eject::Args),
    Trust(super::trust::Args),
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    // On a terminal, unless `NO_COLOR` is set. No doc comments: they would spread out the help.
    Auto,
    Always,
    Never,
}

/// Flags of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Globals {
    /// One JSON object a line instead of text.
    #[arg(long, global = true, env = "MROOM_JSON", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub json: bool,
    /// Only results, warnings and errors.
    #[arg(short, long, global = true, env = "MROOM_QUIET", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub quiet: bool,
    /// Say more; twice for still more.
    #[arg(short, long, global = true, action = ArgAction::Count, env = "MROOM_VERBOSE", hide_env = true)]
    pub verbose: u8,
    /// When to colour.
    #[arg(long, global = true, env = "MROOM_COLOR", hide_env = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Answer yes to every question but that for a host key.
    #[arg(short, long, global = true, env = "MROOM_YES", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub yes: bool,
    /// Use the settings of `[projects.NAME]`.
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "MROOM_PROJECT",
        hide_env = true
    )]
    pub project: Option<String>,
}

/// Flags of the commands that act on servers; [`takes`] tells which command takes which.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Acting on servers")]
pub struct Acting {
    /// Only servers that match this pattern too.
    #[arg(
        short,
        long,
        global = true,
        value_name = "PATTERN",
        env = "MROOM_LIMIT",
        hide_env = true
    )]
    pub limit: Option<String>,
    /// Include retired servers.
    #[arg(long, global = true, env = "MROOM_RETIRED", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub retired: bool,
    /// Servers worked on at once [setting: forks].
    #[arg(short, long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub forks: Option<u32>,
    /// Work in batches of this size, one after another.
    #[arg(long, global = true, value_name = "N|N%", env = "MROOM_SERIAL", hide_env = true, value_parser = batch)]
    pub serial: Option<Batch>,
    /// Start no more servers once more than this many have failed.
    #[arg(long, global = true, value_name = "N|N%", env = "MROOM_MAX_FAIL", hide_env = true, value_parser = tolerance)]
    pub max_fail: Option<Batch>,
    /// Change nothing; say what would be done.
    #[arg(short = 'C', long, global = true, env = "MROOM_CHECK", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub check: bool,
    /// A variable for the script, or a JSON or TOML file of them.
    #[arg(
        short = 'e',
        long,
        global = true,
        value_name = "K=V|@FILE",
        env = "MROOM_EXTRA_VARS",
        hide_env = true
    )]
    pub extra_vars: Vec<String>,
    /// Servers with the same output in one block, off a terminal too.
    #[arg(long, global = true, env = "MROOM_FOLD", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub fold: bool,
    /// Accept and remember unknown host keys; a changed one is refused all the same.
    #[arg(long, global = true, env = "MROOM_ACCEPT_NEW", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub accept_new: bool,
    /// Seconds to connect and authenticate [setting: timeout].
    #[arg(short = 'T', long, global = true, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// Seconds that each command may take.
    #[arg(long, global = true, value_name = "SECONDS", env = "MROOM_COMMAND_TIMEOUT", hide_env = true, value_parser = seconds)]
    pub command_timeout: Option<Duration>,
    /// Connect directly to servers that have a tunnel profile.
    #[arg(long, global = true, env = "MROOM_NO_TUNNEL", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub no_tunnel: bool,
}

const ACTING: &[&str] = &[
    "limit",
    "retired",
    "forks",
    "serial",
    "max_fail",
    "check",
    "extra_vars",
    "fold",
    "accept_new",
    "timeout",
    "command_timeout",
    "no_tunnel",
];

/// Which flags of [`Acting`] a command takes; the others are refused, not ignored.
fn takes(command: &str, flag: &str) -> bool {
    match command {
        "ls" | "export" | "set" | "rm" => matches!(flag, "limit" | "retired"),
        "import" => flag == "check",
        "exec" => flag != "extra_vars",
        "run" | "eval" | "stage" | "repl" => true,
        _ => false,
    }
}

/// Reads the command line.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(words)?;
    if let Some((name, inner)) = matches.subcommand() {
        let typed = |id: &&&str| inner.value_source(id) == Some(ValueSource::CommandLine);
        if let Some(id) = ACTING.iter().filter(|id| !takes(name, id)).find(typed) {
            let message = format!("`--{}` has no meaning for `{name}`", id.replace('_', "-"));
            return Err(command.error(clap::error::ErrorKind::ArgumentConflict, message));
        }
    }
    Cli::from_arg_matches(&matches)
}

/// The command line's grammar. A flag that a command does not take is kept out of its help.
fn command() -> clap::Command {
    let mut command = Cli::command();
    let acting: Vec<clap::Arg> = command
        .get_arguments()
        .filter(|arg| ACTING.contains(&arg.get_id().as_str()))
        .map(|arg| arg.clone().hide(true))
        .collect();
    for sub in command.get_subcommands_mut() {
        let hidden: Vec<_> = acting
            .iter()
            .filter(|a| !takes(sub.get_name(), a.get_id().as_str()))
            .collect();
        *sub = hidden
            .into_iter()
            .fold(std::mem::take(sub), |sub, arg| sub.arg(arg.clone()));
    }
    command
}

/// A number of seconds, decimals allowed.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a number of seconds from 0.001 to 86400");
    let number: f64 = text.parse().map_err(|_| wrong())?;
    if !(0.001..=86_400.0).contains(&number) {
        return Err(wrong());
    }
    Ok(Duration::from_secs_f64(number))
}

/// `10` or `25%`, at least one.
fn batch(text: &str) -> Result<Batch, String> {
    let wrong = || format!("`{text}` is neither a number from 1 nor a share from 1% to 100%");
    match amount(text).ok_or_else(wrong)? {
        Batch::Count(0) | Batch::Percent(0) => Err(wrong()),
        batch => Ok(batch),
    }
}

/// `0`, `10` or `25%`.
fn tolerance(text: &str) -> Result<Batch, String> {
    amount(text).ok_or_else(|| format!("`{text}` is neither a number nor a share from 0% to 100%"))
}

fn amount(text: &str) -> Option<Batch> {
    let digits = text.strip_suffix('%').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if digits.len() == text.len() {
        return text.parse().ok().map(Batch::Count);
    }
    digits
        .parse()
        .ok()
        .filter(|p| *p <= 100)
        .map(Batch::Percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cli(line: &str) -> Result<Cli, clap::Error> {
        parse(line.split(' ').map(OsString::from))
    }

    #[test]
    fn the_grammar_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_acting_flag_is_in_the_list() {
        let all = clap::Command::new("x");
        let all = <Acting as clap::Args>::augment_args(all);
        let ids: Vec<&str> = all.get_arguments().map(|a| a.get_id().as_str()).collect();
        assert_eq!(ids, ACTING);
    }

    #[test]
    fn flags_stand_before_or_after_the_command() {
        for line in [
            "mroom --json -vv ls",
            "mroom ls --json -vv",
            "mroom --json ls -vv",
        ] {
            let cli = cli(line).unwrap();
            assert!(cli.globals.json && cli.globals.verbose == 2, "{line}");
        }
    }

    #[test]
    fn a_flag_without_meaning_is_refused() {
        for line in [
            "mroom ls --check",
            "mroom -C ls",
            "mroom ls -f 3",
            "mroom -f 3 ls",
        ] {
            let error = cli(line).unwrap_err();
            assert!(
                error.to_string().contains("has no meaning for `ls`"),
                "{line}: {error}"
            );
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn bad_values() {
        for text in ["", "0", "-1", "x", "1e9", "NaN", "inf", "1s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in [
            "",
            "0",
            "0%",
            "101%",
            "-1",
            "1.5",
            "+1",
            "%",
            "10 %",
            "99999999999999999999",
        ] {
            assert!(batch(text).is_err(), "{text}");
        }
        assert_eq!(batch("25%"), Ok(Batch::Percent(25)));
        assert_eq!(batch("3"), Ok(Batch::Count(3)));
        assert_eq!(tolerance("0"), Ok(Batch::Count(0)));
    }
}
