//! The outputs of a finished run in blocks: servers with the same output together, the majority
//! first; the others whole, or as what differs from it.

use super::alike::{Group, groups, majority};
use super::diff::{Diff, unified};
use super::sanitize::{one_line, visible};
use super::{Paint, Screen, Style};
use crate::error::Result;
use crate::events::Level;
use crate::output::{Output, Stream};

/// A difference of more lines is no help: the whole output is shown instead.
const SMALL: usize = 20;
/// So many changed lines are still a mark and not a text of its own.
const MARK: usize = 8;
/// So many outliers are marked one by one.
const MOST_MARKED: usize = 10;

/// Prints a block for each output. With `reference`, an id, the others are shown as what differs
/// from its output; without, on a terminal, as what differs from the majority's when that is
/// little.
///
/// # Errors
/// Those of [`Screen::result`].
pub(super) fn blocks<'a>(
    screen: &Screen,
    outputs: impl IntoIterator<Item = (&'a str, &'a Output)>,
    reference: Option<&str>,
) -> Result<()> {
    let mut all = groups(outputs);
    if let Some(id) = reference {
        match all.iter().position(|g| g.ids.contains(&id)) {
            Some(at) => all[..=at].rotate_right(1),
            None => {
                let message = "no output of it to compare the others with";
                screen.note(Level::Warning, Some(id), message);
            }
        }
    }
    let is_terminal = screen.is_terminal(Stream::Stdout);
    let base = match reference {
        Some(id) => all.first().filter(|g| g.ids.contains(&id)),
        None => majority(&all).filter(|_| is_terminal),
    };
    for group in &all {
        let other = base.filter(|b| !std::ptr::eq(*b, group));
        let compared = other.and_then(|b| Compared::of(b, group, reference.is_some()));
        let name = other.map(|b| reference.map_or_else(|| b.names(), one_line));
        screen.result(&block(screen, group, name, compared))?;
    }
    Ok(())
}

/// After live output, for a person: how many servers gave the same, and which ones did not.
pub(super) fn marks<'a>(screen: &Screen, outputs: impl IntoIterator<Item = (&'a str, &'a Output)>) {
    let all = groups(outputs);
    let servers: usize = all.iter().map(|g| g.ids.len()).sum();
    let style = screen.style(Stream::Stderr);
    let word = |paint, word: &str| style.paint(paint, &format!("{word:<11}"));
    let Some(base) = majority(&all) else {
        if all.len() < servers {
            let text = format!("{} kinds of output: `--fold` shows who is alike", all.len());
            screen.talk(&format!("{} {text}", word(Paint::Faint, "differ")));
        }
        return;
    };
    if servers < 2 || (all.len() == 1 && base.is_silent()) {
        return;
    }
    screen.talk(&format!("{} {}", word(Paint::Faint, "alike"), base.names()));
    for group in all.iter().skip(1).take(MOST_MARKED) {
        let mut text = format!("{} {}", word(Paint::Notable, "differs"), group.names());
        if let Some(end) = group.end() {
            text.push_str(&format!("  {end}"));
        }
        // What differs from silence has just been seen as it is.
        if let Some(compared) = Compared::of(base, group, false)
            && !base.is_silent()
            && compared.changed() <= MARK
        {
            text.push('\n');
            text.push_str(compared.shown("  ", style).trim_end_matches('\n'));
        }
        screen.talk(&text);
    }
    if all.len() > MOST_MARKED + 1 {
        let more = all.len() - MOST_MARKED - 1;
        screen.talk(&format!(
            "{} and {more} more",
            word(Paint::Notable, "differ")
        ));
    }
}

/// Two outputs, stream by stream.
struct Compared {
    stdout: Diff,
    stderr: Diff,
}

impl Compared {
    /// What differs; `None` when the whole output tells it better, unless a difference is `wanted`
    /// and can be had.
    fn of(base: &Group<'_>, group: &Group<'_>, wanted: bool) -> Option<Self> {
        let compared = Compared {
            stdout: unified(&base.output.stdout, &group.output.stdout)?,
            stderr: unified(&base.output.stderr, &group.output.stderr)?,
        };
        let newlines = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'\n').count();
        let whole = newlines(&group.output.stdout) + newlines(&group.output.stderr);
        let lines = compared.stdout.len() + compared.stderr.len();
        let is_help = compared.changed() <= SMALL && (lines < whole || compared.changed() <= MARK);
        (wanted || is_help).then_some(compared)
    }

    fn changed(&self) -> usize {
        self.stdout.changed + self.stderr.changed
    }

    /// The two with their names, those without a difference left out.
    fn parts(&self) -> impl Iterator<Item = (&'static str, &Diff)> {
        let parts = [("", &self.stdout), ("stderr\n", &self.stderr)];
        parts.into_iter().filter(|(_, diff)| diff.len() > 0)
    }

    fn shown(&self, indent: &str, style: Style) -> String {
        let part = |(name, diff): (&str, &Diff)| {
            let name = if name.is_empty() {
                String::new()
            } else {
                format!("{indent}{name}")
            };
            name + &diff.shown(indent, style)
        };
        self.parts().map(part).collect()
    }

    fn bytes(&self) -> Vec<u8> {
        let part = |(name, diff): (&str, &Diff)| [name.as_bytes(), &diff.bytes()].concat();
        self.parts().flat_map(part).collect()
    }
}

/// A head between two rules, and what was printed. `base` names what this group was compared with.
fn block(
    screen: &Screen,
    group: &Group<'_>,
    base: Option<String>,
    compared: Option<Compared>,
) -> Vec<u8> {
    let style = screen.style(Stream::Stdout);
    let mut head = group.names();
    if let Some(end) = group.end() {
        head.push_str(&format!("  {end}"));
    }
    let differs = match (base, &compared) {
        (Some(base), Some(_)) => format!("  differs from {base}"),
        (Some(_), None) => "  differs".to_owned(),
        (None, _) => String::new(),
    };
    let length = head.chars().count() + differs.chars().count();
    let rule = style.paint(Paint::Faint, &"-".repeat(length.clamp(15, 78)));
    let head = style.paint(Paint::Strong, &head) + &style.paint(Paint::Notable, &differs);
    let mut block = format!("{rule}\n{head}\n{rule}\n").into_bytes();
    let is_terminal = screen.is_terminal(Stream::Stdout);
    match compared {
        Some(compared) if is_terminal => block.extend(compared.shown("", style).into_bytes()),
        Some(compared) => block.extend(compared.bytes()),
        None => {
            for bytes in [&group.output.stdout, &group.output.stderr] {
                match is_terminal {
                    true => block.extend(visible(bytes).into_bytes()),
                    false => block.extend_from_slice(bytes),
                }
                if block.last() != Some(&b'\n') {
                    block.push(b'\n');
                }
            }
        }
    }
    block
}
