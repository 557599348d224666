//! What can be typed: the list of commands, and how a line is read. The flags that commands
//! share are in [`super::flags`].

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::flags::{ACTING, Acting, EXTRA_VARS, Globals, takes};
use super::{bare, help, wrong};
use crate::error::Error;

/// Runs a room of servers: an inventory, SSH to all of them at once, and Lua on top.
#[derive(Debug, Parser)]
#[command(
    name = "mroom",
    version,
    max_term_width = 100,
    disable_help_flag = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(flatten)]
    pub globals: Globals,
    #[command(flatten)]
    pub acting: Acting,
    #[command(subcommand)]
    pub command: Command,
    /// What the line is when its first word, which is no command, is no server either.
    #[arg(skip)]
    pub otherwise: Option<Error>,
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
    #[command(aliases = ["retires", "retired"])]
    Retire(super::retire::Retire),
    Unretire(super::retire::Unretire),
    #[command(aliases = ["sethome", "startpath", "loginstart", "loginat"])]
    SetHome(super::set_home::Args),
    #[command(aliases = ["v", "ver", "versions"])]
    Version(super::version::Args),
    Add(super::add::Args),
    Set(super::set::Args),
    Edit(super::edit::Args),
    Rm(super::rm::Args),
    Connect(super::connect::Args),
    Exec(super::exec::Args),
    Docker(super::docker::Args),
    Cp(super::cp::Args),
    Log(super::log::Args),
    Config(super::config::Args),
    Secrets(super::secrets::Args),
    Run(super::run::Args),
    Eval(super::eval::Args),
    Stage(super::stage::Args),
    Status(super::status::Args),
    Health(super::health::Args),
    #[command(name = "scan_docker", aliases = [
        "docker-scan", "scandocker", "validation", "valid", "scan_dockers", "scan-docker",
    ])]
    ScanDocker(super::scan_docker::Args),
    #[command(name = "add-cert", aliases = [
        "addingcert", "makecert", "cert-on", "on-cert", "customcert", "certificatessh", "sshcertifcate",
    ])]
    AddCert(super::add_cert::Args),
    #[command(name = "off-cert", aliases = [
        "takeoff", "stripcert", "takeout", "removecert", "certremove",
    ])]
    OffCert(super::off_cert::Args),
    Which(super::which::Args),
    Eject(super::eject::Args),
    Doc(super::doc::Args),
    Init(super::init::Args),
    New(super::new::Args),
    Check(super::check::Args),
    Test(super::test::Args),
    Trust(super::trust::Args),
    Tunnel(super::tunnel::Args),
    Completions(super::completions::Args),
    #[command(name = "watch-profile", aliases = [
        "watch_file", "watchscan", "generateprofile", "gen-profile",
    ])]
    WatchProfile(super::watch_profile::Args),
    #[command(aliases = ["scanport", "scan_port", "scan_ports"])]
    Scanports(super::scanports::Args),
    Man(super::man::Args),
    Facts(super::facts::Args),
    Doctor(super::doctor::Args),
    Help(super::help::Args),
}

/// Why there is no command to run.
pub enum Stop {
    /// A page to print: help, or the version.
    Page(clap::Error),
    /// The line is wrong.
    Wrong(Error),
}

/// Reads the command line.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, Stop> {
    let words: Vec<OsString> = words.into_iter().collect();
    let mut grammar = command();
    let error = match read(&mut grammar, &words) {
        Ok(cli) => return Ok(cli),
        Err(error) => error,
    };
    if let ErrorKind::DisplayHelp
    | ErrorKind::DisplayVersion
    | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand = error.kind()
    {
        return Err(Stop::Page(error));
    }
    grammar.build();
    let typed = words.iter().skip(1).map(|w| w.to_string_lossy());
    let typed: Vec<String> = typed.map(Into::into).collect();
    let wrong = wrong::explain(&grammar, &typed, &error);
    if error.kind() == ErrorKind::InvalidSubcommand
        && let Some(line) = bare::as_connect(&grammar, &words)
        && let Ok(mut cli) = read(&mut command(), &line)
    {
        cli.otherwise = Some(wrong);
        return Ok(cli);
    }
    Err(Stop::Wrong(wrong))
}

fn read(command: &mut clap::Command, words: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = command.try_get_matches_from_mut(words)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    if let Some((name, inner)) = matches.subcommand() {
        let typed = |id: &&&str| is_typed(&matches, id) || is_typed(inner, id);
        if let Some(id) = ACTING.iter().filter(|id| !takes(name, id)).find(typed) {
            let message = format!("`--{}` has no meaning for `{name}`", id.replace('_', "-"));
            return Err(command.error(ErrorKind::ArgumentConflict, message));
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
pub(super) fn command() -> clap::Command {
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
    help::dress(command)
}

/// The variables that stand for flags, without `MROOM_`.
pub(super) fn variables() -> Vec<String> {
    let root = Cli::command();
    let subcommands = root
        .get_subcommands()
        .flat_map(clap::Command::get_arguments);
    let flags = root.get_arguments().chain(subcommands);
    let names = flags.filter_map(|flag| flag.get_env()?.to_str()?.strip_prefix("MROOM_"));
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cli(line: &str) -> Result<Cli, Error> {
        parse(line.split(' ').map(OsString::from)).map_err(|stop| match stop {
            Stop::Page(page) => panic!("{page}"),
            Stop::Wrong(error) => error,
        })
    }

    #[test]
    fn the_grammar_is_sound() {
        command().debug_assert();
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
            assert_eq!(error.kind().exit_code(), 2);
        }
    }
}
