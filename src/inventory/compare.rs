//! Comparisons with numbers in patterns: `ram>4G`, `load<=8`. Pure.

use super::Server;

/// `KEY<NUMBER`, with one of `<`, `<=`, `>`, `>=`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Comparison {
    key: String,
    order: Order,
    limit: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Below,
    AtMost,
    Above,
    AtLeast,
}

impl Comparison {
    /// `None` for what is no comparison with a number.
    pub(super) fn parse(word: &str) -> Option<Self> {
        let at = word.find(['<', '>', '=']).filter(|at| *at > 0)?;
        let (key, rest) = word.split_at(at);
        // The longer ones first: each begins with a shorter one.
        let signs = [
            ("<=", Order::AtMost),
            (">=", Order::AtLeast),
            ("<", Order::Below),
            (">", Order::Above),
        ];
        let found = signs
            .iter()
            .find_map(|(sign, order)| Some((*order, rest.strip_prefix(sign)?)));
        let (order, value) = found?;
        Some(Comparison {
            key: key.to_owned(),
            order,
            limit: number(value)?,
        })
    }

    /// The field, metadata key or fact that is compared.
    pub(super) fn key(&self) -> &String {
        &self.key
    }

    /// Is it so with a number that is known of the server?
    pub(super) fn holds(&self, server: &Server) -> bool {
        server.has_number(&self.key, |number| match self.order {
            Order::Below => number < self.limit,
            Order::AtMost => number <= self.limit,
            Order::Above => number > self.limit,
            Order::AtLeast => number >= self.limit,
        })
    }
}

/// A number with an optional binary suffix.
fn number(text: &str) -> Option<f64> {
    let (digits, factor) = match text.char_indices().last()? {
        (at, 'K') => (&text[..at], 1_u64 << 10),
        (at, 'M') => (&text[..at], 1 << 20),
        (at, 'G') => (&text[..at], 1 << 30),
        (at, 'T') => (&text[..at], 1 << 40),
        _ => (text, 1),
    };
    let plain = |b: u8| b.is_ascii_digit() || b == b'.' || b == b'-';
    let number: f64 = digits.bytes().all(plain).then(|| digits.parse().ok())??;
    Some(number * factor as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn comparisons() {
        let mut server = Server::new("web", "h", "root", 2222);
        server.set_meta("rank", json!(3));
        server.set_meta("text", json!("4.5"));
        server.set_meta("ports", json!([22, 443]));
        server.facts =
            json!({"memory": {"total": 2_u64 << 30}, "disks": [{"free": 5}, {"free": 50}]});
        for (word, holds) in [
            ("rank>2", true),
            ("rank>3", false),
            ("rank>=3", true),
            ("rank<=2", false),
            ("rank>-1", true),
            ("text<5", true),
            ("port>2000", true),
            ("ports>400", true),
            ("ports<20", false),
            ("none<1", false),
            ("id<1", false),
            ("facts.memory.total>=2G", true),
            ("facts.memory.total<2048M", false),
            ("facts.disks.free<10", true),
            ("facts.disks.free>100", false),
            ("facts.none.total<9T", false),
        ] {
            let comparison = Comparison::parse(word).unwrap();
            assert_eq!(comparison.holds(&server), holds, "{word}");
        }
    }

    #[test]
    fn what_is_none() {
        for word in [
            "", "web", ">3", "a=3", "a=>3", "a>", "a>x", "a>=", "a>1e9", "a<>3", "a>3GB", "a>inf",
            "a>é",
        ] {
            assert_eq!(Comparison::parse(word), None, "{word}");
        }
    }

    proptest! {
        #[test]
        fn no_word_makes_it_panic(word in "[a-z.]{0,5}[<>=]{0,2}.{0,6}") {
            Comparison::parse(&word);
        }
    }
}
