//! Escapes in what a person types to a server: `~.` at the begin of a line and the like, as in ssh.
//! Pure.

/// What typed bytes turn out to mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// They are for the server.
    Bytes(Vec<u8>),
    /// `~.`: end the connection.
    End,
    /// `~?`: tell the escapes.
    Help,
    /// `~^Z`: stop, for the shell here to go on.
    Suspend,
}

/// Finds escapes in a stream of typed bytes.
#[derive(Debug)]
pub struct Escapes {
    /// `None`: there are none.
    character: Option<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A line begins: the next one may be the escape character.
    Begin,
    /// The escape character was typed there.
    Escape,
    /// In the middle of a line.
    Middle,
}

impl Escapes {
    /// Those that begin with that character.
    pub fn new(character: Option<u8>) -> Self {
        Escapes {
            character,
            state: State::Begin,
        }
    }

    /// What begins one.
    pub fn character(&self) -> Option<u8> {
        self.character
    }

    /// Takes what was typed next.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Typed> {
        let Some(character) = self.character else {
            return vec![Typed::Bytes(bytes.to_vec())];
        };
        let (mut all, mut plain) = (Vec::new(), Vec::new());
        for byte in bytes {
            let escape = match (self.state, byte) {
                (State::Begin, b) if *b == character => {
                    self.state = State::Escape;
                    continue;
                }
                (State::Escape, b'.') => Typed::End,
                (State::Escape, b'?') => Typed::Help,
                (State::Escape, 0x1a) => Typed::Suspend,
                (State::Escape, b) if *b != character => {
                    // Not an escape after all.
                    plain.push(character);
                    self.go_on(*b, &mut plain);
                    continue;
                }
                (_, b) => {
                    self.go_on(*b, &mut plain);
                    continue;
                }
            };
            if !plain.is_empty() {
                all.push(Typed::Bytes(std::mem::take(&mut plain)));
            }
            all.push(escape);
            self.state = State::Begin;
        }
        if !plain.is_empty() {
            all.push(Typed::Bytes(plain));
        }
        all
    }

    fn go_on(&mut self, byte: u8, plain: &mut Vec<u8>) {
        plain.push(byte);
        self.state = match byte {
            b'\r' | b'\n' => State::Begin,
            _ => State::Middle,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn typed(pieces: &[&[u8]]) -> Vec<Typed> {
        let mut escapes = Escapes::new(Some(b'~'));
        pieces.iter().flat_map(|p| escapes.feed(p)).collect()
    }

    fn bytes(text: &[u8]) -> Typed {
        Typed::Bytes(text.to_vec())
    }

    #[test]
    fn only_at_the_begin_of_a_line() {
        assert_eq!(typed(&[b"~."]), [Typed::End]);
        assert_eq!(typed(&[b"ls\r~", b"."]), [bytes(b"ls\r"), Typed::End]);
        assert_eq!(typed(&[b"a~."]), [bytes(b"a~.")]);
        assert_eq!(typed(&[b"~~."]), [bytes(b"~.")]);
        assert_eq!(typed(&[b"~", b"x"]), [bytes(b"~x")]);
        assert_eq!(
            typed(&[b"~\r~?~\x1a"]),
            [bytes(b"~\r"), Typed::Help, Typed::Suspend]
        );
        assert_eq!(typed(&[b"~?~."]), [Typed::Help, Typed::End]);
        let mut none = Escapes::new(None);
        assert_eq!(none.feed(b"~."), [bytes(b"~.")]);
    }

    proptest! {
        #[test]
        fn what_is_no_escape_arrives(text: Vec<u8>, size in 1usize..5) {
            let text: Vec<u8> = text.into_iter().filter(|b| *b != b'~').collect();
            let mut escapes = Escapes::new(Some(b'~'));
            let mut arrived = Vec::new();
            for piece in text.chunks(size).flat_map(|p| escapes.feed(p)) {
                match piece {
                    Typed::Bytes(bytes) => arrived.extend(bytes),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
            prop_assert_eq!(arrived, text);
        }
    }
}
