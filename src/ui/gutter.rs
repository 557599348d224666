//! Live output of several servers on a terminal: each line behind its server's id and a gutter.
//!
//! What a server prints never stands at the left edge: a line that is too long is wrapped behind
//! the gutter too, or its tail could pass for another server's line.

use super::lines::LONGEST;
use super::sanitize::visible;
use super::{Paint, Style, width};
use crate::output::Stream;

/// Ids are padded to one width, up to this one: a single long id must not push all the others.
const WIDEST_ID: usize = 24;
/// Fewer columns than this beside the gutter are no use: then the terminal wraps.
const NARROWEST: usize = 10;
/// Where tabulators stop.
const TAB: usize = 8;

/// The width to which these ids are padded.
pub(super) fn id_width<'a>(ids: impl IntoIterator<Item = &'a str>) -> usize {
    let widths = ids.into_iter().map(width::columns);
    widths.filter(|w| *w <= WIDEST_ID).max().unwrap_or(0)
}

/// One stream of one server.
#[derive(Debug)]
pub(super) struct Gutter {
    /// Before a line.
    first: String,
    /// Before what is left of it.
    more: String,
    /// Columns that both take.
    taken: usize,
    pending: Vec<u8>,
}

impl Gutter {
    /// The gutter of that stream of `id` (in which nothing is left to make visible): `|` for
    /// standard output, `!` for standard error.
    pub(super) fn new(id: &str, id_width: usize, stream: Stream, style: Style) -> Self {
        let bar = match stream {
            Stream::Stdout => style.paint(Paint::Faint, "|"),
            Stream::Stderr => style.paint(Paint::Notable, "!"),
        };
        let wide = width::columns(id);
        let pad = " ".repeat(id_width.saturating_sub(wide));
        let taken = wide.max(id_width) + 3;
        Gutter {
            first: format!("{}{pad} {bar} ", style.server(id)),
            more: format!("{} {bar} ", " ".repeat(taken - 3)),
            taken,
            pending: Vec::new(),
        }
    }

    /// Takes a piece; gives the lines that it completes, for a terminal of `columns` columns.
    pub(super) fn feed(&mut self, mut bytes: &[u8], columns: Option<u16>) -> String {
        let mut done = String::new();
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            self.pending.extend_from_slice(&bytes[..end]);
            self.line(&mut done, columns);
            bytes = &bytes[end + 1..];
        }
        self.pending.extend_from_slice(bytes);
        if bytes.contains(&b'\r') {
            // Of a progress bar that is drawn over and over, the last state counts.
            let kept = last_state(&self.pending).len();
            self.pending.drain(..self.pending.len() - kept);
            while self.pending.ends_with(b"\r\r") {
                self.pending.pop();
            }
        }
        if self.pending.len() > LONGEST {
            self.line(&mut done, columns);
        }
        done
    }

    /// The last line when it has no end.
    pub(super) fn finish(&mut self, columns: Option<u16>) -> String {
        let mut done = String::new();
        if !self.pending.is_empty() {
            self.line(&mut done, columns);
        }
        done
    }

    fn line(&mut self, done: &mut String, columns: Option<u16>) {
        let bytes = std::mem::take(&mut self.pending);
        let state = last_state(&bytes);
        let end = state
            .iter()
            .rposition(|b| *b != b'\r')
            .map_or(0, |at| at + 1);
        let text = without_tabs(visible(&state[..end]));
        let room = columns.map(|c| usize::from(c).saturating_sub(self.taken).max(NARROWEST));
        let (mut rest, mut before) = (text.as_str(), &self.first);
        loop {
            let at = room.map_or(rest.len(), |room| width::split(rest, room));
            let (part, after) = rest.split_at(at);
            done.push_str(before);
            done.push_str(part);
            done.push('\n');
            if after.is_empty() {
                return;
            }
            (rest, before) = (after, &self.more);
        }
    }
}

/// What stands on the line once every carriage return has gone back to its begin. Those at the end
/// have written nothing over it yet.
fn last_state(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|b| *b != b'\r').unwrap_or(0);
    let begin = line[..end].iter().rposition(|b| *b == b'\r');
    &line[begin.map_or(0, |at| at + 1)..]
}

/// Blanks in place of tabulators, whose width depends on where the text stands.
fn without_tabs(text: String) -> String {
    if !text.contains('\t') {
        return text;
    }
    let mut plain = String::with_capacity(text.len() + TAB);
    let mut at = 0;
    for (n, part) in text.split('\t').enumerate() {
        if n > 0 {
            let blanks = TAB - at % TAB;
            plain.push_str(&" ".repeat(blanks));
            at += blanks;
        }
        at += width::columns(part);
        plain.push_str(part);
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &[u8], columns: u16) -> String {
        let mut gutter = Gutter::new("web-1", 6, Stream::Stdout, Style::PLAIN);
        let mut all = gutter.feed(text, Some(columns));
        all += &gutter.finish(Some(columns));
        all
    }

    #[test]
    fn lines_behind_an_id() {
        for (text, expected) in [
            (&b""[..], ""),
            (b"one\n\ntwo", "web-1  | one\nweb-1  | \nweb-1  | two\n"),
            (b"crlf\r\n", "web-1  | crlf\n"),
            (b" 10%\r 50%\r100%\r\n", "web-1  | 100%\n"),
            (b" 10%\r 50%\r", "web-1  |  50%\n"),
            (b"\r\r\n", "web-1  | \n"),
            (b"a\tb\n\tc\n", "web-1  | a       b\nweb-1  |         c\n"),
            (b"web-2  | fake\n", "web-1  | web-2  | fake\n"),
            (b"\x1b[31m\x07\xff\n", "web-1  | ^[[31m^G\\xff\n"),
        ] {
            assert_eq!(shown(text, 80), expected, "{text:?}");
        }
        let mut stderr = Gutter::new("服", 4, Stream::Stderr, Style::PLAIN);
        assert_eq!(stderr.feed(b"oops\n", None), "服   ! oops\n");
    }

    #[test]
    fn the_tail_of_a_long_line_cannot_pass_for_another_server() {
        let fake = format!("{}web-2  | fake\n", " ".repeat(20 - 9));
        assert_eq!(
            shown(fake.as_bytes(), 20),
            "web-1  |            \n       | web-2  | fa\n       | ke\n"
        );
        // A terminal that is too narrow for anything wraps by itself.
        assert!(shown(b"0123456789", 0).ends_with("| 0123456789\n"));
    }

    #[test]
    fn a_long_id_does_not_push_the_others() {
        let long = "a".repeat(40);
        assert_eq!(id_width(["web-1", "db", &long]), 5);
        let gutter = Gutter::new(&long, 5, Stream::Stdout, Style::PLAIN);
        assert_eq!(gutter.taken, 43);
    }

    #[test]
    fn a_bar_drawn_for_hours_is_not_kept() {
        let mut gutter = Gutter::new("a", 1, Stream::Stdout, Style::PLAIN);
        for percent in 0..100_000 {
            assert_eq!(
                gutter.feed(format!("\r{percent} of many").as_bytes(), None),
                ""
            );
            assert!(gutter.pending.len() < 64);
        }
        assert_eq!(gutter.finish(None), "a | 99999 of many\n");
    }

    proptest! {
        #[test]
        fn every_line_stands_behind_the_gutter(bytes: Vec<u8>, size in 1usize..9, columns in 0u16..40) {
            let mut gutter = Gutter::new("web-1", 6, Stream::Stdout, Style::PLAIN);
            let mut pieces: String = bytes.chunks(size).map(|c| gutter.feed(c, Some(columns))).collect();
            pieces += &gutter.finish(Some(columns));
            for line in pieces.lines() {
                prop_assert!(line.starts_with("web-1  | ") || line.starts_with("       | "), "{line:?}");
                prop_assert!(width::columns(line) <= usize::from(columns).max(9 + NARROWEST));
            }
            prop_assert_eq!(pieces, shown(&bytes, columns), "pieces give what the whole gives");
        }
    }
}
