//! Types as the stubs write them: where one ends, and what is in it. Text in, text out.

/// Types in types deeper than this are not read.
const DEPTH: usize = 40;

/// Splits the type off that a text begins with: `integer? nil when…` is `integer?` and the rest.
/// `None` when there is none.
pub(in crate::lua) fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = Scan(text.as_bytes()).union(0, 0)?;
    let (ty, rest) = text.split_at_checked(end)?;
    let ends = rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c == ',');
    ends.then(|| (ty.trim_end(), rest.trim_start()))
}

/// The alternatives of a union, without nil.
pub(in crate::lua) fn alternatives(ty: &str) -> Vec<&str> {
    let scan = Scan(ty.as_bytes());
    let (mut found, mut start) = (Vec::new(), 0);
    loop {
        start = scan.blanks(start);
        let Some(end) = scan.postfix(start, 0) else {
            break;
        };
        found.extend(ty.get(start..end));
        let next = scan.blanks(end);
        if scan.at(next) != Some(b'|') {
            break;
        }
        start = next + 1;
    }
    let whole = |t: &&str| *t != "nil" && !t.is_empty();
    found.into_iter().filter(whole).collect()
}

/// The type without what says that it may be nil.
pub(in crate::lua) fn given(ty: &str) -> &str {
    let ty = ty.trim();
    let ty = ty.strip_suffix("|nil").unwrap_or(ty);
    ty.strip_suffix('?').unwrap_or(ty)
}

/// What a class of one type is made of: `string` of `mr.Outcome<string>`.
pub(super) fn argument(ty: &str) -> Option<&str> {
    let (_, inner) = ty.split_once('<')?;
    inner.strip_suffix('>')
}

/// The type of the items of a list: `mr.Outcome` of `mr.Outcome[]`.
pub(in crate::lua) fn element(ty: &str) -> Option<&str> {
    let inner = given(ty).strip_suffix("[]")?;
    let bare = inner.strip_prefix('(').and_then(|i| i.strip_suffix(')'));
    Some(bare.unwrap_or(inner))
}

/// Name, whether it may be left out, and type of each field of `{ a: x, b?: y }`.
pub(in crate::lua) fn fields(ty: &str) -> Vec<(&str, bool, &str)> {
    let inner = given(ty).strip_prefix('{');
    let inner = inner.and_then(|i| i.strip_suffix('}')).unwrap_or_default();
    pairs(inner)
}

/// The parameters of `fun(a: x, b?: y): z`.
pub(in crate::lua) fn params(ty: &str) -> Vec<(&str, bool, &str)> {
    pairs(inside(ty).unwrap_or_default())
}

/// The types that `fun(…): x, y` gives.
pub(in crate::lua) fn returns(ty: &str) -> Vec<&str> {
    let after = ty.strip_prefix("fun").and_then(|rest| {
        let end = Scan(rest.as_bytes()).balanced(0)?;
        rest.get(end..)?.trim_start().strip_prefix(':')
    });
    let (mut found, mut rest) = (Vec::new(), after.unwrap_or_default());
    while let Some((ty, more)) = split(rest) {
        found.push(ty);
        rest = match more.strip_prefix(',') {
            Some(more) => more,
            None => break,
        };
    }
    found
}

fn inside(ty: &str) -> Option<&str> {
    let rest = ty.strip_prefix("fun")?;
    let end = Scan(rest.as_bytes()).balanced(0)?;
    rest.get(1..end - 1)
}

/// `a: x, b?: y`
fn pairs(mut text: &str) -> Vec<(&str, bool, &str)> {
    let mut found = Vec::new();
    while let Some((name, rest)) = text.split_once(':') {
        let Some((ty, more)) = split(rest) else {
            break;
        };
        let name = name.trim();
        let bare = name.strip_suffix('?');
        found.push((bare.unwrap_or(name), bare.is_some(), ty));
        text = match more.strip_prefix(',') {
            Some(more) => more,
            None => break,
        };
    }
    found
}

/// Reads over bytes; every function gives the place behind what it has read.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    fn at(&self, i: usize) -> Option<u8> {
        self.0.get(i).copied()
    }

    fn blanks(&self, mut i: usize) -> usize {
        while self.at(i) == Some(b' ') {
            i += 1;
        }
        i
    }

    fn union(&self, i: usize, depth: usize) -> Option<usize> {
        let mut i = self.postfix(i, depth)?;
        loop {
            let next = self.blanks(i);
            if self.at(next) != Some(b'|') {
                return Some(i);
            }
            i = self.postfix(self.blanks(next + 1), depth)?;
        }
    }

    fn postfix(&self, i: usize, depth: usize) -> Option<usize> {
        let mut i = self.primary(i, depth)?;
        loop {
            match (self.at(i), self.at(i + 1)) {
                (Some(b'['), Some(b']')) => i += 2,
                (Some(b'?'), _) => i += 1,
                _ => return Some(i),
            }
        }
    }

    fn primary(&self, i: usize, depth: usize) -> Option<usize> {
        if depth > DEPTH {
            return None;
        }
        match self.at(i)? {
            b'(' => {
                let end = self.blanks(self.union(self.blanks(i + 1), depth + 1)?);
                (self.at(end) == Some(b')')).then_some(end + 1)
            }
            b'{' | b'[' => self.balanced(i),
            quote @ (b'"' | b'\'' | b'`') => self.string(i, quote),
            _ if self.0.get(i..)?.starts_with(b"fun(") => self.function(i + 3, depth),
            _ => self.name(i),
        }
    }

    /// A name, perhaps with the types that it is made of: `table<string, any>`; or `...`.
    fn name(&self, i: usize) -> Option<usize> {
        let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        let mut end = i;
        while self.at(end).is_some_and(is_part) {
            end += 1;
        }
        // A full stop behind it belongs to the sentence.
        while end > i + 3 && self.at(end - 1) == Some(b'.') {
            end -= 1;
        }
        match self.at(end) {
            _ if end == i => None,
            Some(b'<') => self.balanced(end),
            _ => Some(end),
        }
    }

    /// What stands behind `fun`: `(s: Server): boolean?, any`.
    fn function(&self, i: usize, depth: usize) -> Option<usize> {
        let end = self.balanced(i)?;
        if self.at(end) != Some(b':') {
            return Some(end);
        }
        let mut end = self.union(self.blanks(end + 1), depth + 1)?;
        while self.at(end) == Some(b',') {
            end = self.union(self.blanks(end + 1), depth + 1)?;
        }
        Some(end)
    }

    fn string(&self, i: usize, quote: u8) -> Option<usize> {
        let inner = self.0.get(i + 1..)?;
        let end = inner.iter().position(|b| *b == quote)?;
        Some(i + 1 + end + 1)
    }

    /// Behind the bracket that closes the one at `i`.
    fn balanced(&self, i: usize) -> Option<usize> {
        let (mut open, mut i) = (0, i);
        loop {
            match self.at(i)? {
                b'(' | b'{' | b'[' | b'<' => open += 1,
                b')' | b'}' | b']' | b'>' => open -= 1,
                quote @ (b'"' | b'\'') => {
                    i = self.string(i, quote)?;
                    continue;
                }
                _ => {}
            }
            i += 1;
            if open == 0 {
                return Some(i);
            }
        }
    }
}
