//! Text from elsewhere, made safe to show: control characters become visible instead of acting.
//!
//! Kept: printable text, newline, tab. Shown in another form: other control characters as `^X`,
//! C1 and invisible or direction-changing characters as `<U+202E>`, bytes that are not UTF-8 as
//! `\xff`. Pure.

/// `bytes` as text that a terminal only prints.
pub fn visible(bytes: &[u8]) -> String {
    let mut sanitizer = Sanitizer::default();
    let mut text = sanitizer.feed(bytes);
    text.push_str(&sanitizer.finish());
    text
}

/// The same for a piece that must stay on one line: newlines and tabs become visible too.
pub fn one_line(text: &str) -> String {
    visible(text.as_bytes())
        .replace('\n', "^J")
        .replace('\t', "^I")
}

/// [`visible`] for a stream that arrives in pieces, which may cut a character in two.
#[derive(Debug, Default)]
pub struct Sanitizer {
    /// The beginning of a character whose end has not arrived: at most three bytes.
    pending: Vec<u8>,
}

impl Sanitizer {
    /// The visible form of what is complete.
    pub fn feed(&mut self, bytes: &[u8]) -> String {
        let joined;
        let bytes = if self.pending.is_empty() {
            bytes
        } else {
            self.pending.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.pending);
            &joined
        };
        let mut text = String::with_capacity(bytes.len());
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            chunk.valid().chars().for_each(|c| push(&mut text, c));
            let wrong = chunk.invalid();
            if chunks.peek().is_none() && is_beginning(wrong) {
                self.pending = wrong.to_vec();
            } else {
                push_bytes(&mut text, wrong);
            }
        }
        text
    }

    /// What was held back; the stream has ended.
    pub fn finish(&mut self) -> String {
        let mut text = String::new();
        push_bytes(&mut text, &std::mem::take(&mut self.pending));
        text
    }
}

/// True when more bytes could make a character of these.
fn is_beginning(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && std::str::from_utf8(bytes)
            .is_err_and(|e| e.valid_up_to() == 0 && e.error_len().is_none())
}

fn push_bytes(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push_str(&format!("\\x{byte:02x}"));
    }
}

fn push(text: &mut String, c: char) {
    match c {
        '\n' | '\t' => text.push(c),
        '\0'..='\x1f' | '\x7f' => {
            text.push('^');
            text.push(char::from((c as u8) ^ 0x40));
        }
        c if is_deceptive(c) => text.push_str(&format!("<U+{:04X}>", c as u32)),
        c => text.push(c),
    }
}

/// C1 controls, line separators, and characters that are invisible or turn the direction of
/// writing (Unicode's default-ignorable and bidirectional controls). Joiners stay: scripts and
/// emoji need them.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        for (bytes, shown) in [
            (&b"plain\ttext\n"[..], "plain\ttext\n"),
            (b"\x1b]0;owned\x07", "^[]0;owned^G"),
            (b"a\r\nb\x08\x7f\0", "a^M\nb^H^?^@"),
            (b"\xc2\x9b31m", "<U+009B>31m"),
            ("a\u{202e}b".as_bytes(), "a<U+202E>b"),
            (b"\xff\xfe ok", "\\xff\\xfe ok"),
            (b"cut \xe2\x82", "cut \\xe2\\x82"),
            ("ünï → 👩‍💻".as_bytes(), "ünï → 👩‍💻"),
        ] {
            assert_eq!(visible(bytes), shown, "{bytes:?}");
        }
        assert_eq!(one_line("a\nb\tc"), "a^Jb^Ic");
    }

    proptest! {
        #[test]
        fn nothing_that_acts_comes_through(bytes: Vec<u8>, text: String) {
            for shown in [visible(&bytes), visible(text.as_bytes())] {
                let acts = |c: char| (c < ' ' && c != '\n' && c != '\t') || c == '\x7f' || is_deceptive(c);
                prop_assert!(!shown.contains(acts), "{shown:?}");
            }
        }

        #[test]
        fn pieces_give_what_the_whole_gives(text: String, bytes: Vec<u8>, size in 1usize..5) {
            let mut whole = text.into_bytes();
            whole.extend(bytes);
            let mut sanitizer = Sanitizer::default();
            let mut pieces: String = whole.chunks(size).map(|c| sanitizer.feed(c)).collect();
            pieces.push_str(&sanitizer.finish());
            prop_assert_eq!(pieces, visible(&whole));
        }
    }
}
