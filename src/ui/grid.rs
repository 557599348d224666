//! [`Grid`]: titles and cells as columns of text that fit a terminal. Pure.
//!
//! What is too wide loses its empty columns first, then its least important ones, then cells wrap.
//! Widths are those of a terminal, so that wide characters and emoji line up.

use super::sanitize::one_line;
use super::{Paint, Style, width};

/// Spaces between columns.
const GAP: usize = 2;
/// A column is not dropped for the sake of text longer than this: that wraps.
const WISH: usize = 24;
/// Columns are not made narrower than this for the terminal's sake: text of a few characters a
/// line is worse to read than a table that is too wide.
const NARROWEST: usize = 12;

/// One column.
#[derive(Debug, Clone)]
pub struct Column {
    /// What stands above it.
    pub title: String,
    /// Numbers stand at its right side.
    pub is_right: bool,
    /// The least important column goes first when there is no room; [`Column::KEPT`] never goes.
    pub weight: u8,
}

impl Column {
    /// The weight of a column that is never dropped.
    pub const KEPT: u8 = u8::MAX;

    /// A column of text.
    pub fn new(title: impl Into<String>, weight: u8) -> Self {
        Column {
            title: title.into(),
            is_right: false,
            weight,
        }
    }

    /// The same with its text at the right side.
    #[must_use]
    pub fn right(mut self) -> Self {
        self.is_right = true;
        self
    }
}

/// One cell.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    text: String,
    paint: Option<Paint>,
}

impl Cell {
    /// Any text; control characters become visible.
    pub fn new(text: &str) -> Self {
        Cell {
            text: one_line(text),
            paint: None,
        }
    }

    /// The same in that paint.
    #[must_use]
    pub fn painted(mut self, paint: impl Into<Option<Paint>>) -> Self {
        self.paint = paint.into();
        self
    }
}

/// A table to be.
#[derive(Debug, Clone)]
pub struct Grid {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// A table as text.
#[derive(Debug, PartialEq, Eq)]
pub struct Laid {
    /// A line for the titles, then the rows; each ends with a newline.
    pub text: String,
    /// Titles of columns that were left out although they hold something.
    pub dropped: Vec<String>,
}

impl Grid {
    /// A table without rows.
    pub fn new(columns: Vec<Column>) -> Self {
        Grid {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row: a cell for each column.
    pub fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// The table for a terminal of `columns` columns; without one it is as wide as it is.
    pub fn lay(&self, columns: Option<u16>, style: Style) -> Laid {
        let natural: Vec<usize> = (0..self.columns.len()).map(|at| self.natural(at)).collect();
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        let mut widths = natural.clone();
        let mut dropped = Vec::new();
        if let Some(most) = columns.map(usize::from).filter(|m| total(&natural) > *m) {
            shown.retain(|at| self.columns[*at].weight == Column::KEPT || !self.is_empty(*at));
            let wish = |at: &usize| natural[*at].min(WISH);
            while total(&shown.iter().map(wish).collect::<Vec<_>>()) > most {
                let least = shown
                    .iter()
                    .rev()
                    .min_by_key(|at| self.columns[**at].weight);
                let Some(at) = least
                    .copied()
                    .filter(|at| self.columns[*at].weight < Column::KEPT)
                else {
                    break;
                };
                shown.retain(|other| *other != at);
                dropped.push(at);
            }
            widths = shrunk(shown.iter().map(|at| natural[*at]).collect(), most);
        }
        dropped.sort_unstable();
        let mut text = String::new();
        let titles: Vec<Cell> = self.columns.iter().map(|c| Cell::new(&c.title)).collect();
        self.line(&mut text, &titles, &shown, &widths, Style::PLAIN);
        let head: Vec<String> = text
            .lines()
            .map(|l| style.paint(Paint::Strong, l))
            .collect();
        let mut text = head.join("\n") + "\n";
        for row in &self.rows {
            self.line(&mut text, row, &shown, &widths, style);
        }
        let title = |at: usize| self.columns[at].title.clone();
        Laid {
            text,
            dropped: dropped.into_iter().map(title).collect(),
        }
    }

    fn natural(&self, at: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(at));
        let widest = cells.map(|cell| width::columns(&cell.text)).max();
        widest
            .unwrap_or(0)
            .max(width::columns(&self.columns[at].title))
    }

    fn is_empty(&self, at: usize) -> bool {
        let mut cells = self.rows.iter().filter_map(|row| row.get(at));
        cells.all(|cell| cell.text.is_empty())
    }

    /// One row, on as many lines as its highest cell needs.
    fn line(
        &self,
        text: &mut String,
        row: &[Cell],
        shown: &[usize],
        widths: &[usize],
        style: Style,
    ) {
        let none = Cell::default();
        let cells: Vec<(&Cell, Vec<&str>, bool, usize)> = shown
            .iter()
            .zip(widths)
            .map(|(at, wide)| {
                let cell = row.get(*at).unwrap_or(&none);
                let lines = width::wrap(&cell.text, *wide);
                (cell, lines, self.columns[*at].is_right, *wide)
            })
            .collect();
        let height = cells.iter().map(|(_, lines, ..)| lines.len()).max();
        for n in 0..height.unwrap_or(0) {
            let mut pending = 0;
            for (cell, lines, is_right, wide) in &cells {
                let part = lines.get(n).map_or("", |l| l.trim_end_matches(' '));
                let rest = wide.saturating_sub(width::columns(part));
                if part.is_empty() {
                    pending += wide + GAP;
                    continue;
                }
                let before = pending + if *is_right { rest } else { 0 };
                text.push_str(&" ".repeat(before));
                match cell.paint {
                    Some(paint) => text.push_str(&style.paint(paint, part)),
                    None => text.push_str(part),
                }
                // No blanks at the end of a line.
                pending = GAP + if *is_right { 0 } else { rest };
            }
            text.push('\n');
        }
    }
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// Takes from the widest columns until all fit, or until none has anything to give.
fn shrunk(mut widths: Vec<usize>, most: usize) -> Vec<usize> {
    let mut excess = total(&widths).saturating_sub(most);
    while excess > 0 {
        let widest = widths.iter().copied().max().unwrap_or(0);
        if widest <= NARROWEST {
            break;
        }
        // Down to the next widest, or as far as it is needed, all of that width alike.
        let next = widths.iter().copied().filter(|w| *w < widest).max();
        let floor = next.unwrap_or(0).max(NARROWEST);
        let alike = widths.iter().filter(|w| **w == widest).count();
        let each = (widest - floor).min(excess.div_ceil(alike));
        for width in widths.iter_mut().filter(|w| **w == widest) {
            *width -= each;
            excess = excess.saturating_sub(each);
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grid(weights: &[u8], rows: &[&[&str]]) -> Grid {
        let titles = ["ID", "HOST", "PORT", "NOTE"];
        let columns = titles.iter().zip(weights);
        let mut grid = Grid::new(columns.map(|(t, w)| Column::new(*t, *w)).collect());
        for row in rows {
            grid.push(row.iter().map(|text| Cell::new(text)).collect());
        }
        grid
    }

    fn plain(grid: &Grid, columns: u16) -> Laid {
        grid.lay(Some(columns), Style::PLAIN)
    }

    #[test]
    fn wide_characters_line_up() {
        let mut grid = Grid::new(vec![
            Column::new("ID", Column::KEPT),
            Column::new("N", 1).right(),
            Column::new("X", 1),
        ]);
        for (id, n) in [
            ("服务器-1", "7"),
            ("e\u{301}", "1234"),
            ("👩‍💻", ""),
            ("a\u{1b}[2J", "22"),
        ] {
            grid.push(vec![Cell::new(id), Cell::new(n), Cell::new("|")]);
        }
        insta::assert_snapshot!(grid.lay(None, Style::PLAIN).text, @r"
        ID           N  X
        服务器-1     7  |
        é         1234  |
        👩‍💻              |
        a^[[2J      22  |
        ");
    }

    #[test]
    fn room_is_made_in_order() {
        let all: &[&[&str]] = &[
            &[
                "web-1",
                "10.0.0.1",
                "",
                "a description of many words, longer than anything else",
            ],
            &["web-2", "10.0.0.2", "", ""],
        ];
        let grid = grid(&[Column::KEPT, 9, 5, 3], all);
        let wide = plain(&grid, 300);
        assert!(wide.text.contains("PORT") && wide.dropped.is_empty());
        let wrapped = plain(&grid, 50);
        insta::assert_snapshot!(wrapped.text, @r"
        ID     HOST      NOTE
        web-1  10.0.0.1  a description of many words,
                         longer than anything else
        web-2  10.0.0.2
        ");
        assert!(wrapped.dropped.is_empty(), "an empty column is no loss");
        let narrow = plain(&grid, 20);
        insta::assert_snapshot!(narrow.text, @r"
        ID     HOST
        web-1  10.0.0.1
        web-2  10.0.0.2
        ");
        assert_eq!(narrow.dropped, ["NOTE"]);
        for columns in [0, 1, 5] {
            assert_eq!(plain(&grid, columns).text, "ID\nweb-1\nweb-2\n");
            assert_eq!(plain(&grid, columns).dropped, ["HOST", "NOTE"]);
        }
    }

    #[test]
    fn paint_takes_no_room() {
        let mut grid = grid(&[Column::KEPT, 1], &[]);
        let style = Style::new(Some(true), true);
        grid.push(vec![
            Cell::new("a").painted(Paint::Faint),
            Cell::new("b").painted(Paint::Good),
        ]);
        let text = grid.lay(Some(80), style).text;
        assert_eq!(
            text,
            "\x1b[1mID  HOST\x1b[0m\n\x1b[2ma\x1b[0m   \x1b[32mb\x1b[0m\n"
        );
    }

    proptest! {
        #[test]
        fn it_fits_or_only_the_kept_are_left(
            rows in proptest::collection::vec(proptest::collection::vec("[a-z服 ]{0,40}", 4), 0..6),
            columns in 0u16..90,
        ) {
            let rows: Vec<Vec<&str>> = rows.iter().map(|r| r.iter().map(String::as_str).collect()).collect();
            let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
            let laid = plain(&grid(&[Column::KEPT, 9, 5, 3], &rows), columns);
            let widest = laid.text.lines().map(width::columns).max().unwrap_or(0);
            prop_assert!(widest <= usize::from(columns).max(NARROWEST), "{}", laid.text);
            prop_assert!(laid.text.lines().all(|l| !l.ends_with(' ')));
        }
    }
}
