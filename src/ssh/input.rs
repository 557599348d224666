//! What a command reads: bytes in memory, or a file that is read in pieces while it goes. Either can
//! be read from its beginning as often as needed, by several at once: nobody moves another's place.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use crate::error::Error;

/// Bytes of a file that are in memory at once for each reader.
const CHUNK: usize = 64 << 10;

/// Standard input for a command. Clones are the same bytes.
#[derive(Clone)]
pub struct Input(Source);

#[derive(Clone)]
enum Source {
    Bytes(Arc<Vec<u8>>),
    /// The file, and how long it was.
    File(Arc<File>, u64),
}

impl Default for Input {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl From<Vec<u8>> for Input {
    fn from(bytes: Vec<u8>) -> Self {
        Input(Source::Bytes(Arc::new(bytes)))
    }
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        text.as_bytes().to_vec().into()
    }
}

impl Input {
    /// All of a file, wherever its own place is.
    ///
    /// # Errors
    /// The system does not say how long it is.
    pub fn file(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Input(Source::File(Arc::new(file), length)))
    }

    /// Is there nothing to read?
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Source::Bytes(bytes) => bytes.is_empty(),
            Source::File(_, length) => *length == 0,
        }
    }

    /// The bytes, when they are in memory.
    pub fn held(&self) -> Option<&[u8]> {
        match &self.0 {
            Source::Bytes(bytes) => Some(bytes),
            Source::File(..) => None,
        }
    }

    /// Reads it from its beginning. A file that has become shorter is an error, not an end.
    pub fn reader(&self) -> Box<dyn BufRead + '_> {
        match &self.0 {
            Source::Bytes(bytes) => Box::new(&bytes[..]),
            Source::File(file, length) => {
                let part = Part {
                    file,
                    at: 0,
                    end: *length,
                };
                Box::new(BufReader::with_capacity(CHUNK, part))
            }
        }
    }

    /// All of it in memory: for what is known to be short, and for the servers of tests.
    ///
    /// # Errors
    /// Those of the file.
    pub fn to_vec(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader().read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// What is told when it cannot be read here.
pub fn unread(e: io::Error) -> Error {
    Error::local(format!("cannot read what is to be sent: {e}")).source(e)
}

/// A file from one place to another, with a place of its own.
struct Part<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        loop {
            match self.file.read_at(&mut buffer[..most], self.at) {
                Ok(0) => return Err(io::Error::new(ErrorKind::UnexpectedEof, "it was cut off")),
                Ok(n) => {
                    self.at += n as u64;
                    return Ok(n);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn of_file(bytes: &[u8]) -> Input {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Input::file(file).unwrap()
    }

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i * 7 % 251) as u8).collect()
    }

    #[test]
    fn a_file_reads_as_the_bytes_do() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let bytes = pattern(length);
            let (held, file) = (Input::from(bytes.clone()), of_file(&bytes));
            assert_eq!(
                (held.is_empty(), file.is_empty()),
                (length == 0, length == 0)
            );
            assert_eq!(held.held(), Some(&bytes[..]));
            assert!(file.held().is_none());
            // Twice, and from a clone: everybody begins at the beginning.
            for input in [&held, &file, &file, &file.clone()] {
                assert!(input.to_vec().unwrap() == bytes, "{length}");
            }
        }
    }

    #[test]
    fn what_was_not_taken_is_there_again() {
        let bytes = pattern(2 * CHUNK + 5);
        for input in [Input::from(bytes.clone()), of_file(&bytes)] {
            let (mut reader, mut other) = (input.reader(), input.reader());
            let (mut seen, mut step) = (Vec::new(), 1);
            loop {
                let piece = reader.fill_buf().unwrap();
                if piece.is_empty() {
                    break;
                }
                // A short write: the rest is offered again.
                let taken = step.min(piece.len());
                seen.extend_from_slice(&piece[..taken]);
                reader.consume(taken);
                step = step * 3 % 40_000 + 1;
            }
            assert!(seen == bytes);
            assert_eq!(other.fill_buf().unwrap()[0], bytes[0]);
        }
    }

    #[test]
    fn a_file_that_was_cut_is_no_end() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(3 * CHUNK as u64).unwrap();
        let input = Input::file(file.try_clone().unwrap()).unwrap();
        file.set_len(CHUNK as u64).unwrap();
        let error = input.to_vec().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert!(unread(error).to_string().contains("cut off"));
        // What is written behind its end is not read.
        let input = Input::file(file.try_clone().unwrap()).unwrap();
        file.set_len(2 * CHUNK as u64).unwrap();
        assert_eq!(input.to_vec().unwrap().len(), CHUNK);
    }
}
