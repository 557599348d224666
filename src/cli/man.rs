//! `mroom man`: the manual, made from the command line's own grammar.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::{args, help, pages};
use crate::error::{Error, Result};
use crate::events::Level;
use crate::ui::Screen;

/// Show the manual, or write its pages.
///
/// On a terminal the page is shown by man(1); elsewhere it is printed as roff.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom man exec
  mroom man --dir ~/.local/share/man/man1")]
pub struct Args {
    /// The page of this command; `mroom` itself when left out.
    #[arg(value_name = "TOPIC", conflicts_with = "dir")]
    command: Vec<String>,
    /// Write every page into this folder.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Shows or writes.
pub fn run(screen: &Screen, args: &Args) -> Result<u8> {
    let mut root = args::command();
    root.build();
    if let Some(dir) = &args.dir {
        let count = write_all(&root, dir)?;
        let message = format!("{count} pages in `{}`", dir.display());
        screen.note(Level::Notice, None, &message);
        return Ok(0);
    }
    let page = page(help::find(&root, &args.command)?)?;
    if !(std::io::stdout().is_terminal() && show(&page)) {
        screen.result(&page)?;
    }
    Ok(0)
}

/// A command's page as roff.
fn page(command: &Command) -> Result<Vec<u8>> {
    let mut roff = Vec::new();
    render(command, &mut roff)
        .map_err(|e| Error::local(format!("cannot make the page: {e}")).source(e))?;
    Ok(roff)
}

fn render(command: &Command, roff: &mut Vec<u8>) -> std::io::Result<()> {
    // The pages of `--help` leave the shared flags out, the manual does not.
    let command = command.clone().mut_args(|arg| arg.hide_short_help(false));
    let after = command.get_after_help().map(ToString::to_string);
    let has_commands = command.has_subcommands();
    let is_first = command.get_name() == "mroom";
    let version = env!("CARGO_PKG_VERSION");
    let man = Man::new(command)
        .source(format!("mroom {version}"))
        .manual("MachineRoom");
    man.render_title(roff)?;
    man.render_name_section(roff)?;
    man.render_synopsis_section(roff)?;
    man.render_description_section(roff)?;
    man.render_options_section(roff)?;
    if has_commands {
        man.render_subcommands_section(roff)?;
    }
    let after = after.unwrap_or_default();
    let (notes, examples) = after.split_once("Examples:\n").unwrap_or((&after, ""));
    section(roff, "NOTES", notes)?;
    if is_first {
        section(roff, "PATTERNS", pages::PATTERNS)?;
        section(roff, "EXIT STATUS", pages::EXIT)?;
        section(roff, "FILES", pages::FILES)?;
    }
    let lines = examples.lines().map(|l| l.strip_prefix("  ").unwrap_or(l));
    section(roff, "EXAMPLES", &lines.collect::<Vec<_>>().join("\n"))
}

/// Text as it stands; nothing without one.
fn section(to: &mut Vec<u8>, heading: &str, text: &str) -> std::io::Result<()> {
    if text.trim().is_empty() {
        return Ok(());
    }
    let mut section = Roff::default();
    section.control("SH", [heading]).control("nf", []);
    for line in text.trim_end().lines() {
        section.text([roman(line)]);
    }
    section.control("fi", []).to_writer(to)
}

/// Writes the pages of `command` and all below it; gives how many.
fn write_all(command: &Command, dir: &Path) -> Result<usize> {
    let failed = |path: &Path, e: std::io::Error| {
        Error::local(format!("cannot write `{}`: {e}", path.display())).source(e)
    };
    std::fs::create_dir_all(dir).map_err(|e| failed(dir, e))?;
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name());
    let path = dir.join(format!("{name}.1"));
    std::fs::write(&path, page(command)?).map_err(|e| failed(&path, e))?;
    let below = command.get_subcommands().filter(|c| !c.is_hide_set());
    below
        .map(|c| write_all(c, dir))
        .try_fold(1, |sum, n| Ok(sum + n?))
}

/// Gives the page to man(1); false when there is none.
fn show(page: &[u8]) -> bool {
    let child = Process::new("man")
        .args(["-l", "-"])
        .stdin(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else { return false };
    if let Some(mut input) = child.stdin.take() {
        // A person who leaves early closes it.
        let _ = input.write_all(page);
    }
    child.wait().is_ok_and(|status| status.success())
}
