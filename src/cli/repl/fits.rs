//! What fits at the cursor of a line: commands of the prompt, and what Lua wants by kind: servers,
//! patterns, stages, tags, files.

use super::commands::COMMANDS;
use crate::cli::completions::{Candidate, World};
use crate::config::{Config, expand_tilde};
use crate::lua::{Reference, Vm, Wanted, What};
use crate::ui::{Fit, Fits};

/// What a line can be completed from.
pub(super) struct Sources<'a> {
    pub vm: &'a Vm,
    pub reference: &'a Reference,
    pub config: &'a Config,
}

impl Sources<'_> {
    /// What fits at the end of `typed`; `next` is what stands behind the cursor.
    pub fn fits(&self, typed: &str, next: &str) -> Fits {
        let line = typed.trim_start();
        if let Some(rest) = line.strip_prefix(':').filter(|r| !r.starts_with(':')) {
            return self.command(rest, next).behind(typed.len() - rest.len());
        }
        if let Some(name) = line.strip_prefix('?') {
            let name = name.trim_start();
            return self.documented(name).behind(typed.len() - name.len());
        }
        match line.starts_with('!') {
            true => Fits::default(),
            false => self.lua(typed, next),
        }
    }

    /// Behind the colon of a command.
    fn command(&self, line: &str, next: &str) -> Fits {
        let Some((word, rest)) = line.split_once(char::is_whitespace) else {
            let names = COMMANDS.iter().map(|(name, ..)| *name);
            return plain(0, names.filter(|name| name.starts_with(line)));
        };
        let rest = rest.trim_start();
        let fits = match word {
            "use" | "ls" => self.kind(rest, What::Pattern(None), next),
            "stage" => match rest.split_once(char::is_whitespace) {
                None => self.stages(rest),
                Some((_, pattern)) => {
                    let pattern = pattern.trim_start();
                    let fits = self.kind(pattern, What::Pattern(None), next);
                    fits.behind(rest.len() - pattern.len())
                }
            },
            "load" => self.kind(rest, What::File(None), next),
            "time" => self.fits(rest, next),
            "help" => self.documented(rest),
            _ => Fits::default(),
        };
        fits.behind(line.len() - rest.len())
    }

    fn lua(&self, typed: &str, next: &str) -> Fits {
        let Wanted { start, what } = self.vm.wanted(self.reference, typed);
        self.kind(&typed[start..], what, next).behind(start)
    }

    fn documented(&self, name: &str) -> Fits {
        let names = self.reference.names();
        plain(
            0,
            names
                .iter()
                .map(String::as_str)
                .filter(|n| n.starts_with(name)),
        )
    }

    /// Names joined by commas.
    fn stages(&self, typed: &str) -> Fits {
        let start = typed.rfind(',').map_or(0, |at| at + 1);
        let fits = self.kind(&typed[start..], What::Stage(None), "");
        fits.behind(start)
    }

    /// What fits in place of `typed`, of that kind.
    fn kind(&self, typed: &str, what: What, next: &str) -> Fits {
        let world = World::at(Some(self.config.clone()));
        // A pattern may go on behind a server.
        let (names, quote, is_whole) = match what {
            What::Words(words) => {
                let fit = |(text, shown): (String, String)| Fit {
                    // What closes it stands there already.
                    text: match text.chars().last().filter(|c| next.starts_with(*c)) {
                        Some(c) => text.trim_end_matches(c).to_owned(),
                        None => text,
                    },
                    shown,
                };
                return Fits {
                    start: 0,
                    list: words.into_iter().map(fit).collect(),
                };
            }
            What::Id(quote) => (values(world.ids("", "")), quote, true),
            What::Pattern(quote) => (values(world.pattern(typed, "")), quote, false),
            What::Stage(quote) => (values(world.modules("stages")), quote, true),
            What::Tag(quote) => (values(world.tags()), quote, true),
            What::File(quote) => return files(typed, quote),
        };
        let escaped = |name: String| match quote {
            Some(quote) => escape(&name, quote),
            None => name,
        };
        let close = quote.filter(|q| is_whole && !next.starts_with(*q));
        let close = close.map(String::from).unwrap_or_default();
        let fit = |name: String| Fit {
            text: name.clone() + &close,
            shown: name,
        };
        let names = names
            .into_iter()
            .map(escaped)
            .filter(|n| n.starts_with(typed));
        Fits {
            start: 0,
            list: names.map(fit).collect(),
        }
    }
}

fn values(candidates: Vec<Candidate>) -> Vec<String> {
    candidates.into_iter().map(|c| c.value).collect()
}

fn plain<'a>(start: usize, names: impl Iterator<Item = &'a str>) -> Fits {
    Fits {
        start,
        list: names.map(Fit::plain).collect(),
    }
}

/// As it is written between those quotes in Lua.
fn escape(text: &str, quote: char) -> String {
    text.replace('\\', "\\\\")
        .replace(quote, &format!("\\{quote}"))
}

/// Files that begin like that: a folder with its slash, hidden ones for who types the dot.
fn files(typed: &str, quote: Option<char>) -> Fits {
    let start = typed.rfind('/').map_or(0, |at| at + 1);
    let (folder, begun) = typed.split_at(start);
    let place = match folder {
        "" => ".".into(),
        folder => expand_tilde(folder),
    };
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    let mut list: Vec<Fit> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let name = quote.map_or(name.clone(), |quote| escape(&name, quote));
            let is_shown =
                name.starts_with(begun) && (!name.starts_with('.') || begun.starts_with('.'));
            let slash = if entry.path().is_dir() { "/" } else { "" };
            is_shown.then(|| Fit::plain(format!("{name}{slash}")))
        })
        .collect();
    list.sort_unstable_by(|a, b| a.text.cmp(&b.text));
    Fits { start, list }
}
