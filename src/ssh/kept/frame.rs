//! What a kept shell reads for one command, and what of its output is the command's own.
//!
//! A random word stands before and after the command's output on both streams: what comes outside
//! is a login's greeting, or of something that an earlier command left running. Nobody can know
//! the word: the shell reads it from its standard input, which no command gets, and prints it with
//! a builtin. The exit code stands beside the last one. Pure.

use crate::error::Result;
use crate::quote;

/// Bytes from before the command that are kept, to say why there is none.
const NOISE: usize = 16 << 10;

/// Adds what logins that are not root's often lack, behind what there is.
pub const PATHS: &str = r#"PATH=${PATH:-/usr/bin:/bin}; case :$PATH: in *:/usr/sbin:*) ;; *) PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin ;; esac; export PATH"#;

/// Ends a shell that is not fit for this, with [`UNFIT`]: ksh93 tells of an end before the output
/// is through, and loops on a long here-document.
pub const GUARD: &str = "case ${KSH_VERSION-} in Version*) exit 93 ;; esac";
/// What it ends with then.
pub const UNFIT: i32 = 93;

/// Longest standard input that goes along, bytes.
const INPUT: usize = 256 << 10;

/// Whether that can go along with a command: as the text of a here-document, which is whole lines.
pub fn takes(stdin: &[u8]) -> bool {
    stdin.len() <= INPUT && !stdin.contains(&0) && stdin.last().is_none_or(|last| *last == b'\n')
}

/// The lines that run `command` in a subshell. Of what an untidy one leaves running the outputs are
/// waited for, as a channel of its own would; the shell's own are not in its hands.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for a NUL byte.
pub fn lines(word: &str, command: &str, is_tidy: bool, stdin: &[u8]) -> Result<Vec<u8>> {
    // The space keeps a leading dash from being an option of eval's.
    let text = quote::word(&format!(" {command}"))?;
    let (input, after) = match stdin {
        [] => ("</dev/null", String::new()),
        _ => ("<&7 7<&-", format!(" 7<<'~{word}i'")),
    };
    // No variable holds the code: a command would see it.
    let run = match is_tidy {
        true => format!("{{ ( eval {text} ) {input}; echo \"~{word}e $?\"; }}{after}"),
        false => format!(
            "{{ echo \"~{word}e $( {{ {{ {{ ( eval {text} ) {input} 2>&6 3>&- 4>&- 5>&- 6>&-; echo $? >&5; }} \
             | cat >&3 3>&- 4>&- 5>&- 6>&-; }} 6>&1 | cat >&4 3>&- 4>&- 5>&-; }} 5>&1 )\"; }} 3>&1 4>&2{after}"
        ),
    };
    let line = format!("echo '~{word}b'; echo '~{word}b' >&2; {run}; echo '~{word}e' >&2\n");
    let mut lines = line.into_bytes();
    if !stdin.is_empty() {
        lines.extend_from_slice(stdin);
        lines.extend_from_slice(format!("~{word}i\n").as_bytes());
    }
    Ok(lines)
}

/// Where a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Before,
    During,
    After,
}

/// One stream of one command.
pub struct Ear {
    begin: Vec<u8>,
    end: Vec<u8>,
    phase: Phase,
    /// What cannot be told yet: noise, what may be the beginning of a mark, the rest of a line.
    held: Vec<u8>,
}

impl Ear {
    /// Listens for that word.
    pub fn new(word: &str) -> Self {
        Ear {
            begin: format!("~{word}b\n").into_bytes(),
            end: format!("~{word}e").into_bytes(),
            phase: Phase::Before,
            held: Vec::new(),
        }
    }

    /// Takes what came; gives the command's own to `own`.
    pub fn hear(&mut self, bytes: &[u8], mut own: impl FnMut(&[u8])) {
        self.held.extend_from_slice(bytes);
        if self.phase == Phase::Before {
            match find(&self.held, &self.begin) {
                Some(at) => {
                    self.held.drain(..at + self.begin.len());
                    self.phase = Phase::During;
                }
                None => {
                    let surplus = self.held.len().saturating_sub(NOISE);
                    self.held.drain(..surplus);
                }
            }
        }
        if self.phase == Phase::During {
            let (known, mark) = match find(&self.held, &self.end) {
                Some(at) => (at, self.end.len()),
                None => (self.held.len() - overlap(&self.held, &self.end), 0),
            };
            if known > 0 {
                own(&self.held[..known]);
            }
            self.held.drain(..known + mark);
            if mark > 0 {
                self.phase = Phase::After;
            }
        }
    }

    /// Whether the command began.
    pub fn has_begun(&self) -> bool {
        self.phase != Phase::Before
    }

    /// What stood beside the last mark, once its line is there.
    pub fn last_line(&self) -> Option<&str> {
        let end = self.held.iter().position(|b| *b == b'\n');
        let line = &self.held[..end.filter(|_| self.phase == Phase::After)?];
        Some(std::str::from_utf8(line).unwrap_or_default().trim())
    }

    /// What came instead of the command's output, or is still held of it.
    pub fn rest(&self) -> &[u8] {
        match self.phase {
            Phase::After => &[],
            _ => &self.held,
        }
    }
}

fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    let first = *mark.first()?;
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|b| *b == first) {
        if bytes[from + at..].starts_with(mark) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// How much of the end of `bytes` may be the beginning of `mark`.
fn overlap(bytes: &[u8], mark: &[u8]) -> usize {
    let most = bytes.len().min(mark.len() - 1);
    let fits = |n: &usize| bytes.ends_with(&mark[..*n]);
    (1..=most).rev().find(fits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WORD: &str = "0123";

    fn listen(pieces: &[&[u8]]) -> (Vec<u8>, Option<String>) {
        let (mut ear, mut own) = (Ear::new(WORD), Vec::new());
        for piece in pieces {
            ear.hear(piece, |bytes| own.extend_from_slice(bytes));
        }
        (own, ear.last_line().map(str::to_owned))
    }

    #[test]
    fn only_its_own() {
        for (said, own, last) in [
            ("~0123b\nout~0123e 3\n", "out", Some("3")),
            ("hello\n~0123b\nout\n~0123e 0\nstray", "out\n", Some("0")),
            ("~0123b\n~0123e 0", "", None),
            (
                "~0123b\n~0123b\n~~0123~0124e~0123e \n",
                "~0123b\n~~0123~0124e",
                Some(""),
            ),
            ("~0123b\nno end ~0123", "no end ", None),
            ("~0123b out ~0123e 0\n", "", None),
            ("", "", None),
        ] {
            let heard = listen(&[said.as_bytes()]);
            assert_eq!(
                heard,
                (own.as_bytes().to_vec(), last.map(str::to_owned)),
                "{said:?}"
            );
        }
        let (mut ear, noise) = (Ear::new(WORD), vec![b'x'; 3 * NOISE]);
        ear.hear(&noise, |_| panic!("nothing began"));
        assert_eq!((ear.has_begun(), ear.rest().len()), (false, NOISE));
        assert!(lines(WORD, "a\0b", true, b"").is_err());
        for (input, can) in [("", true), ("a\n", true), ("a", false), ("a\0\n", false)] {
            assert_eq!(takes(input.as_bytes()), can, "{input:?}");
        }
    }

    proptest! {
        #[test]
        fn however_it_is_cut(
            noise in "[~b0-3\n]{0,30}", own in proptest::collection::vec(
                prop_oneof![Just(b'~'), Just(b'0'), Just(b'1'), Just(b'2'), any::<u8>()], 0..60),
            size in 1usize..9, code in 0i32..256,
        ) {
            let word = "9f9f9f";
            let (mut ear, mut seen) = (Ear::new(word), Vec::new());
            let said = [noise.as_bytes(), b"\n~9f9f9fb\n", &own, format!("~9f9f9fe {code}\n").as_bytes()].concat();
            for piece in said.chunks(size) {
                ear.hear(piece, |bytes| seen.extend_from_slice(bytes));
            }
            prop_assert_eq!(seen, own);
            prop_assert_eq!(ear.last_line().map(str::to_owned), Some(code.to_string()));
        }
    }
}
