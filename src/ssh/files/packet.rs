//! The packets of SFTP version 3 (draft-ietf-secsh-filexfer-02): building and taking apart.
//!
//! Answers come from a server and are believed in nothing: every length is checked.

/// Packet types that are used.
pub mod kind {
    pub const INIT: u8 = 1;
    pub const VERSION: u8 = 2;
    pub const OPEN: u8 = 3;
    pub const CLOSE: u8 = 4;
    pub const READ: u8 = 5;
    pub const WRITE: u8 = 6;
    pub const LSTAT: u8 = 7;
    pub const FSETSTAT: u8 = 10;
    pub const OPENDIR: u8 = 11;
    pub const READDIR: u8 = 12;
    pub const REMOVE: u8 = 13;
    pub const MKDIR: u8 = 14;
    pub const REALPATH: u8 = 16;
    pub const STAT: u8 = 17;
    pub const READLINK: u8 = 19;
    pub const SYMLINK: u8 = 20;
    pub const STATUS: u8 = 101;
    pub const HANDLE: u8 = 102;
    pub const DATA: u8 = 103;
    pub const NAME: u8 = 104;
    pub const ATTRS: u8 = 105;
    pub const EXTENDED: u8 = 200;
}

/// Longest packet that is taken: OpenSSH's own limit.
pub const LONGEST: usize = 256 << 10;

const HAS_SIZE: u32 = 1;
const HAS_OWNER: u32 = 2;
const HAS_MODE: u32 = 4;
const HAS_TIMES: u32 = 8;
const HAS_EXTENDED: u32 = 0x8000_0000;

/// What is known about a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Size in bytes.
    pub size: Option<u64>,
    /// User and group.
    pub owner: Option<(u32, u32)>,
    /// Type and permission bits, as in `st_mode`.
    pub mode: Option<u32>,
}

impl Attributes {
    fn is(&self, format: u32) -> bool {
        self.mode.is_some_and(|m| m & 0o170_000 == format)
    }
    /// A folder?
    pub fn is_folder(&self) -> bool {
        self.is(0o040_000)
    }
    /// A symbolic link?
    pub fn is_link(&self) -> bool {
        self.is(0o120_000)
    }
    /// A regular file?
    pub fn is_file(&self) -> bool {
        self.is(0o100_000)
    }
    /// The permission bits alone.
    pub fn permissions(&self) -> Option<u32> {
        self.mode.map(|m| m & 0o7777)
    }
}

/// One request being built: type, id, then the fields.
#[derive(Debug, Default)]
pub struct Request(Vec<u8>);

impl Request {
    /// Begins a request; its length and id are filled in by [`Request::finish`].
    pub fn new(kind: u8) -> Self {
        Request(vec![0, 0, 0, 0, kind, 0, 0, 0, 0])
    }

    /// A number of 32 bits.
    pub fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// A number of 64 bits.
    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Bytes with their length before them.
    pub fn bytes(self, value: &[u8]) -> Self {
        let mut request = self.u32(value.len() as u32);
        request.0.extend_from_slice(value);
        request
    }

    /// Attributes.
    pub fn attributes(self, attributes: &Attributes) -> Self {
        let flag = |there: bool, flag: u32| if there { flag } else { 0 };
        let mut request = self.u32(
            flag(attributes.size.is_some(), HAS_SIZE)
                | flag(attributes.owner.is_some(), HAS_OWNER)
                | flag(attributes.mode.is_some(), HAS_MODE),
        );
        if let Some(size) = attributes.size {
            request = request.u64(size);
        }
        if let Some((user, group)) = attributes.owner {
            request = request.u32(user).u32(group);
        }
        match attributes.mode {
            Some(mode) => request.u32(mode),
            None => request,
        }
    }

    /// The packet, ready to send.
    pub fn finish(mut self, id: u32) -> Vec<u8> {
        let length = (self.0.len() - 4) as u32;
        self.0[..4].copy_from_slice(&length.to_be_bytes());
        self.0[5..9].copy_from_slice(&id.to_be_bytes());
        self.0
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A status code and the server's words.
    Status(u32, String),
    /// An open file or folder.
    Handle(Vec<u8>),
    /// Bytes of a file.
    Data(Vec<u8>),
    /// Names, as of a folder or a link.
    Names(Vec<(Vec<u8>, Attributes)>),
    /// A file's attributes.
    Attributes(Attributes),
    /// The server's version and the names of its extensions.
    Version(Vec<Vec<u8>>),
}

/// Takes one packet (without its length) apart: its id and what it says. `None` for nonsense.
pub fn parse(packet: &[u8]) -> Option<(u32, Answer)> {
    let mut cursor = Cursor(packet);
    let kind = cursor.u8()?;
    let id = cursor.u32()?;
    let answer = match kind {
        kind::VERSION => {
            // Here the number is the version: 3 is what everybody speaks.
            if id < 3 {
                return None;
            }
            let mut names = Vec::new();
            while !cursor.0.is_empty() {
                names.push(cursor.bytes()?.to_vec());
                cursor.bytes()?;
            }
            return Some((0, Answer::Version(names)));
        }
        kind::STATUS => {
            let code = cursor.u32()?;
            let words = cursor
                .bytes()
                .map(|w| String::from_utf8_lossy(w).into_owned());
            Answer::Status(code, words.unwrap_or_default())
        }
        kind::HANDLE => Answer::Handle(cursor.bytes()?.to_vec()),
        kind::DATA => Answer::Data(cursor.bytes()?.to_vec()),
        kind::ATTRS => Answer::Attributes(cursor.attributes()?),
        kind::NAME => {
            let count = cursor.u32()?;
            let mut names = Vec::new();
            for _ in 0..count {
                let name = cursor.bytes()?.to_vec();
                cursor.bytes()?;
                names.push((name, cursor.attributes()?));
            }
            Answer::Names(names)
        }
        _ => return None,
    };
    Some((id, answer))
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_be_bytes)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    fn attributes(&mut self) -> Option<Attributes> {
        let flags = self.u32()?;
        let mut attributes = Attributes::default();
        if flags & HAS_SIZE != 0 {
            attributes.size = Some(self.u64()?);
        }
        if flags & HAS_OWNER != 0 {
            attributes.owner = Some((self.u32()?, self.u32()?));
        }
        if flags & HAS_MODE != 0 {
            attributes.mode = Some(self.u32()?);
        }
        if flags & HAS_TIMES != 0 {
            self.u64()?;
        }
        if flags & HAS_EXTENDED != 0 {
            for _ in 0..self.u32()? {
                self.bytes()?;
                self.bytes()?;
            }
        }
        Some(attributes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn requests_are_as_the_draft_says() {
        let attributes = Attributes {
            mode: Some(0o600),
            ..Attributes::default()
        };
        let packet = Request::new(kind::OPEN)
            .bytes(b"/f")
            .u32(2)
            .attributes(&attributes)
            .finish(7);
        assert_eq!(
            packet,
            b"\0\0\0\x17\x03\0\0\0\x07\0\0\0\x02/f\0\0\0\x02\0\0\0\x04\0\0\x01\x80"
        );
    }

    #[test]
    fn answers() {
        assert_eq!(
            parse(b"\x66\0\0\0\x05\0\0\0\x01h"),
            Some((5, Answer::Handle(b"h".to_vec())))
        );
        assert_eq!(
            parse(b"\x65\0\0\0\x05\0\0\0\x02"),
            Some((5, Answer::Status(2, String::new())))
        );
        let version = b"\x02\0\0\0\x03\0\0\0\x01x\0\0\0\x011";
        assert_eq!(
            parse(version),
            Some((0, Answer::Version(vec![b"x".to_vec()])))
        );
        for bad in [
            &b""[..],
            b"\x66",
            b"\x66\0\0\0\x05\0\0\0\x09h",
            b"\x02\0\0\0\x02",
            b"\x09\0\0\0\x01",
            b"\x68\0\0\0\x01\xff\xff\xff\xff",
            b"\x69\0\0\0\x01\0\0\0\x01\0",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            parse(&bytes);
        }

        #[test]
        fn attributes_come_back(size: Option<u64>, owner: Option<(u32, u32)>, mode: Option<u32>) {
            let given = Attributes { size, owner, mode };
            let packet = Request::new(kind::ATTRS).attributes(&given).finish(1);
            prop_assert_eq!(parse(&packet[4..]), Some((1, Answer::Attributes(given))));
        }
    }
}
