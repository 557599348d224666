//! Variables that the text itself makes: what stands where they get their value. Pure.

use super::chain::{Chain, beginning};
use super::place::{Slot, slot};
use crate::tokens::{Kind, Token};

/// Where a variable gets its value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Local<'a> {
    /// `local name = expression`
    Value(Chain<'a>),
    /// `for i, name in ipairs(expression)`
    Item(Chain<'a>),
    /// Parameter number `index` of a function that is an argument of a call.
    Parameter { of: Slot<'a>, index: usize },
}

/// The last place in the code that makes a variable of that name, and how much of the code stands
/// before it.
pub(super) fn local<'a>(code: &[Token<'a>], name: &str) -> Option<(Local<'a>, usize)> {
    let named = |at: &usize| code[*at].kind == Kind::Name && code[*at].text == name;
    (0..code.len())
        .rev()
        .filter(named)
        .find_map(|at| made(code, at))
}

/// What makes the variable at `at`, when that is where it is made.
fn made<'a>(code: &[Token<'a>], at: usize) -> Option<(Local<'a>, usize)> {
    // Over the names before it in the same list.
    let mut first = at;
    while first >= 2 && code[first - 1].text == "," && code[first - 2].kind == Kind::Name {
        first -= 2;
    }
    let index = (at - first) / 2;
    let before = first.checked_sub(1)?;
    let local = match code[before].text {
        "local" if index == 0 && code.get(at + 1)?.text == "=" => {
            Local::Value(beginning(code, at + 2)?)
        }
        "for" if index == 1 => match code.get(at + 1..at + 4)? {
            [a, b, c] if (a.text, b.text, c.text) == ("in", "ipairs", "(") => {
                Local::Item(beginning(code, at + 4)?)
            }
            _ => return None,
        },
        "(" => {
            let function = before.checked_sub(1)?;
            if code[function].text != "function" {
                return None;
            }
            let of = slot(&code[..function])?;
            return Some((Local::Parameter { of, index }, function));
        }
        _ => return None,
    };
    Some((local, before))
}

/// The names that the code makes.
pub(super) fn locals<'a>(code: &[Token<'a>]) -> Vec<&'a str> {
    let mut names = Vec::new();
    let mut is_list = false;
    for (at, token) in code.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| code[at].text);
        is_list = match token.kind {
            Kind::Keyword => matches!(token.text, "local" | "for" | "function"),
            Kind::Name => is_list,
            _ => is_list && matches!(token.text, "," | "("),
        };
        let is_first = matches!(before, Some("local" | "for" | "function" | "," | "("));
        if token.kind == Kind::Name && is_list && is_first && !names.contains(&token.text) {
            names.push(token.text);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lua::complete::chain::Base;
    use crate::tokens::tokens;

    fn code(text: &str) -> Vec<Token<'_>> {
        tokens(text).into_iter().filter(Token::is_code).collect()
    }

    #[test]
    fn variables_know_where_they_come_from() {
        let code = code(
            "local a = server('x') f:map(function(i, s) return s.id end) \
             for _, o in ipairs(all) do local b, c = 1, 2 end",
        );
        let base = |local| match local {
            Some((Local::Value(chain) | Local::Item(chain), _)) => Some(chain.base),
            _ => None,
        };
        assert_eq!(base(local(&code, "a")), Some(Base::Name("server")));
        assert_eq!(base(local(&code, "o")), Some(Base::Name("all")));
        assert_eq!(base(local(&code, "b")), None);
        let Some((Local::Parameter { of, index }, _)) = local(&code, "s") else {
            panic!("no parameter");
        };
        assert_eq!((of.callee.base, of.index, index), (Base::Name("f"), 0, 1));
        assert_eq!(local(&code, "nosuch"), None);
        assert_eq!(locals(&code), ["a", "i", "s", "_", "o", "b", "c"]);
    }
}
