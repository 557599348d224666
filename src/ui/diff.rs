//! What differs between two outputs, as a unified diff. Pure.

use std::time::{Duration, Instant};

use similar::{Algorithm, DiffTag, capture_diff_slices_deadline, group_diff_ops};

use super::sanitize::visible;
use super::{Paint, Style};

/// Lines that are the same and shown around a change.
const CONTEXT: usize = 3;
/// Outputs of more lines are not compared line by line.
const MOST_LINES: usize = 100_000;
/// After this long a difference need not be the shortest any more.
const PATIENCE: Duration = Duration::from_millis(500);

/// A unified diff.
#[derive(Debug, Default)]
pub(super) struct Diff {
    /// Lines that are only in one of the two.
    pub changed: usize,
    /// Each line with its mark: `@`, blank, `-` or `+`.
    lines: Vec<(u8, Vec<u8>)>,
}

/// Compares two streams; `None` when they are too long for it.
pub(super) fn unified(old: &[u8], new: &[u8]) -> Option<Diff> {
    let (old, new) = (lines(old), lines(new));
    if old.len().max(new.len()) > MOST_LINES {
        return None;
    }
    let until = Instant::now() + PATIENCE;
    let ops = capture_diff_slices_deadline(Algorithm::Myers, &old, &new, Some(until));
    let mut diff = Diff::default();
    for hunk in group_diff_ops(ops, CONTEXT) {
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else {
            continue;
        };
        let range =
            |from: std::ops::Range<usize>, to: std::ops::Range<usize>| match to.end - from.start {
                // An empty range is named by the line before it.
                0 => format!("{},0", from.start),
                1 => format!("{}", from.start + 1),
                n => format!("{},{n}", from.start + 1),
            };
        let head = format!(
            "@@ -{} +{} @@\n",
            range(first.old_range(), last.old_range()),
            range(first.new_range(), last.new_range())
        );
        diff.lines.push((b'@', head.into_bytes()));
        for op in &hunk {
            let (tag, before, after) = op.as_tag_tuple();
            if tag == DiffTag::Equal {
                before.for_each(|at| diff.push(b' ', old[at]));
                continue;
            }
            diff.changed += before.len() + after.len();
            before.for_each(|at| diff.push(b'-', old[at]));
            after.for_each(|at| diff.push(b'+', new[at]));
        }
    }
    Some(diff)
}

/// Lines with their ends.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|b| *b == b'\n').collect()
}

impl Diff {
    /// How many lines it takes.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    fn push(&mut self, mark: u8, line: &[u8]) {
        let mut text = vec![mark];
        text.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            // As diff(1) writes it.
            text.extend_from_slice(b"\n\\ No newline at end of file\n");
        }
        self.lines.push((mark, text));
    }

    /// The text as it is, for a file or pipe.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.lines
            .iter()
            .flat_map(|(_, line)| line.clone())
            .collect()
    }

    /// The text for a terminal, each line behind `indent`.
    pub(super) fn shown(&self, indent: &str, style: Style) -> String {
        let mut text = String::new();
        for (mark, line) in &self.lines {
            for part in visible(line).lines() {
                let part = match mark {
                    b'-' => style.paint(Paint::Bad, part),
                    b'+' => style.paint(Paint::Good, part),
                    b'@' => style.paint(Paint::Faint, part),
                    _ => part.to_owned(),
                };
                text.push_str(&format!("{indent}{part}\n"));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(old: &str, new: &str) -> String {
        let diff = unified(old.as_bytes(), new.as_bytes()).unwrap();
        String::from_utf8(diff.bytes()).unwrap()
    }

    #[test]
    fn as_diff_writes_it() {
        assert_eq!(text("a\n", "a\n"), "");
        assert_eq!(text("", "a\n"), "@@ -0,0 +1 @@\n+a\n");
        assert_eq!(
            text("a\nb\nc\n", "a\nB\nc\n"),
            "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
        );
        assert_eq!(
            text("a", "b"),
            "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n"
        );
        let long: Vec<String> = (1..=20).map(|n| format!("{n}\n")).collect();
        let changed = long.concat().replace("10\n", "ten\n");
        assert_eq!(
            text(&long.concat(), &changed),
            "@@ -7,7 +7,7 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n"
        );
        assert_eq!(unified(b"a\nb\n", b"b\nc\nd\n").unwrap().changed, 3);
    }

    #[test]
    fn on_a_terminal_nothing_acts() {
        let diff = unified(b"a\n", b"\x1b[2J\xff\n").unwrap();
        assert_eq!(
            diff.shown("  ", Style::PLAIN),
            "  @@ -1 +1 @@\n  -a\n  +^[[2J\\xff\n"
        );
        assert!(unified(&b"x\n".repeat(MOST_LINES + 1), b"").is_none());
    }

    proptest! {
        #[test]
        fn the_new_text_is_what_it_says(old in "([abc]\n){0,12}", new in "([abc]\n){0,12}") {
            // Applies the hunks as patch(1) does.
            let before: Vec<&str> = old.split_inclusive('\n').collect();
            let (mut made, mut at) = (String::new(), 0);
            let diff = unified(old.as_bytes(), new.as_bytes()).unwrap();
            for (mark, line) in &diff.lines {
                let line = std::str::from_utf8(line).unwrap();
                if *mark == b'@' {
                    let range = line.split(['-', ' ']).nth(2).unwrap();
                    let (from, count) = range.split_once(',').unwrap_or((range, "1"));
                    let from: usize = from.parse().unwrap();
                    let begin = if count == "0" { from } else { from - 1 };
                    made.extend(before[at..begin].iter().copied());
                    at = begin;
                    continue;
                }
                if *mark != b'+' {
                    prop_assert_eq!(before[at], &line[1..]);
                    at += 1;
                }
                if *mark != b'-' {
                    made.push_str(&line[1..]);
                }
            }
            made.extend(before[at..].iter().copied());
            prop_assert_eq!(made, new);
        }
    }
}
