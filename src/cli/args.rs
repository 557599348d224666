//! What can be typed: the flags that every command knows, and the list of commands.
//!
//! Every flag has an `MROOM_*` variable. Those of settings (`MROOM_FORKS`, `MROOM_TIMEOUT`) are
//! read by [`crate::config`], the others by clap.

use std::ffi::OsString;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use super::values;
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
    Cp(super::cp::Args),
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
    #[arg(long, global = true, value_name = "N|N%", env = "MROOM_SERIAL", hide_env = true, value_parser = values::batch)]
    pub serial: Option<Batch>,
    /// Start no more servers once more than this many have failed.
    #[arg(long, global = true, value_name = "N|N%", env = "MROOM_MAX_FAIL", hide_env = true, value_parser = values::tolerance)]
    pub max_fail: Option<Batch>,
    /// Change nothing; say what would be done.
    #[arg(short = 'C', long, global = true, env = "MROOM_CHECK", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub check: bool,
    /// A variable for the script, or a JSON or TOML file of them.
    // Not global: clap would keep one place's values only. [`parse`] joins them.
    #[arg(
        short = 'e',
        long,
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
    #[arg(short = 'T', long, global = true, value_name = "SECONDS", value_parser = values::seconds)]
    pub timeout: Option<Duration>,
    /// Seconds that each command may take.
    #[arg(long, global = true, value_name = "SECONDS", env = "MROOM_COMMAND_TIMEOUT", hide_env = true, value_parser = values::seconds)]
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

const EXTRA_VARS: &str = "extra_vars";

/// Which flags of [`Acting`] a command takes; the others are refused, not ignored.
fn takes(command: &str, flag: &str) -> bool {
    match command {
        "ls" | "export" | "set" | "rm" => matches!(flag, "limit" | "retired"),
        "import" => flag == "check",
        "exec" => flag != EXTRA_VARS,
        "cp" => !matches!(flag, EXTRA_VARS | "fold" | "command_timeout"),
        "run" | "eval" | "stage" | "repl" => true,
        _ => false,
    }
}

/// Reads the command line.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(words)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    if let Some((name, inner)) = matches.subcommand() {
        let typed = |id: &&&str| is_typed(&matches, id) || is_typed(inner, id);
        if let Some(id) = ACTING.iter().filter(|id| !takes(name, id)).find(typed) {
            let message = format!("`--{}` has no meaning for `{name}`", id.replace('_', "-"));
            return Err(command.error(clap::error::ErrorKind::ArgumentConflict, message));
        }
        // In the order typed: before the command, then after it; those of the variable when none is.
        if is_typed(inner, EXTRA_VARS) {
            if !is_typed(&matches, EXTRA_VARS) {
                cli.acting.extra_vars.clear();
            }
            let after = inner.get_many::<String>(EXTRA_VARS);
            cli.acting
                .extra_vars
                .extend(after.into_iter().flatten().cloned());
        }
    }
    Ok(cli)
}

fn is_typed(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// The command line's grammar. A flag that a command does not take is kept out of its help.
fn command() -> clap::Command {
    let mut command = Cli::command();
    let acting: Vec<clap::Arg> = command
        .get_arguments()
        .filter(|arg| ACTING.contains(&arg.get_id().as_str()))
        .cloned()
        .collect();
    for sub in command.get_subcommands_mut() {
        let name = sub.get_name().to_owned();
        for arg in &acting {
            let taken = takes(&name, arg.get_id().as_str());
            // A global one that is taken gets there by itself.
            if !taken || !arg.is_global_set() {
                *sub = std::mem::take(sub).arg(arg.clone().hide(!taken));
            }
        }
    }
    command
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
    fn variables_stand_before_and_after_the_command() {
        for (line, vars) in [
            (
                "mroom -e a=1 run x -e b=2 -e c=3",
                &["a=1", "b=2", "c=3"][..],
            ),
            ("mroom -e a=1 -e b=2 run x", &["a=1", "b=2"]),
            ("mroom stage cert all -e a=1", &["a=1"]),
            ("mroom run x", &[]),
        ] {
            assert_eq!(cli(line).unwrap().acting.extra_vars, vars, "{line}");
        }
    }

    #[test]
    fn a_flag_without_meaning_is_refused() {
        for line in [
            "mroom ls --check",
            "mroom -C ls",
            "mroom ls -f 3",
            "mroom -f 3 ls",
            "mroom -e a=1 ls",
            "mroom ls -e a=1",
        ] {
            let error = cli(line).unwrap_err();
            assert!(
                error.to_string().contains("has no meaning for `ls`"),
                "{line}: {error}"
            );
            assert_eq!(error.exit_code(), 2);
        }
    }
}
