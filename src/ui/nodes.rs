//! Many ids in few words: `web-[01-03,07] db`, in the syntax that patterns understand.

use std::collections::BTreeMap;

/// Folds ids that differ in their last number only. The words are patterns again.
pub fn fold_ids<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    // Keyed by what stands around the number and by its width, in the order of first appearance.
    let mut groups: Vec<(Key<'a>, Vec<u64>)> = Vec::new();
    let mut index: BTreeMap<Key<'a>, usize> = BTreeMap::new();
    for id in ids {
        let (key, number) = split(id);
        let at = *index.entry(key).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        groups[at].1.extend(number);
    }
    let words: Vec<String> = groups
        .into_iter()
        .map(|(key, numbers)| word(key, numbers))
        .collect();
    words.join(" ")
}

/// Before the number, after it, its width (0: no number, or one too long to count with).
type Key<'a> = (&'a str, &'a str, usize);

fn split(id: &str) -> (Key<'_>, Option<u64>) {
    let Some(end) = id.rfind(|c: char| c.is_ascii_digit()).map(|i| i + 1) else {
        return ((id, "", 0), None);
    };
    let digits = id[..end]
        .bytes()
        .rev()
        .take_while(u8::is_ascii_digit)
        .count();
    match id[end - digits..end].parse() {
        Ok(number) => ((&id[..end - digits], &id[end..], digits), Some(number)),
        Err(_) => ((id, "", 0), None),
    }
}

fn word((before, after, width): Key<'_>, mut numbers: Vec<u64>) -> String {
    numbers.sort_unstable();
    numbers.dedup();
    match numbers[..] {
        [] => return before.to_owned(),
        [one] => return format!("{before}{one:0width$}{after}"),
        _ => {}
    }
    let mut parts: Vec<String> = Vec::new();
    for run in numbers.chunk_by(|a, b| a + 1 == *b) {
        match (run.first(), run.last()) {
            (Some(a), Some(b)) if a != b => parts.push(format!("{a:0width$}-{b:0width$}")),
            (Some(a), _) => parts.push(format!("{a:0width$}")),
            _ => {}
        }
    }
    format!("{before}[{}]{after}", parts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for (ids, folded) in [
            ("web-01 web-02 web-03", "web-[01-03]"),
            ("web-3 web-1 web-2 db", "web-[1-3] db"),
            ("web-01 web-03", "web-[01,03]"),
            ("web-01 web-02 web-04 db web-10", "web-[01-02,04,10] db"),
            ("web-9 web-10", "web-9 web-10"),
            ("n1.example n2.example", "n[1-2].example"),
            ("10.0.0.1 10.0.0.2", "10.0.0.[1-2]"),
            ("a99999999999999999999999 a", "a99999999999999999999999 a"),
            ("", ""),
        ] {
            assert_eq!(fold_ids(ids.split_whitespace()), folded, "{ids}");
        }
    }
}
