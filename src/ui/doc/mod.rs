//! Documentation on a terminal: a [`Page`] about one thing, or a list of many. Pure.
//!
//! What is documented may be a person's own stage, so all of it is made safe to show.

mod markdown;

pub use markdown::{heading, markdown, table};

use super::sanitize::{one_line, visible};
use super::{Paint, Style, width};

/// Columns before a row.
const INDENT: usize = 2;
/// A name wider than this has what it means on the next line.
const NAMES: usize = 34;
/// Text is not wrapped into fewer columns than this.
const NARROWEST: usize = 24;
/// Text is not wider than this: longer lines are hard to read.
const WIDEST: usize = 100;

/// What there is to say about one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// How it is written: `Server:run(command, opts?) -> mr.Result`.
    pub title: String,
    /// What it is: `method`.
    pub note: String,
    /// Prose; paragraphs are parted by empty lines.
    pub text: String,
    /// Its parts.
    pub tables: Vec<Table>,
    /// Lua that shows its use.
    pub examples: Vec<String>,
    /// What is to be read besides.
    pub see: Vec<String>,
}

/// Some named parts of a thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// What they are: `Options`.
    pub heading: String,
    /// The parts.
    pub rows: Vec<Row>,
}

/// One part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// `timeout?`
    pub name: String,
    /// `number`; may be empty.
    pub ty: String,
    /// `seconds`
    pub text: String,
}

/// The page for a terminal of `columns` columns; not wrapped without.
pub fn page(page: &Page, columns: Option<u16>, style: Style) -> String {
    let room = columns.map(|c| usize::from(c).min(WIDEST));
    let mut text = String::new();
    if !page.title.is_empty() {
        let title = one_line(&page.title);
        text += &style.paint(Paint::Strong, &title);
        if !page.note.is_empty() {
            let note = format!("  ({})", one_line(&page.note));
            text += &style.paint(Paint::Faint, &note);
        }
        text.push('\n');
    }
    if !page.text.is_empty() {
        text.push('\n');
        text += &prose(&page.text, room);
    }
    for table in page.tables.iter().filter(|t| !t.rows.is_empty()) {
        if !text.is_empty() {
            text.push('\n');
        }
        text += &style.paint(Paint::Strong, &one_line(&table.heading));
        text.push('\n');
        text += &rows(&table.rows, room, style);
    }
    for example in &page.examples {
        text += &format!("\n{}\n", style.paint(Paint::Strong, "Example"));
        for line in visible(example.trim_end().as_bytes()).lines() {
            text += format!("{:INDENT$}{line}", "").trim_end();
            text.push('\n');
        }
    }
    if !page.see.is_empty() {
        let list = format!("See also: {}", page.see.join(", "));
        text.push('\n');
        text += &prose(&list, room);
    }
    text
}

/// Paragraphs, wrapped; a line that begins with a blank or a dash stays a line of its own.
fn prose(text: &str, room: Option<usize>) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut open = false;
    for line in visible(text.as_bytes()).lines() {
        let own = line.is_empty() || line.starts_with([' ', '-']);
        match lines.last_mut().filter(|_| open && !own) {
            Some(last) => *last += &format!(" {line}"),
            None => lines.push(line.to_owned()),
        }
        open = !line.is_empty() && !line.starts_with(' ');
    }
    let mut shown = String::new();
    for line in &lines {
        let most = room.unwrap_or(usize::MAX).max(NARROWEST);
        for part in width::wrap(line, most) {
            shown += part;
            shown.push('\n');
        }
    }
    shown
}

/// Names, types and meanings in columns.
fn rows(rows: &[Row], room: Option<usize>, style: Style) -> String {
    let shown: Vec<(String, String, String)> = rows
        .iter()
        .map(|r| {
            (
                one_line(&r.name),
                one_line(&r.ty),
                one_line(&joined(&r.text)),
            )
        })
        .collect();
    let widest = |of: fn(&(String, String, String)) -> &String| {
        let each = shown.iter().map(|r| width::columns(of(r)));
        each.filter(|w| *w <= NAMES).max().unwrap_or(0)
    };
    let (names, types) = (widest(|r| &r.0), widest(|r| &r.1));
    // Where the meanings begin; on a narrow terminal below their names.
    let start = INDENT + names + 2 + if types > 0 { types + 2 } else { 0 };
    let (start, stacked) = match room {
        Some(room) if start + NARROWEST > room => (INDENT + 2, true),
        _ => (start, false),
    };
    let mut text = String::new();
    for (name, ty, meaning) in &shown {
        let mut line = format!("{:INDENT$}{}", "", style.paint(Paint::Strong, name));
        let mut at = INDENT + width::columns(name);
        let mut pad = |line: &mut String, to: usize| {
            let blanks = to.saturating_sub(at).max(2);
            line.push_str(&" ".repeat(blanks));
            at += blanks;
            at
        };
        if !ty.is_empty() {
            let begun = pad(&mut line, INDENT + names + 2);
            line += &style.paint(Paint::Faint, ty);
            at = begun + width::columns(ty);
        }
        if meaning.is_empty() {
            text += &format!("{line}\n");
            continue;
        }
        let most = room.map_or(usize::MAX, |r| r.saturating_sub(start).max(NARROWEST));
        let parts = width::wrap(meaning, most);
        let mut parts = parts.into_iter();
        // What is wider than its column pushes the meaning off its line, unless nothing wraps.
        if !stacked && (at + 2 <= start || room.is_none()) {
            line += &" ".repeat(start.saturating_sub(at).max(2));
            line += parts.next().unwrap_or_default();
        }
        text += &format!("{line}\n");
        for part in parts {
            text += &format!("{:start$}{part}\n", "");
        }
    }
    text
}

/// Text on one line.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run() -> Page {
        let row = |name: &str, ty: &str, text: &str| Row {
            name: name.into(),
            ty: ty.into(),
            text: text.into(),
        };
        Page {
            title: "Server:run(command, opts?) -> mr.Result".into(),
            note: "method".into(),
            text: "Runs a command that may change the\nserver.\n\nRaises when it ends badly:\n- so\n- or so".into(),
            tables: vec![Table {
                heading: "Takes".into(),
                rows: vec![
                    row("command", "mr.Command", "a string is the shell's, the items of a list are quoted"),
                    row("opts?", "mr.RunOpts", ""),
                    row("a_name_that_is_far_too_long_for_a_column", "x", "but is shown"),
                ],
            }],
            examples: vec!["s:run(\"uptime\")\nif true then\n  x()\nend\n".into()],
            see: vec!["Server:test".into(), "mr.try".into()],
        }
    }

    #[test]
    fn a_page_for_a_terminal() {
        insta::assert_snapshot!(page(&run(), Some(60), Style::PLAIN), @r#"
        Server:run(command, opts?) -> mr.Result  (method)

        Runs a command that may change the server.

        Raises when it ends badly:
        - so
        - or so

        Takes
          command  mr.Command  a string is the shell's, the items of
                               a list are quoted
          opts?    mr.RunOpts
          a_name_that_is_far_too_long_for_a_column  x
                               but is shown

        Example
          s:run("uptime")
          if true then
            x()
          end

        See also: Server:test, mr.try
        "#);
        let narrow = page(&run(), Some(30), Style::PLAIN);
        let below = "  command  mr.Command\n    a string is the shell's,\n    the items of a list are\n    quoted\n";
        assert!(narrow.contains(below), "{narrow}");
        let wide = page(&run(), None, Style::PLAIN);
        assert!(
            wide.contains(
                "  command  mr.Command  a string is the shell's, the items of a list are quoted\n"
            ),
            "{wide}"
        );
        assert!(page(&run(), None, Style::new(Some(true), true)).contains("\x1b[1mTakes\x1b[0m"));
    }

    #[test]
    fn a_hostile_stage_cannot_paint_the_screen() {
        let mut hostile = run();
        hostile.title = "x\x1b[2J".into();
        hostile.text = "\x1b]0;me\x07".into();
        hostile.tables[0].rows[0].text = "a\u{202e}b\rc".into();
        hostile.examples = vec!["\x1b[31mred".into()];
        let text = page(&hostile, Some(80), Style::PLAIN);
        assert!(
            !text.contains(['\x1b', '\x07', '\r', '\u{202e}']),
            "{text:?}"
        );
    }

    proptest! {
        #[test]
        fn no_page_panics(text in "[ -a\n服é`|]{0,80}", columns in 0u16..120) {
            let mut any = run();
            any.title = text.clone();
            any.text = text.clone();
            any.tables[0].rows[0] = Row { name: text.clone(), ty: text.clone(), text: text.clone() };
            any.examples = vec![text];
            page(&any, Some(columns), Style::PLAIN);
            markdown(&any, 3);
        }
    }
}
