//! The same pages as Markdown (CommonMark with GitHub's tables).

use super::{Page, joined};
use crate::ui::sanitize::visible;

/// A page below a heading of that level.
pub fn markdown(page: &Page, level: usize) -> String {
    let mut text = match page.title.is_empty() {
        true => String::new(),
        false => heading(&code(&page.title), level),
    };
    if !page.note.is_empty() {
        text += &format!("*{}*\n\n", escaped(&page.note));
    }
    if !page.text.is_empty() {
        text += &format!("{}\n\n", prose(&page.text));
    }
    for part in page.tables.iter().filter(|t| !t.rows.is_empty()) {
        let typed = part.rows.iter().any(|r| !r.ty.is_empty());
        let rows = part.rows.iter().map(|row| {
            let ty = match row.ty.is_empty() {
                true => String::new(),
                false => code(&row.ty),
            };
            let mut cells = vec![code(&row.name), ty, prose(&joined(&row.text))];
            if !typed {
                cells.remove(1);
            }
            cells
        });
        let titles = match typed {
            true => &[part.heading.as_str(), "type", ""][..],
            false => &[part.heading.as_str(), ""],
        };
        text += &table(titles, rows);
        text.push('\n');
    }
    for example in &page.examples {
        text += &format!(
            "```lua\n{}\n```\n\n",
            visible(example.trim_end().as_bytes())
        );
    }
    if !page.see.is_empty() {
        let list: Vec<String> = page.see.iter().map(|s| code(s)).collect();
        text += &format!("See also {}.\n\n", list.join(", "));
    }
    text
}

/// A heading of that level, and the empty line below it.
pub fn heading(text: &str, level: usize) -> String {
    format!("{} {text}\n\n", "#".repeat(level))
}

/// A table; the cells are Markdown already.
pub fn table(titles: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| {
        let cells = cells.iter().map(|cell| cell.replace('|', "\\|"));
        let line = format!("| {} |", cells.collect::<Vec<_>>().join(" | "));
        line.replace("|  |", "| |") + "\n"
    };
    let titles: Vec<String> = titles.iter().map(|t| escaped(t)).collect();
    let mut text = line(&titles);
    text += &format!("|{}\n", "---|".repeat(titles.len()));
    for row in rows {
        text += &line(&row);
    }
    text
}

/// Text as code, whatever is in it.
fn code(text: &str) -> String {
    let text = visible(joined(text).as_bytes());
    match text.contains('`') {
        true => format!("`` {text} ``"),
        false => format!("`{text}`"),
    }
}

/// Prose that is written with backticks already.
fn prose(text: &str) -> String {
    escaped(&visible(text.as_bytes()))
}

/// Without what Markdown would take for its own, outside of backticks.
fn escaped(text: &str) -> String {
    let mut inside = false;
    let mut shown = String::new();
    for c in text.chars() {
        inside ^= c == '`';
        if !inside && matches!(c, '<' | '>' | '*' | '_' | '[' | ']') {
            shown.push('\\');
        }
        shown.push(c);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::super::{Row, Table};
    use super::*;

    #[test]
    fn a_page_as_markdown() {
        let page = Page {
            title: "f(a) -> x|y".into(),
            note: "function of a_b".into(),
            text: "Gives `a<b>` of <it>.".into(),
            tables: vec![Table {
                heading: "Takes".into(),
                rows: vec![Row {
                    name: "a".into(),
                    ty: "x|y".into(),
                    text: "one of `x|y`".into(),
                }],
            }],
            examples: vec!["f(1)\n".into()],
            see: vec!["g".into()],
        };
        insta::assert_snapshot!(markdown(&page, 3), @r"
        ### `f(a) -> x|y`

        *function of a\_b*

        Gives `a<b>` of \<it\>.

        | Takes | type | |
        |---|---|---|
        | `a` | `x\|y` | one of `x\|y` |

        ```lua
        f(1)
        ```

        See also `g`.
        ");
    }
}
