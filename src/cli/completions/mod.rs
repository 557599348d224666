//! `mroom completions`: the script for a shell; and what that script asks for at each Tab.
//!
//! The scripts hand the words before the cursor to `mroom __complete SHELL` and show what it
//! prints: a line that says whether file names fit too, then one candidate a line. That looks and
//! never acts: it makes no database, reaches no server, opens no secret, and is silent whatever
//! is wrong.

mod line;
mod tunnels;
mod values;
mod wants;
mod world;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::ValueEnum;

use super::args;
use crate::error::Result;
use crate::ui::Screen;
pub(super) use values::Candidate;
use values::{Found, complete};
pub(super) use world::World;

/// The hidden first word with which the scripts ask.
const ASK: &str = "__complete";

/// A shell that completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    // No doc comments: they would spread out the help.
    Bash,
    Zsh,
    Fish,
}

/// Print what makes your shell complete commands, servers, tags and stages.
///
/// The script says in its first lines where to put it. It asks `mroom` at each Tab, so that the
/// names are always those of now.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  source <(mroom completions bash)        in ~/.bashrc
  source <(mroom completions zsh)         in ~/.zshrc
  mroom completions fish > ~/.config/fish/completions/mroom.fish")]
pub struct Args {
    /// For which shell.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script.
pub fn run(screen: &Screen, args: &Args) -> Result<u8> {
    let script = match args.shell {
        Shell::Bash => include_str!("mroom.bash"),
        Shell::Zsh => include_str!("mroom.zsh"),
        Shell::Fish => include_str!("mroom.fish"),
    };
    screen.result(script.as_bytes())?;
    Ok(0)
}

/// Answers a script, when it is one that asks.
pub fn asked(words: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut words = words.into_iter().skip(1);
    if words.next()?.to_str() != Some(ASK) {
        return None;
    }
    let words: Vec<String> = words.map(|w| w.to_string_lossy().into_owned()).collect();
    if let Some(text) = answer(&words) {
        // A shell that does not listen any more is no trouble.
        let _ = std::io::stdout().write_all(text.as_bytes());
    }
    Some(ExitCode::SUCCESS)
}

/// What the script of the shell `words[0]` is told. Bash hands over its break characters and its
/// line, the others the words; fish leaves the quotes in the last one.
fn answer(words: &[String]) -> Option<String> {
    let mut root = args::command();
    root.build();
    let (shell, words) = words.split_first()?;
    let line = match (shell.as_str(), words) {
        ("bash", [breaks, text]) => {
            let mut line = line::read(text, breaks);
            line.before = line.before.split_off(1.min(line.before.len()));
            line
        }
        ("zsh", [before @ .., word]) => line::Line {
            before: before.to_vec(),
            word: word.clone(),
            ..line::Line::default()
        },
        ("fish", [before @ .., word]) => line::Line {
            before: before.to_vec(),
            word: line::read(word, "").word,
            ..line::Line::default()
        },
        _ => return None,
    };
    let Found { list, files } = complete(&root, &line.before, &line.word);
    let mut text = format!("{files}\n");
    for candidate in list {
        let value = match (shell.as_str(), files.any()) {
            ("bash", false) => line.insertion(&candidate.value),
            ("bash", true) => line.plain_insertion(&candidate.value),
            _ => Some(format!("{}\t{}", candidate.value, candidate.about)),
        };
        if let Some(value) = value {
            text.push_str(&value);
            text.push('\n');
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(words: &[&str]) -> Option<String> {
        answer(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn each_shell_is_told_in_its_way() {
        let bash = told(&["bash", " =:", "mroom secrets l"]);
        assert_eq!(bash.as_deref(), Some("-\nlock\n"));
        let zsh = told(&["zsh", "secrets", "l"]).unwrap();
        assert!(zsh.starts_with("-\nlock\tFrom now on"), "{zsh}");
        assert_eq!(told(&["fish", "secrets", "'l"]).unwrap(), zsh);
        for wrong in [&[][..], &["bash"], &["zsh"], &["fish"], &["tcsh", "x"]] {
            assert_eq!(told(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in r#"mroom [ a-z'"\\=;@$,:!-]{0,30}"#) {
            answer(&["bash".into(), " =:".into(), line]);
        }
    }
}
