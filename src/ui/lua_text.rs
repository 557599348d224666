//! Lua source text in colours. Colours alone: without them it reads the same, character by
//! character.

use super::{Paint, Style};
use crate::tokens::{Kind, tokens};

/// `text` in colours. It has been made safe to show.
pub fn painted(text: &str, style: Style) -> String {
    if !style.is_on() {
        return text.to_owned();
    }
    let one = |(kind, text): (Kind, &str)| match paint(kind) {
        Some(paint) => style.paint(paint, text),
        None => text.to_owned(),
    };
    tokens(text).iter().map(|t| one((t.kind, t.text))).collect()
}

fn paint(kind: Kind) -> Option<Paint> {
    match kind {
        Kind::Comment { .. } => Some(Paint::Faint),
        Kind::Quoted { .. } => Some(Paint::Quoted),
        Kind::Number => Some(Paint::Number),
        Kind::Keyword => Some(Paint::Keyword),
        Kind::Space | Kind::Name | Kind::Sign => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Without the escape sequences for colours.
    fn plain(text: &str) -> String {
        let mut parts = text.split('\x1b');
        let mut plain = parts.next().unwrap().to_owned();
        for part in parts {
            plain.push_str(part.split_once('m').unwrap().1);
        }
        plain
    }

    #[test]
    fn words_texts_and_numbers_stand_out() {
        let style = Style::new(Some(true), false);
        assert_eq!(
            painted("return f('a', 1) -- b", style),
            "\x1b[35mreturn\x1b[0m f(\x1b[32m'a'\x1b[0m, \x1b[36m1\x1b[0m) \x1b[2m-- b\x1b[0m"
        );
        assert_eq!(painted("return 1", Style::PLAIN), "return 1");
    }

    proptest! {
        #[test]
        fn colours_change_no_character(text in "[^\\x1b]*") {
            prop_assert_eq!(plain(&painted(&text, Style::new(Some(true), false))), text);
        }
    }
}
