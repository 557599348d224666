//! How many columns text takes on a terminal, and text cut or wrapped to columns.
//!
//! Counted in grapheme clusters, so that an emoji of several characters or a letter with its marks
//! is never torn. Escape sequences for colours (SGR, the only ones that this program prints) take
//! no room.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Columns that `text` takes. It has no control characters but colours.
pub fn columns(text: &str) -> usize {
    match text.is_ascii() && !text.contains('\x1b') {
        true => text.len(),
        false => pieces(text).map(|(_, wide)| wide).sum(),
    }
}

/// As much of `text` as `most` columns hold, with every colour that it sets or ends.
pub fn cut(text: &str, most: usize) -> String {
    let (mut kept, mut taken) = (String::new(), 0);
    for (piece, wide) in pieces(text) {
        // What comes after the first that does not fit does not fit either.
        taken += wide;
        if taken <= most || piece.starts_with('\x1b') {
            kept.push_str(piece);
        }
    }
    kept
}

/// The byte at which the first `most` columns of uncoloured `text` end; at least one cluster.
pub fn split(text: &str, most: usize) -> usize {
    // A printable ASCII character is one column.
    if text.len() <= most {
        return text.len();
    }
    if most > 0 && text.as_bytes()[..=most].is_ascii() {
        return most;
    }
    let mut taken = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        taken += cluster.width();
        if taken > most && at > 0 {
            return at;
        }
    }
    text.len()
}

/// Uncoloured `text` in lines of at most `most` columns, broken between words where that works.
pub fn wrap(text: &str, most: usize) -> Vec<&str> {
    let (mut lines, mut rest) = (Vec::new(), text);
    loop {
        let end = split(rest, most.max(1));
        if end == rest.len() {
            lines.push(rest);
            return lines;
        }
        // The blank itself may stand where the line is full.
        let blank = match rest[end..].starts_with(' ') {
            true => Some(end),
            false => rest[..end].rfind(' ').filter(|at| *at > 0),
        };
        let at = blank.unwrap_or(end);
        lines.push(rest[..at].trim_end_matches(' '));
        rest = match blank {
            Some(_) => rest[at..].trim_start_matches(' '),
            None => &rest[at..],
        };
        if rest.is_empty() {
            return lines;
        }
    }
}

/// Clusters and colour sequences, with the columns of each.
fn pieces(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if let Some(end) = rest.strip_prefix("\x1b[").and_then(|r| r.find('m')) {
            let (sequence, after) = rest.split_at(end + 3);
            rest = after;
            return Some((sequence, 0));
        }
        let cluster = rest.graphemes(true).next()?;
        rest = &rest[cluster.len()..];
        Some((cluster, cluster.width()))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wide_and_joined_characters() {
        for (text, wide) in [
            ("", 0),
            ("web", 3),
            ("服务器", 6),
            ("e\u{301}", 1),
            ("👩‍💻", 2),
            ("\x1b[31mred\x1b[0m", 3),
        ] {
            assert_eq!(columns(text), wide, "{text}");
        }
        assert_eq!(cut("\x1b[31mred\x1b[0m", 2), "\x1b[31mre\x1b[0m");
        assert_eq!(cut("服务器", 3), "服");
        assert_eq!(split("服务器", 1), 3, "at least one");
    }

    #[test]
    fn lines_break_between_words() {
        for (text, most, lines) in [
            ("", 5, &[""][..]),
            ("one two", 7, &["one two"]),
            ("one two", 6, &["one", "two"]),
            ("one two", 3, &["one", "two"]),
            ("one   two", 4, &["one", "two"]),
            ("abcdefgh", 3, &["abc", "def", "gh"]),
            ("服务器", 4, &["服务", "器"]),
            (" ab", 2, &[" a", "b"]),
            ("ab", 0, &["a", "b"]),
        ] {
            assert_eq!(wrap(text, most), lines, "{text:?} in {most}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_too_wide_and_nothing_is_lost(text in "[ a-c服é💻\u{301}]{0,40}", most in 2usize..12) {
            let lines = wrap(&text, most);
            prop_assert!(lines.iter().all(|l| columns(l) <= most), "{lines:?}");
            let letters = |t: &str| t.replace(' ', "");
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
            prop_assert!(columns(&cut(&text, most)) <= most);
        }
    }
}
