//! Host patterns of an inventory: `web[01:20].example`, `db-[a:f]`, `[1:9:2]`, and a port behind.
//! Pure.

/// Most hosts of one pattern.
const MOST: usize = 100_000;

/// The hosts of a pattern, in order, and the port that stands behind it.
///
/// # Errors
/// What is wrong with a range.
pub(super) fn expand(pattern: &str) -> Result<(Vec<String>, Option<u16>), String> {
    let (pattern, port) = split_port(pattern)?;
    let mut hosts = vec![String::new()];
    let mut rest = pattern;
    while let Some((head, range, tail)) = next_range(rest) {
        let items = items(range)?;
        if hosts.len().saturating_mul(items.len()) > MOST {
            return Err(format!("the range means more than {MOST} hosts"));
        }
        let longer = |host: &String| {
            let host = host.clone();
            items.iter().map(move |item| format!("{host}{head}{item}"))
        };
        hosts = hosts.iter().flat_map(longer).collect();
        rest = tail;
    }
    hosts.iter_mut().for_each(|host| host.push_str(rest));
    Ok((hosts, port))
}

/// `[host]:22`, or `host:22` when all other colons stand in brackets.
fn split_port(pattern: &str) -> Result<(&str, Option<u16>), String> {
    let Some((host, digits)) = pattern.rsplit_once(':') else {
        return Ok((pattern, None));
    };
    let is_port = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let inside = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .filter(|h| !h.contains([']', '[']));
    let is_host = host
        .split(['[', ']'])
        .step_by(2)
        .all(|part| !part.contains(':'))
        && host.matches('[').count() == host.matches(']').count();
    if digits.is_empty() && is_host {
        return Err("a colon at the end needs a port behind it".to_owned());
    }
    if !is_port || !(is_host || inside.is_some()) {
        return Ok((pattern, None));
    }
    let port = digits.parse().ok().filter(|p| *p != 0);
    let port = port.ok_or("the port must be from 1 to 65535")?;
    Ok((inside.unwrap_or(host), Some(port)))
}

/// What stands before a range, in it, and behind it.
fn next_range(text: &str) -> Option<(&str, &str, &str)> {
    let (head, rest) = text.split_once('[')?;
    let (range, tail) = rest.split_once(']')?;
    range.contains(':').then_some((head, range, tail))
}

fn items(range: &str) -> Result<Vec<String>, String> {
    let wrong = |what: &str| format!("range `[{}]` {what}", range.escape_debug());
    let bounds: Vec<&str> = range.split(':').collect();
    let (from, to, step) = match bounds.as_slice() {
        [from, to] => (*from, *to, "1"),
        [from, to, step] => (*from, *to, *step),
        _ => return Err(wrong("is not `[from:to]` or `[from:to:step]`")),
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u64>().ok().filter(|_| digits)
    };
    let step = number(step).and_then(|s| usize::try_from(s).ok());
    let step = step
        .filter(|s| *s > 0)
        .ok_or_else(|| wrong("has a wrong step"))?;
    let from = if from.is_empty() { "0" } else { from };
    if to.is_empty() {
        return Err(wrong("has no end"));
    }
    if let (Some(from), Some(to)) = (letter(from), letter(to)) {
        if from > to {
            return Err(wrong("runs backwards"));
        }
        let letters = (from..=to).step_by(step).map(|i| char::from(LETTERS[i]));
        return Ok(letters.map(String::from).collect());
    }
    let width = match from.starts_with('0') && from.len() > 1 {
        true if from.len() != to.len() => {
            return Err(wrong("needs as many digits at both ends"));
        }
        true => from.len(),
        false => 0,
    };
    let (Some(from), Some(to)) = (number(from), number(to)) else {
        return Err(wrong("is neither of numbers nor of letters"));
    };
    if from > to {
        return Err(wrong("runs backwards"));
    }
    if (to - from) / step as u64 >= MOST as u64 {
        return Err(wrong(&format!("means more than {MOST} hosts")));
    }
    let numbers = (from..=to).step_by(step);
    Ok(numbers.map(|n| format!("{n:0width$}")).collect())
}

/// Python's `string.ascii_letters`: small ones first.
const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn letter(text: &str) -> Option<usize> {
    match text.as_bytes() {
        [byte] => LETTERS.iter().position(|l| l == byte),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn good_ones() {
        for (pattern, hosts, port) in [
            ("web", "web", None),
            ("web:2222", "web", Some(2222)),
            ("w[1:3]", "w1 w2 w3", None),
            ("w[01:03].x", "w01 w02 w03.x", None),
            ("w[08:10:2]:22", "w08 w10", Some(22)),
            ("w[a:c]", "wa wb wc", None),
            ("w[:2]", "w0 w1 w2", None),
            ("w[1:2]-[a:b]", "w1-a w1-b w2-a w2-b", None),
            ("10.0.0.[1:2]", "10.0.0.1 10.0.0.2", None),
            ("fe80::1", "fe80::1", None),
            ("[fe80::1]:22", "fe80::1", Some(22)),
        ] {
            let (found, found_port) = expand(pattern).unwrap();
            let hosts: Vec<String> = match pattern.ends_with(".x") {
                true => hosts
                    .split(' ')
                    .map(|h| h.trim_end_matches(".x").to_owned() + ".x")
                    .collect(),
                false => hosts.split(' ').map(str::to_owned).collect(),
            };
            assert_eq!((found, found_port), (hosts, port), "{pattern}");
        }
    }

    #[test]
    fn bad_ones() {
        for (pattern, message) in [
            ("w[3:1]", "range `[3:1]` runs backwards"),
            ("w[b:a]", "range `[b:a]` runs backwards"),
            ("w[1:]", "range `[1:]` has no end"),
            (
                "w[01:5]",
                "range `[01:5]` needs as many digits at both ends",
            ),
            ("w[1:5:0]", "range `[1:5:0]` has a wrong step"),
            ("w[1:5:x]", "range `[1:5:x]` has a wrong step"),
            (
                "w[1:2:3:4]",
                "range `[1:2:3:4]` is not `[from:to]` or `[from:to:step]`",
            ),
            (
                "w[a:5]",
                "range `[a:5]` is neither of numbers nor of letters",
            ),
            (
                "w[1:99999999]",
                "range `[1:99999999]` means more than 100000 hosts",
            ),
            ("w[1:999][1:999]", "the range means more than 100000 hosts"),
            (
                "w[0:18446744073709551616]",
                "range `[0:18446744073709551616]` is neither of numbers nor of letters",
            ),
            ("web:", "a colon at the end needs a port behind it"),
            ("web:0", "the port must be from 1 to 65535"),
            ("web:99999", "the port must be from 1 to 65535"),
        ] {
            assert_eq!(expand(pattern).unwrap_err(), message, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(pattern in "[\\[\\]:a-c0-9é.]{0,20}") {
            let _ = expand(&pattern);
        }

        #[test]
        fn a_range_has_as_many_hosts_as_it_says(from in 0u32..500, count in 0u32..500) {
            let to = from + count;
            let (hosts, _) = expand(&format!("h[{from:04}:{to:04}]")).unwrap();
            prop_assert_eq!(hosts.len() as u32, count + 1);
            prop_assert!(hosts.iter().all(|h| h.len() == 5));
        }
    }
}
