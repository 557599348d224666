//! Live output of several servers on one stream: whole lines, each behind its server's id.

use crate::output::DEFAULT_MAX_OUTPUT;

/// Collects one stream of one server until its lines are whole.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pending: Vec<u8>,
}

impl Lines {
    /// Takes a piece; gives the lines that it completes, each behind `prefix`.
    pub(super) fn feed(&mut self, prefix: &str, mut bytes: &[u8]) -> Vec<u8> {
        let mut done = Vec::with_capacity(bytes.len() + prefix.len());
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            done.extend_from_slice(prefix.as_bytes());
            done.append(&mut self.pending);
            done.extend_from_slice(&bytes[..=end]);
            bytes = &bytes[end + 1..];
        }
        // A line without an end is cut, so that memory stays bounded.
        let room = DEFAULT_MAX_OUTPUT.saturating_sub(self.pending.len());
        self.pending
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        done
    }

    /// The last line when it has no end; it gets one, or it would run into another server's.
    pub(super) fn finish(&mut self, prefix: &str) -> Vec<u8> {
        if self.pending.is_empty() {
            return Vec::new();
        }
        self.feed(prefix, b"\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_whole_lines() {
        let mut lines = Lines::default();
        assert_eq!(lines.feed("a: ", b"on"), b"");
        assert_eq!(lines.feed("a: ", b"e\n\ntw\xff"), b"a: one\na: \n");
        assert_eq!(lines.finish("a: "), b"a: tw\xff\n");
        assert_eq!(lines.finish("a: "), b"");
    }
}
