//! Help: a screen for each command, and `mroom help` for all the rest.
//!
//! `--help` and `-h` show the short page, which fits 80 columns and 24 lines: what the command
//! does, its own flags, examples, and the shared flags by name only. `mroom help COMMAND` shows
//! everything, and so does the manual.

use clap::builder::StyledStr;
use clap::{Arg, ArgAction, Command};

use super::args;
use super::flags::{ACTING, Acting, Globals, takes};
use super::pages::{self, FLAGS_NOTE};
use crate::config::nearest;
use crate::error::{Error, Result};
use crate::ui::Screen;

/// Explain a command in full, or a subject: commands, flags, patterns, exit.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  mroom help exec\n  mroom help patterns")]
pub struct Args {
    /// A command (`secrets lock`), a stage (`stage env`), or `commands`, `flags`, `patterns`, `exit`.
    #[arg(value_name = "TOPIC")]
    topic: Vec<String>,
}

impl Args {
    /// The stage that is asked for: `mroom help stage NAME`.
    pub fn stage(&self) -> Option<&str> {
        match self.topic.as_slice() {
            [command, name] if command == "stage" => Some(name),
            _ => None,
        }
    }
}

/// The commands by subject: heading, names, what these do. On the first page; a test holds it to
/// the list of commands.
#[rustfmt::skip]
const SUBJECTS: &[(&str, &str, &str)] = &[
    ("Inventory", "ls show watch-profile", "a table, one whole; their ports"),
    ("", "import export", "lists, other tools' inventories, JSON"),
    ("", "add set edit rm", "by hand"),
    ("", "retire unretire set-home", "out of service, back; the start folder"),
    ("Servers", "connect exec cp scanports", "a shell, commands, files, open ports"),
    ("", "stage add-cert off-cert", "into a state; keys on and off"),
    ("", "status health facts log", "their state, judged; what they are"),
    ("", "docker scan_docker tunnel", "containers, images; VPNs in front"),
    ("Lua", "run eval repl", "playbooks and workflows, a prompt"),
    ("", "init new check test", "your own: made, looked at, tried"),
    ("", "doc which eject trust", "what Lua can use, where it comes from"),
    ("This machine", "doctor config secrets", "what is wrong, settings, passwords"),
    ("", "completions man help", "for your shell, and for you"),
    ("", "sandbox version", "real sshd servers to learn with"),
];

/// Columns of help when nothing says how wide the screen is.
const WIDTH: usize = 80;

/// Makes the pages of the grammar.
pub(super) fn dress(root: Command) -> Command {
    let help = Arg::new("help")
        .short('h')
        .long("help")
        .help("Print this")
        .action(ArgAction::HelpShort)
        .global(true)
        .hide_short_help(true)
        .display_order(1000);
    let globals: Vec<String> = root
        .get_arguments()
        .filter(|arg| !ACTING.contains(&arg.get_id().as_str()))
        .map(name_of)
        .collect();
    let acting: Vec<(String, String)> = root
        .get_arguments()
        .filter(|arg| ACTING.contains(&arg.get_id().as_str()))
        .map(|arg| (arg.get_id().to_string(), name_of(arg)))
        .collect();
    root.arg(help)
        .help_template(first_page())
        .mut_args(|arg| arg.hide_short_help(true))
        .mut_subcommands(|sub| {
            let taken = acting.iter().filter(|(id, _)| takes(sub.get_name(), id));
            let taken = taken.map(|(_, flag)| flag.as_str());
            let all = taken.chain(globals.iter().map(String::as_str));
            let line = wrapped(
                "Shared flags: ",
                &all.collect::<Vec<_>>(),
                "`mroom help flags`",
            );
            page(sub, &line)
        })
}

/// A page of its own for a command and those below it.
fn page(command: Command, shared: &str) -> Command {
    let list = match command.has_subcommands() {
        true => "\n\nCommands:\n{subcommands}",
        false => "",
    };
    let list = match (list, command.get_arguments().any(|arg| !is_folded(arg))) {
        ("", true) => "{all-args}",
        ("", false) => "",
        (_, true) => "{all-args}",
        (_, false) => "Commands:\n{subcommands}",
    };
    let gap = if list.is_empty() { "" } else { "\n\n" };
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}{gap}{list}{{after-help}}\n\n{shared}\n"
    );
    command
        .help_template(template)
        .mut_args(|arg| match is_folded(&arg) {
            true => arg.hide_short_help(true),
            false => arg,
        })
        .mut_subcommands(|sub| page(sub, shared))
}

/// One of the shared flags.
fn is_folded(arg: &Arg) -> bool {
    ACTING.contains(&arg.get_id().as_str())
}

/// How a flag is named in a list of many: by its letter when it has one.
fn name_of(arg: &Arg) -> String {
    match (arg.get_short(), arg.get_long()) {
        (Some(letter), _) => format!("-{letter}"),
        (None, long) => format!("--{}", long.unwrap_or_default()),
    }
}

/// Words in lines of [`WIDTH`], each after the first indented.
fn wrapped(head: &str, words: &[&str], last: &str) -> String {
    let mut text = head.trim_end().to_owned();
    let mut column = text.len();
    let end = format!("({last})");
    for word in words.iter().copied().chain([end.as_str()]) {
        if column + 1 + word.len() > WIDTH {
            text.push_str("\n ");
            column = 1;
        }
        text.push(' ');
        text.push_str(word);
        column += 1 + word.len();
    }
    text
}

/// The page of the program itself.
fn first_page() -> String {
    let mut text = "{about-with-newline}\nUsage: mroom COMMAND ...\n\n".to_owned();
    for (subject, commands, what) in SUBJECTS {
        text.push_str(&format!("{subject:<13} {commands:<25} {what}\n"));
    }
    text.push_str(
        "\nExamples:\n  mroom import servers.txt\n  mroom exec 'web-*' -- uptime\n\n\
         `mroom COMMAND --help` tells of one; `mroom help commands` lists them all.\n",
    );
    text
}

/// Shows a page.
pub fn run(screen: &Screen, args: &Args) -> Result<u8> {
    let mut root = args::command();
    root.build();
    let text = match args.topic.as_slice() {
        [] => root.render_help().to_string(),
        [topic] if topic == "flags" => flags(),
        [topic] if topic == "patterns" => pages::PATTERNS.to_owned(),
        [topic] if topic == "exit" => pages::EXIT.to_owned(),
        [topic] if topic == "tunnels" => super::tunnel::shape::page(),
        [topic] if topic == "commands" => commands(&root),
        words => find(&root, words)?.clone().render_long_help().to_string(),
    };
    screen.result(text.as_bytes())?;
    Ok(0)
}

/// The command that the words name.
pub(super) fn find<'a>(root: &'a Command, words: &[String]) -> Result<&'a Command> {
    let mut command = root;
    for word in words {
        command = command.find_subcommand(word).ok_or_else(|| {
            let error = Error::usage(format!("there is no command `{word}`"));
            let known = command.get_subcommands().map(Command::get_name);
            match nearest(word, known) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint("`mroom help commands` lists them"),
            }
        })?;
    }
    Ok(command)
}

/// The shared flags, each with what it does.
fn flags() -> String {
    let command = Command::new("mroom").disable_help_flag(true);
    let command = <Acting as clap::Args>::augment_args(command);
    let command = <Globals as clap::Args>::augment_args(command);
    let page = command.help_template("{all-args}").max_term_width(100);
    format!("{}\n{FLAGS_NOTE}", page.clone().render_help())
}

/// Every command in a line.
fn commands(root: &Command) -> String {
    let mut text = String::new();
    for command in root.get_subcommands().filter(|c| !c.is_hide_set()) {
        let about = command.get_about().map(StyledStr::to_string);
        let names: Vec<&str> = std::iter::once(command.get_name())
            .chain(command.get_visible_aliases())
            .collect();
        let about = about.unwrap_or_default();
        text.push_str(&format!("{:<24} {about}\n", names.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_wrapped() {
        let words = ["-x"; 60];
        let text = wrapped("Shared flags: ", &words, "`mroom help flags`");
        assert!(text.lines().all(|l| l.len() <= WIDTH), "{text}");
        assert_eq!(text.matches("-x").count(), 60);
        assert!(text.starts_with("Shared flags: -x -x"), "{text}");
    }
}
