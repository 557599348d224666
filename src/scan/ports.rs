//! Lists of ports as people write them: `22,80,8000-8100`, `1-65535`, `all`, `top`, `top:100`.
//!
//! Pure. A list is sorted and has each port once.

use std::fmt::Write as _;

use super::top;

/// Which ports somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ports {
    list: Vec<u16>,
    is_top: bool,
}

impl Ports {
    /// So many of those that are most often open; all that are known of when there are fewer.
    pub fn top(count: usize) -> Self {
        let mut list: Vec<u16> = top::ports().take(count).collect();
        list.sort_unstable();
        Ports { list, is_top: true }
    }

    /// These.
    pub fn of(ports: impl IntoIterator<Item = u16>) -> Self {
        let mut list: Vec<u16> = ports.into_iter().filter(|port| *port > 0).collect();
        list.sort_unstable();
        list.dedup();
        Ports {
            list,
            is_top: false,
        }
    }

    /// Sorted, each once.
    pub fn list(&self) -> &[u16] {
        &self.list
    }

    /// Whether they were chosen for being common, not by number.
    pub fn is_top(&self) -> bool {
        self.is_top
    }

    /// The same and these.
    #[must_use]
    pub fn and(&self, more: impl IntoIterator<Item = u16>) -> Self {
        let all = self.list.iter().copied().chain(more);
        Ports {
            is_top: self.is_top,
            ..Ports::of(all)
        }
    }
}

impl Default for Ports {
    fn default() -> Self {
        Ports::top(usize::MAX)
    }
}

impl std::str::FromStr for Ports {
    type Err = String;

    /// Items joined by commas; the error is a sentence that names the item.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("the list of ports is empty".to_owned());
        }
        if let Some(count) = text.trim().strip_prefix("top") {
            return many(count, text).map(Ports::top);
        }
        // A bit for each, so that a list may be as long and as often repeated as somebody likes.
        let mut wanted = vec![false; 1 << 16];
        for item in text.split(',') {
            let (first, last) = range(item.trim())?;
            wanted[usize::from(first)..=usize::from(last)].fill(true);
        }
        let list = (1..=u16::MAX).filter(|port| wanted[usize::from(*port)]);
        Ok(Ports::of(list))
    }
}

/// What stands behind `top`: nothing, or a colon and a number.
fn many(count: &str, whole: &str) -> Result<usize, String> {
    let most = top::ports().count();
    if count.is_empty() {
        return Ok(most);
    }
    let number = count.strip_prefix(':').and_then(digits);
    match number.map(|n| n as usize) {
        Some(n) if (1..=most).contains(&n) => Ok(n),
        _ => Err(format!(
            "`{}` must be `top`, or `top:N` with a number from 1 to {most}",
            shown(whole.trim())
        )),
    }
}

/// One port, two with a dash between them, or `all`.
fn range(item: &str) -> Result<(u16, u16), String> {
    if item == "all" {
        return Ok((1, u16::MAX));
    }
    let Some((first, last)) = item.split_once('-') else {
        let port = port(item)?;
        return Ok((port, port));
    };
    let (first, last) = (port(first.trim())?, port(last.trim())?);
    if first > last {
        return Err(format!(
            "`{}` goes backwards: write `{last}-{first}`",
            shown(item)
        ));
    }
    Ok((first, last))
}

fn port(text: &str) -> Result<u16, String> {
    let number = digits(text).and_then(|n| u16::try_from(n).ok());
    number.filter(|n| *n > 0).ok_or_else(|| match text {
        "" => "a port is missing: write `22,80`, `8000-8100`, `all` or `top`".to_owned(),
        _ => format!("`{}` is not a port from 1 to 65535", shown(text)),
    })
}

/// A number of at most nine digits and nothing else.
fn digits(text: &str) -> Option<u32> {
    let is_number = (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// The beginning of what somebody wrote.
fn shown(text: &str) -> String {
    const MOST: usize = 40;
    match text.chars().count() > MOST {
        true => text.chars().take(MOST).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

/// Sorted ports as `22, 80, 8000-8010`: three or more in a row are a range.
pub fn ranges(ports: &[u16]) -> String {
    let mut text = String::new();
    let mut rest = ports;
    while let Some(first) = rest.first() {
        let run = rest
            .iter()
            .zip(*first..=u16::MAX)
            .take_while(|(port, next)| *port == next);
        let long = run.count().max(1);
        let gap = if text.is_empty() { "" } else { ", " };
        // Writing to a String does not fail.
        let taken = match long {
            1 | 2 => {
                let _ = write!(text, "{gap}{first}");
                1
            }
            _ => {
                let _ = write!(text, "{gap}{first}-{}", rest[long - 1]);
                long
            }
        };
        rest = &rest[taken..];
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(text: &str) -> Result<Vec<u16>, String> {
        text.parse::<Ports>().map(|ports| ports.list().to_vec())
    }

    #[test]
    fn good_lists() {
        for (text, ports) in [
            ("22", &[22][..]),
            ("80,22,80", &[22, 80]),
            (" 22 , 80 - 82 ", &[22, 80, 81, 82]),
            ("65535", &[65535]),
            ("1-3,2-4", &[1, 2, 3, 4]),
        ] {
            assert_eq!(list(text).as_deref(), Ok(ports), "{text}");
        }
        let whole = list("1-65535").unwrap();
        assert!(whole.len() == 65535 && list("all").unwrap() == whole);
        let huge = vec!["1-65535"; 10_000].join(",");
        assert_eq!(list(&huge).unwrap(), whole);
    }

    #[test]
    fn bad_lists() {
        for (text, why) in [
            ("", "the list of ports is empty"),
            (" ", "the list of ports is empty"),
            ("0", "`0` is not a port from 1 to 65535"),
            ("0-10", "`0` is not a port from 1 to 65535"),
            ("70000", "`70000` is not a port from 1 to 65535"),
            (
                "99999999999999999999",
                "`99999999999999999999` is not a port from 1 to 65535",
            ),
            (
                "80-",
                "a port is missing: write `22,80`, `8000-8100`, `all` or `top`",
            ),
            (
                "-80",
                "a port is missing: write `22,80`, `8000-8100`, `all` or `top`",
            ),
            (
                "-",
                "a port is missing: write `22,80`, `8000-8100`, `all` or `top`",
            ),
            (
                "22,,80",
                "a port is missing: write `22,80`, `8000-8100`, `all` or `top`",
            ),
            (
                "22,",
                "a port is missing: write `22,80`, `8000-8100`, `all` or `top`",
            ),
            ("90-80", "`90-80` goes backwards: write `80-90`"),
            ("1-2-3", "`2-3` is not a port from 1 to 65535"),
            ("+22", "`+22` is not a port from 1 to 65535"),
            ("2 2", "`2 2` is not a port from 1 to 65535"),
            ("ssh", "`ssh` is not a port from 1 to 65535"),
            ("２２", "`２２` is not a port from 1 to 65535"),
            ("22;80", "`22;80` is not a port from 1 to 65535"),
        ] {
            assert_eq!(list(text), Err(why.to_owned()), "{text}");
        }
        for text in [
            "top:",
            "top:0",
            "top:x",
            "top:-1",
            "top:99999",
            "top 5",
            "topless",
        ] {
            let why = list(text).unwrap_err();
            assert!(why.contains("must be `top`, or `top:N`"), "{text}: {why}");
        }
        let long = list(&"x".repeat(10_000)).unwrap_err();
        assert!(long.len() < 200, "{long}");
    }

    #[test]
    fn the_common_ones() {
        let hundred: Ports = "top:100".parse().unwrap();
        assert_eq!(hundred.list().len(), 100);
        assert!(hundred.is_top());
        for port in [22, 53, 80, 443, 3306, 5432, 6379, 8080] {
            assert!(hundred.list().contains(&port), "{port}");
        }
        assert_eq!("top".parse(), Ok(Ports::default()));
        assert_eq!(list("top:2").unwrap(), [80, 443]);
    }

    #[test]
    fn ports_in_a_row_are_a_range() {
        for (ports, text) in [
            (&[][..], ""),
            (&[22], "22"),
            (&[22, 23], "22, 23"),
            (&[22, 23, 24, 80], "22-24, 80"),
            (&[1, 3, 4, 5, 6, 65534, 65535], "1, 3-6, 65534, 65535"),
            (&[65533, 65534, 65535], "65533-65535"),
        ] {
            assert_eq!(ranges(ports), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(ports in prop::collection::btree_set(1u16.., 1..60)) {
            let ports = Ports::of(ports);
            prop_assert_eq!(ranges(ports.list()).parse::<Ports>(), Ok(ports));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-0-9,a-z: é]{0,30}") {
            if let Ok(ports) = text.parse::<Ports>() {
                prop_assert!(!ports.list().is_empty());
                prop_assert!(ports.list().windows(2).all(|w| w[0] < w[1]) && ports.list()[0] > 0);
            }
        }
    }
}
