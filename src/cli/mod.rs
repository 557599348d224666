//! The command line: one small file per command, all of them joined here.
//!
//! [`args`] and [`flags`] say what can be typed, [`app`] builds from it what a command needs, [`main`] runs it,
//! prints the error and gives the exit code. Nothing else of the crate knows of `clap`.

mod add;
mod add_cert;
pub mod app;
mod args;
mod bare;
mod check;
mod completions;
mod config;
mod connect;
mod copies;
mod cp;
mod doc;
mod docker;
mod doctor;
mod edit;
mod eject;
mod eval;
mod exec;
mod export;
mod facts;
mod fields;
mod flags;
mod grammar;
mod health;
mod held;
mod help;
mod import;
mod init;
mod log;
mod ls;
mod lua_files;
mod man;
mod new;
mod off_cert;
mod outcomes;
mod pages;
mod ports;
mod repl;
mod retire;
mod rm;
mod run;
mod sandbox;
mod scan_docker;
mod scanports;
mod script;
mod secrets;
mod set;
mod set_home;
mod show;
mod signals;
mod socket;
mod stage;
mod status;
mod test;
mod trust;
mod tunnel;
mod values;
mod vars;
mod version;
mod vm;
mod watch;
mod watch_profile;
mod which;
mod wrong;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

pub use app::App;
use args::{Command, Stop};

use crate::error::{Error, Result};
use crate::ui::Screen;

/// Runs the program.
pub fn main() -> ExitCode {
    if let Some(code) = completions::asked(std::env::args_os()) {
        return code;
    }
    if let Some(code) = socket::asked(std::env::args_os()) {
        return code;
    }
    if let Some(code) = held::asked(std::env::args_os()) {
        return code;
    }
    let cli = match args::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(Stop::Page(page)) => {
            // A closed pipe is no error.
            let _ = page.print();
            return ExitCode::from(u8::try_from(page.exit_code()).unwrap_or(2));
        }
        Err(Stop::Wrong(error)) => return ExitCode::from(Screen::plain().fail(&error)),
    };
    let app = match App::new(&cli.globals, &cli.acting) {
        Ok(app) => app,
        Err((screen, error)) => {
            let code = without_settings(&screen, &cli, &error);
            return ExitCode::from(code.unwrap_or_else(|error| screen.fail(&error)));
        }
    };
    let line: Vec<OsString> = std::env::args_os().collect();
    let code = match begin(&app, &cli, &line) {
        Ok(code) => app.unwritten(code),
        Err(error) => app.fail(&error),
    };
    app.end();
    ExitCode::from(code)
}

/// Runs the command, once it is clear whether the first word is one.
fn begin(app: &App, cli: &args::Cli, line: &[OsString]) -> Result<u8> {
    match (&cli.command, &cli.otherwise) {
        (Command::Connect(args), Some(otherwise)) => bare::is_server(app, &args.id, otherwise)?,
        _ => bare::note(app, line),
    }
    dispatch(app, &cli.command)
}

/// Settings that cannot be read keep nobody from the way out: what helps works all the same.
fn without_settings(screen: &Arc<Screen>, cli: &args::Cli, error: &Error) -> Result<u8> {
    let json = cli.globals.json;
    match &cli.command {
        Command::Completions(args) => completions::run(screen, args),
        Command::Man(args) => man::run(screen, args),
        Command::Help(args) => help::run(screen, args),
        Command::Doctor(_) => doctor::without_settings(screen.clone(), json, error),
        Command::Config(args) => {
            Ok(config::file(screen, json, args)?.unwrap_or_else(|| screen.fail(error)))
        }
        _ => Ok(screen.fail(error)),
    }
}

/// Runs the command; gives the exit code.
fn dispatch(app: &App, command: &Command) -> Result<u8> {
    match command {
        Command::Ls(args) => ls::run(app, args),
        Command::Sandbox(args) => sandbox::run(app, args),
        Command::Repl(args) => repl::run(app, args),
        Command::Show(args) => show::run(app, args),
        Command::Import(args) => import::run(app, args),
        Command::Export(args) => export::run(app, args),
        Command::Add(args) => add::run(app, args),
        Command::Set(args) => set::run(app, args),
        Command::Edit(args) => edit::run(app, args),
        Command::Retire(args) => retire::retire(app, args),
        Command::Unretire(args) => retire::unretire(app, args),
        Command::SetHome(args) => set_home::run(app, args),
        Command::Version(args) => version::run(app, args),
        Command::Rm(args) => rm::run(app, args),
        Command::Connect(args) => connect::run(app, args),
        Command::Exec(args) => exec::run(app, args),
        Command::Docker(args) => docker::run(app, args),
        Command::Cp(args) => cp::run(app, args),
        Command::Config(args) => config::run(app, args),
        Command::Secrets(args) => secrets::run(app, args),
        Command::Run(args) => run::run(app, args),
        Command::Eval(args) => eval::run(app, args),
        Command::Status(args) => status::run(app, args),
        Command::Stage(args) => stage::run(app, args),
        Command::Health(args) => health::run(app, args),
        Command::ScanDocker(args) => scan_docker::run(app, args),
        Command::AddCert(args) => add_cert::run(app, args),
        Command::OffCert(args) => off_cert::run(app, args),
        Command::Which(args) => which::run(app, args),
        Command::Doc(args) => doc::run(app, args),
        Command::Eject(args) => eject::run(app, args),
        Command::Log(args) => log::run(app, args),
        Command::Init(args) => init::run(app, args),
        Command::New(args) => new::run(app, args),
        Command::Check(args) => check::run(app, args),
        Command::Test(args) => test::run(app, args),
        Command::Trust(args) => trust::run(app, args),
        Command::Tunnel(args) => tunnel::run(app, args),
        Command::Completions(args) => completions::run(&app.screen, args),
        Command::Facts(args) => facts::run(app, args),
        Command::WatchProfile(args) => watch_profile::run(app, args),
        Command::Scanports(args) => scanports::run(app, args),
        Command::Man(args) => man::run(&app.screen, args),
        Command::Doctor(args) => doctor::run(app, args),
        Command::Help(args) => match args.stage() {
            Some(name) => stage::explain(app, name),
            None => help::run(&app.screen, args),
        },
    }
}
