//! Expressions that name something: `fleet.select("web*")[1].meta`, read backwards from where they
//! end. Pure; the tokens are those that mean something to Lua.

use crate::tokens::{Kind, Token};

/// Expressions in parentheses deeper than this are not read.
const DEPTH: usize = 20;

/// What an expression begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base<'a> {
    /// A variable.
    Name(&'a str),
    /// A text in parentheses.
    Text,
}

/// What is done with what was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// `.name`, `["name"]`
    Field(&'a str),
    /// `[1]`; without a number, some item.
    Item(Option<i64>),
    /// `:name`
    Method(&'a str),
    /// `(…)`, `{…}`, `"…"`
    Call,
}

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain<'a> {
    pub base: Base<'a>,
    pub steps: Vec<Step<'a>>,
}

/// The expression with which the tokens end; `None` when they do not end with one.
pub(super) fn ending<'a>(tokens: &[Token<'a>]) -> Option<Chain<'a>> {
    read(tokens, DEPTH).map(|(chain, _)| chain)
}

/// The expression that begins at token `start` and goes on as far as it can.
pub(super) fn beginning<'a>(tokens: &[Token<'a>], start: usize) -> Option<Chain<'a>> {
    let mut end = start + 1;
    if tokens.get(start)?.kind != Kind::Name {
        return None;
    }
    while let Some(token) = tokens.get(end) {
        end = match (token.kind, token.text) {
            (Kind::Sign, "." | ":") if tokens.get(end + 1)?.kind == Kind::Name => end + 2,
            (Kind::Sign, "(" | "{" | "[") => closer(tokens, end)? + 1,
            (Kind::Quoted { open: false }, _) => end + 1,
            _ => break,
        };
    }
    let (chain, begun) = read(&tokens[start..end], DEPTH)?;
    (begun == 0).then_some(chain)
}

/// Can what the tokens end with be called?
pub(super) fn is_callee(tokens: &[Token<'_>]) -> bool {
    tokens.last().is_some_and(|last| match last.kind {
        Kind::Name | Kind::Quoted { open: false } => true,
        Kind::Sign => matches!(last.text, ")" | "]" | "}"),
        _ => false,
    })
}

/// The expression, and the token with which it begins.
fn read<'a>(tokens: &[Token<'a>], depth: usize) -> Option<(Chain<'a>, usize)> {
    let mut steps = Vec::new();
    let mut end = tokens.len();
    let (base, start) = loop {
        let at = end.checked_sub(1)?;
        let last = tokens[at];
        let before = &tokens[..at];
        match (last.kind, last.text) {
            (Kind::Name, name) => match before.last().map(|t| t.text) {
                Some(".") => steps.push(Step::Field(name)),
                Some(":") => steps.push(Step::Method(name)),
                _ => break (Base::Name(name), at),
            },
            (Kind::Quoted { open: false }, _) if is_callee(before) => {
                steps.push(Step::Call);
                end = at;
                continue;
            }
            (Kind::Sign, ")" | "}" | "]") => {
                let open = opener(tokens, at)?;
                let inside = &tokens[open + 1..at];
                let is_call = is_callee(&tokens[..open]);
                match last.text {
                    "]" if is_call => steps.push(item(inside)),
                    ")" | "}" if is_call => steps.push(Step::Call),
                    ")" => {
                        let base = parenthesised(inside, depth)?;
                        steps.extend(base.steps.into_iter().rev());
                        break (base.base, open);
                    }
                    _ => return None,
                }
                end = open;
                continue;
            }
            _ => return None,
        }
        // The name and its sign.
        end = at - 1;
    };
    steps.reverse();
    Some((Chain { base, steps }, start))
}

fn parenthesised<'a>(inside: &[Token<'a>], depth: usize) -> Option<Chain<'a>> {
    if let [
        Token {
            kind: Kind::Quoted { .. },
            ..
        },
    ] = inside
    {
        return Some(Chain {
            base: Base::Text,
            steps: Vec::new(),
        });
    }
    let (chain, begun) = read(inside, depth.checked_sub(1)?)?;
    (begun == 0).then_some(chain)
}

fn item<'a>(inside: &[Token<'a>]) -> Step<'a> {
    match inside {
        [one] => match one.kind {
            Kind::Quoted { .. } => Step::Field(one.inside()),
            _ => Step::Item(one.text.parse().ok()),
        },
        _ => Step::Item(None),
    }
}

/// The bracket that the one at `close` closes.
fn opener(tokens: &[Token<'_>], close: usize) -> Option<usize> {
    let mut open = Vec::new();
    for at in (0..=close).rev() {
        match tokens[at].text {
            ")" => open.push("("),
            "]" => open.push("["),
            "}" => open.push("{"),
            text @ ("(" | "[" | "{") => {
                if open.pop() != Some(text) {
                    return None;
                }
                if open.is_empty() {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The bracket that closes the one at `open`.
fn closer(tokens: &[Token<'_>], open: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::tokens;
    use Step::{Call, Field, Item, Method};

    fn code(text: &str) -> Vec<Token<'_>> {
        tokens(text).into_iter().filter(Token::is_code).collect()
    }

    #[test]
    fn expressions_are_read_from_their_end() {
        let name = |n| Base::Name(n);
        for (text, base, steps) in [
            ("a", name("a"), vec![]),
            ("x = a.b", name("a"), vec![Field("b")]),
            ("f(1, {2})", name("f"), vec![Call]),
            ("f'x'", name("f"), vec![Call]),
            ("f{ 1 } [[x]]", name("f"), vec![Call, Call]),
            (
                "return fleet.select('x')",
                name("fleet"),
                vec![Field("select"), Call],
            ),
            (
                "a:b 'c' [2]",
                name("a"),
                vec![Method("b"), Call, Item(Some(2))],
            ),
            ("a[i + 1]['k']", name("a"), vec![Item(None), Field("k")]),
            ("return ('x')", Base::Text, vec![]),
            (
                "= ((a.b):c())",
                name("a"),
                vec![Field("b"), Method("c"), Call],
            ),
            ("a -- b\n .c", name("a"), vec![Field("c")]),
            ("a:b", name("a"), vec![Method("b")]),
        ] {
            assert_eq!(ending(&code(text)), Some(Chain { base, steps }), "{text}");
        }
        for text in [
            "", "1", "a +", "(1 + 2)", "{}", "'a'", ")", "a(]", ".a", "end", "{}.a",
        ] {
            assert_eq!(ending(&code(text)), None, "{text}");
        }
        let deep = "(".repeat(10_000) + "a" + &")".repeat(10_000);
        assert_eq!(ending(&code(&deep)), None);
        let text = code("local a = b.c(1):d 'x' y = 2");
        let steps = vec![Field("c"), Call, Method("d"), Call];
        let base = name("b");
        assert_eq!(beginning(&text, 3), Some(Chain { base, steps }));
        assert_eq!(beginning(&text, 0), None);
        assert_eq!(beginning(&code("a("), 0), None);
    }
}
