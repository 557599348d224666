//! Live output of several servers on one stream: whole lines, each behind its server's id.

/// A line longer than this (1 MiB) is printed as several: memory stays bounded, nothing is lost.
pub(super) const LONGEST: usize = 1 << 20;

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
        self.pending.extend_from_slice(bytes);
        if self.pending.len() > LONGEST {
            done.extend_from_slice(prefix.as_bytes());
            done.append(&mut self.pending);
            done.push(b'\n');
        }
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

    #[test]
    fn a_line_without_end_is_printed_whole_and_not_kept() {
        let mut lines = Lines::default();
        let (mut printed, mut most) = (0, 0);
        for _ in 0..100 {
            let piece = lines.feed("a: ", &[b'x'; 64 << 10]);
            printed += piece.iter().filter(|b| **b == b'x').count();
            most = most.max(lines.pending.len());
        }
        printed += lines.finish("a: ").iter().filter(|b| **b == b'x').count();
        assert_eq!(printed, 100 * (64 << 10));
        assert!(most <= LONGEST, "{most}");
    }
}
