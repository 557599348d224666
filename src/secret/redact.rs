//! Replaces known secrets in everything that is printed or logged.

use std::borrow::Cow;
use std::sync::RwLock;

use super::{REDACTED, Secret};

/// Secrets shorter than this are not searched for: they would hit ordinary words.
const SHORTEST: usize = 4;

/// The set of secrets that this process has seen in the clear. Shared by reference; each secret
/// is added where it is unsealed or typed.
#[derive(Debug, Default)]
pub struct Redactor(RwLock<Vec<Secret>>);

impl Redactor {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on `secret` is replaced wherever it turns up.
    pub fn add(&self, secret: &Secret) {
        if secret.reveal().len() < SHORTEST {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(|e| e.into_inner());
        // Longest first: a secret that contains another must vanish whole.
        if let Err(at) = known.binary_search_by(|s| order(s).cmp(&order(secret))) {
            known.insert(at, secret.clone());
        }
    }

    /// `text` with every known secret replaced.
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let known = self.0.read().unwrap_or_else(|e| e.into_inner());
        let mut text = Cow::Borrowed(text);
        for secret in known.iter().filter(|s| !s.is_empty()) {
            if text.contains(secret.reveal()) {
                text = Cow::Owned(text.replace(secret.reveal(), REDACTED));
            }
        }
        text
    }
}

fn order(secret: &Secret) -> (std::cmp::Reverse<usize>, &str) {
    (std::cmp::Reverse(secret.reveal().len()), secret.reveal())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_longest_first_and_leaves_short_ones() {
        let redactor = Redactor::new();
        for text in ["hunter2", "hunter2000", "abc"] {
            redactor.add(&Secret::new(text));
        }
        assert_eq!(
            redactor.clean("a hunter2000 b hunter2"),
            "a [redacted] b [redacted]"
        );
        assert_eq!(redactor.clean("abc"), "abc");
        assert!(matches!(redactor.clean("clean"), Cow::Borrowed(_)));
    }
}
