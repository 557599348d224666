//! Texts as a person may see them: quoted as Lua, cut, and with nothing in them that acts on a
//! terminal. Pure.

/// Bytes of a text inside a table that are shown.
pub(super) const INNER_TEXT: usize = 500;
/// Bytes of a text of several lines inside a table that are shown.
pub(super) const INNER_LINES: usize = 4 << 10;
/// Bytes of a text that stands alone that are shown.
pub(super) const OUTER_TEXT: usize = 16 << 10;

/// How a text is cleaned of secrets before it is shown.
pub(in crate::lua) type Clean<'a> = &'a dyn Fn(&str) -> String;

/// A text of several lines in long brackets, at most `most` bytes of it; `None` when they would
/// not show it truly.
pub(super) fn long_text(bytes: &[u8], most: usize, clean: Clean) -> Option<String> {
    let all = clean(std::str::from_utf8(bytes).ok()?);
    let several = all.trim_end_matches('\n').contains('\n');
    let plain = |c: char| c == '\n' || !is_hidden(c);
    let text = match all.len() {
        length if length > most => &all[..boundary(all.as_bytes(), most)],
        _ => &all,
    };
    if !several || !text.chars().all(plain) {
        return None;
    }
    let mut level = String::new();
    while text.contains(&format!("]{level}]")) || text.ends_with(&format!("]{level}")) {
        level.push('=');
    }
    let rest = cut(text.len(), all.len());
    Some(format!("[{level}[\n{text}]{level}]{rest}"))
}

/// A text between quotes, at most `most` bytes of it.
pub(super) fn quoted(bytes: &[u8], most: usize, clean: Clean) -> String {
    let cleaned = std::str::from_utf8(bytes).map(clean);
    let all = cleaned.as_ref().map_or(bytes, |text| text.as_bytes());
    let shown = match all.len() {
        length if length > most => &all[..boundary(all, most)],
        _ => all,
    };
    let mut text = String::from("\"");
    escape_into(shown, true, &mut text);
    text.push('"');
    text + &cut(shown.len(), all.len())
}

/// Says that a text is longer than what is shown of it.
fn cut(shown: usize, all: usize) -> String {
    match shown < all {
        true => format!("… ({all} bytes)"),
        false => String::new(),
    }
}

/// The last place at or before `most` that does not split a character.
fn boundary(bytes: &[u8], most: usize) -> usize {
    (most.saturating_sub(3)..=most)
        .rev()
        .find(|i| bytes[*i] & 0xc0 != 0x80)
        .unwrap_or(most)
}

/// Bytes as a text on one line in which nothing acts on a terminal.
pub(super) fn visible(bytes: &[u8]) -> String {
    let mut text = String::new();
    escape_into(bytes, false, &mut text);
    text
}

/// Does the character do something else than show itself? Where it does, Rust's own escape of it
/// is the one that Lua knows: `\u{…}`.
pub(super) fn is_hidden(c: char) -> bool {
    // Behind a letter, so that an accent that joins it is let through.
    c.is_control() || (!c.is_ascii() && format!("a{c}").escape_debug().nth(1) == Some('\\'))
}

/// Escapes as Lua reads them; `quotes` escapes the quote and the backslash too.
fn escape_into(bytes: &[u8], quotes: bool, text: &mut String) {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' if quotes => text.extend(['\\', c]),
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '\r' => text.push_str("\\r"),
                c if c.is_ascii_control() => *text += &format!("\\x{:02x}", c as u32),
                c if is_hidden(c) => *text += &format!("\\u{{{:x}}}", c as u32),
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            *text += &format!("\\x{byte:02x}");
        }
    }
}
