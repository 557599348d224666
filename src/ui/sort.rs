//! Values in the order in which people count: `web-2` before `web-10`. Pure.

use std::cmp::Ordering;

use serde_json::Value;

/// Compares texts, numbers within them by what they count. Texts that differ in padding or case
/// only are told apart, so that the order is a total one.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (x, y) = match (next(&mut left), next(&mut right)) {
            (Some(x), Some(y)) => (x, y),
            (x, y) => return x.is_some().cmp(&y.is_some()).then_with(|| a.cmp(b)),
        };
        let order = match (x, y) {
            (Piece::Number(x), Piece::Number(y)) => x.len().cmp(&y.len()).then(x.cmp(y)),
            (Piece::Number(_), Piece::Char(_)) => Ordering::Less,
            (Piece::Char(_), Piece::Number(_)) => Ordering::Greater,
            (Piece::Char(x), Piece::Char(y)) => x.to_lowercase().cmp(y.to_lowercase()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Compares what a column holds: numbers by value, all else as [`natural`] text. What is not there
/// comes last, whichever way round the others are.
pub fn values(a: &Value, b: &Value, reverse: bool) -> Ordering {
    let is_missing = |v: &Value| v.is_null() || v.as_str() == Some("");
    if is_missing(a) || is_missing(b) {
        return is_missing(a).cmp(&is_missing(b));
    }
    let order = match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            let float = |n: &serde_json::Number| n.as_f64().unwrap_or(f64::NAN);
            float(x).total_cmp(&float(y))
        }
        (Value::String(x), Value::String(y)) => natural(x, y),
        _ => {
            let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            natural(&text(a), &text(b))
        }
    };
    if reverse { order.reverse() } else { order }
}

enum Piece<'a> {
    /// Digits without the zeros before them.
    Number(&'a str),
    Char(char),
}

fn next<'a>(rest: &mut &'a str) -> Option<Piece<'a>> {
    let first = rest.chars().next()?;
    let end = match first.is_ascii_digit() {
        true => rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len()),
        false => first.len_utf8(),
    };
    let (piece, after) = rest.split_at(end);
    *rest = after;
    Some(match first.is_ascii_digit() {
        true => Piece::Number(piece.trim_start_matches('0')),
        false => Piece::Char(first),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn as_people_count() {
        for (a, b) in [
            ("web-2", "web-10"),
            ("web-02", "web-10"),
            ("10.0.0.9", "10.0.0.10"),
            ("a", "B"),
            ("A", "a"),
            ("web", "web-1"),
            ("1", "a"),
            ("v1.9", "v1.10"),
            ("99999999999999999999998", "99999999999999999999999"),
            ("web-01", "web-1"),
        ] {
            assert_eq!(natural(a, b), Ordering::Less, "{a} {b}");
            assert_eq!(natural(b, a), Ordering::Greater, "{b} {a}");
        }
    }

    #[test]
    fn what_is_missing_comes_last() {
        let (none, one, two) = (json!(null), json!(1.5), json!(20));
        for reverse in [false, true] {
            assert_eq!(values(&none, &one, reverse), Ordering::Greater);
            assert_eq!(values(&one, &json!(""), reverse), Ordering::Less);
        }
        assert_eq!(values(&one, &two, false), Ordering::Less);
        assert_eq!(values(&one, &two, true), Ordering::Greater);
    }

    proptest! {
        #[test]
        fn a_total_order(a in "[a-cA-C0-2é]{0,6}", b in "[a-cA-C0-2é]{0,6}", c in "[a-cA-C0-2é]{0,6}") {
            prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
            prop_assert_eq!(natural(&a, &b).is_eq(), a == b);
            if natural(&a, &b).is_le() && natural(&b, &c).is_le() {
                prop_assert!(natural(&a, &c).is_le());
            }
        }
    }
}
