//! What Lua's own compiler makes of a text, read back: its functions with their instructions,
//! constants and lines. That is what `luac -l` shows, and it knows of scopes what the language
//! knows. The format is that of Lua 5.4 (lundump.c, lopcodes.h); a test holds it to the Lua that
//! is built in. Pure.

/// One function.
pub(super) struct Compiled {
    pub code: Vec<Instruction>,
    /// The constants that are texts.
    pub texts: Vec<Option<String>>,
    /// The names of the variables from outside.
    pub upvalues: Vec<String>,
    /// The functions in it.
    pub inner: Vec<Compiled>,
}

/// One instruction and its line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instruction {
    word: u32,
    pub line: u32,
}

impl Instruction {
    pub fn op(self) -> u32 {
        self.word & 0x7f
    }
    pub fn a(self) -> usize {
        (self.word >> 7 & 0xff) as usize
    }
    /// Is the third operand a constant?
    pub fn k(self) -> bool {
        self.word >> 15 & 1 == 1
    }
    pub fn b(self) -> usize {
        (self.word >> 16 & 0xff) as usize
    }
    pub fn c(self) -> usize {
        (self.word >> 24) as usize
    }
    pub fn bx(self) -> usize {
        (self.word >> 15) as usize
    }
    pub fn ax(self) -> usize {
        (self.word >> 7) as usize
    }
    /// The distance of a jump.
    pub fn jump(self) -> i64 {
        i64::from(self.word >> 7) - ((1 << 24) - 1)
    }
}

/// The numbers of the instructions that are looked at.
pub(super) mod op {
    pub const MOVE: u32 = 0;
    pub const LOADK: u32 = 3;
    pub const LOADKX: u32 = 4;
    pub const LOADNIL: u32 = 8;
    pub const GETUPVAL: u32 = 9;
    pub const SETUPVAL: u32 = 10;
    pub const GETTABUP: u32 = 11;
    pub const GETTABLE: u32 = 12;
    pub const GETFIELD: u32 = 14;
    pub const SETTABUP: u32 = 15;
    pub const SETTABLE: u32 = 16;
    pub const SETI: u32 = 17;
    pub const SETFIELD: u32 = 18;
    pub const NEWTABLE: u32 = 19;
    pub const SELF: u32 = 20;
    pub const MMBIN: u32 = 46;
    pub const MMBINK: u32 = 48;
    pub const CLOSE: u32 = 54;
    pub const JMP: u32 = 56;
    pub const TEST: u32 = 66;
    pub const CALL: u32 = 68;
    pub const TAILCALL: u32 = 69;
    pub const RETURN: u32 = 70;
    pub const RETURN1: u32 = 72;
    pub const FORLOOP: u32 = 73;
    pub const FORPREP: u32 = 74;
    pub const TFORPREP: u32 = 75;
    pub const TFORCALL: u32 = 76;
    pub const TFORLOOP: u32 = 77;
    pub const SETLIST: u32 = 78;
    pub const VARARG: u32 = 80;
    pub const EXTRAARG: u32 = 82;
}

/// Signature, version 5.4, format 0, and what tells bad copies.
const HEAD: &[u8] = b"\x1bLua\x54\x00\x19\x93\r\n\x1a\n";
/// Sizes of instruction, integer and number; an integer and a number; the main upvalues' count.
const SIZES: usize = 3 + 8 + 8 + 1;
/// Functions that lie deeper than this in each other are not looked at: the compiler takes fewer.
const DEPTH: usize = 250;

/// The main function of a dump.
pub(super) fn read(dump: &[u8]) -> Option<Compiled> {
    let mut rest = Reader(dump.strip_prefix(HEAD)?);
    rest.take(SIZES)?;
    rest.function(DEPTH)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// Seven bits a byte, the highest first; the last byte has its eighth bit set.
    fn number(&mut self) -> Option<usize> {
        let mut number = 0_usize;
        loop {
            let byte = self.byte()?;
            number = number.checked_mul(128)? | usize::from(byte & 0x7f);
            if byte & 0x80 != 0 {
                return Some(number);
            }
        }
    }

    /// Its length and one, then its bytes.
    fn text(&mut self) -> Option<Option<String>> {
        match self.number()?.checked_sub(1) {
            None => Some(None),
            Some(length) => {
                let bytes = self.take(length)?;
                Some(Some(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
    }

    /// As many as the number before them says.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.number()?;
        // The text cannot hold more items than bytes.
        let mut items = Vec::with_capacity(count.min(self.0.len()));
        for _ in 0..count {
            items.push(item(self)?);
        }
        Some(items)
    }

    fn constant(&mut self) -> Option<Option<String>> {
        match self.byte()? {
            // nil, false, true
            0 | 1 | 17 => Some(None),
            // whole and other numbers
            3 | 19 => self.take(8).map(|_| None),
            // short and long texts
            4 | 20 => self.text(),
            _ => None,
        }
    }

    fn function(&mut self, depth: usize) -> Option<Compiled> {
        let depth = depth.checked_sub(1)?;
        self.text()?;
        let begins = self.number()?;
        self.number()?;
        // Parameters, varargs, registers.
        self.take(3)?;
        let words = self.list(|r| Some(u32::from_le_bytes(r.take(4)?.try_into().ok()?)))?;
        let texts = self.list(Self::constant)?;
        let upvalues = self.list(|r| r.take(3).map(|_| ()))?;
        let inner = self.list(|r| r.function(depth))?;
        let steps = self.list(|r| Some(i64::from(r.byte()?.cast_signed())))?;
        let fixed = self.list(|r| Some((r.number()?, r.number()?)))?;
        self.list(|r| {
            r.text()?;
            Some((r.number()?, r.number()?))
        })?;
        let names = self.list(|r| Some(r.text()?.unwrap_or_default()))?;
        let mut line = i64::try_from(begins).ok()?;
        let mut code = Vec::with_capacity(words.len());
        for (at, word) in words.into_iter().enumerate() {
            // Too far for a step: it is told in full.
            line = match steps.get(at) {
                Some(-128) => {
                    let told = fixed.iter().find(|(pc, _)| *pc == at)?;
                    i64::try_from(told.1).ok()?
                }
                Some(step) => line + step,
                None => line,
            };
            let line = u32::try_from(line).unwrap_or_default();
            code.push(Instruction { word, line });
        }
        let missing = upvalues.len().saturating_sub(names.len());
        let names = names
            .into_iter()
            .chain(std::iter::repeat_n(String::new(), missing));
        Some(Compiled {
            code,
            texts,
            upvalues: names.collect(),
            inner,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            read(&bytes);
            read(&[HEAD, &[0; SIZES], &bytes].concat());
        }
    }
}
