//! Servers that gave the same output, together. Pure.

use std::collections::HashMap;

use super::nodes::fold_ids;
use super::sanitize::one_line;
use crate::output::Output;

/// Servers with one and the same output and end.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// What each of them printed.
    pub output: &'a Output,
    /// Their ids, in the order of the run.
    pub ids: Vec<&'a str>,
}

/// The groups of a run, the largest first, those of one size in the order in which they came.
pub(super) fn groups<'a>(
    outputs: impl IntoIterator<Item = (&'a str, &'a Output)>,
) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut index = HashMap::new();
    for (id, output) in outputs {
        let key = (&output.stdout, &output.stderr, output.code, &output.signal);
        let at = *index.entry(key).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.ids.push(id),
            None => groups.push(Group {
                output,
                ids: vec![id],
            }),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.ids.len()));
    groups
}

/// The first group, when more than half of the servers are in it.
pub(super) fn majority<'g, 'a>(groups: &'g [Group<'a>]) -> Option<&'g Group<'a>> {
    let all: usize = groups.iter().map(|g| g.ids.len()).sum();
    groups.first().filter(|g| g.ids.len() * 2 > all)
}

impl Group<'_> {
    /// `web-[01-28] db (29)`.
    pub(super) fn names(&self) -> String {
        let names = one_line(&fold_ids(self.ids.iter().copied()));
        match self.ids.len() {
            1 => names,
            many => format!("{names} ({many})"),
        }
    }

    /// `exit 3`, `signal KILL`; nothing for an end that is well.
    pub(super) fn end(&self) -> Option<String> {
        match (self.output.code, &self.output.signal) {
            (_, Some(signal)) => Some(format!("signal {}", one_line(signal))),
            (Some(code), None) if code != 0 => Some(format!("exit {code}")),
            _ => None,
        }
    }

    /// True when nothing was printed.
    pub(super) fn is_silent(&self) -> bool {
        self.output.stdout.is_empty() && self.output.stderr.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(stdout: &str, code: i32) -> Output {
        Output {
            code: Some(code),
            stdout: stdout.into(),
            ..Output::default()
        }
    }

    #[test]
    fn the_largest_comes_first_and_may_be_a_majority() {
        let (a, b, failed) = (output("a", 0), output("b", 0), output("a", 1));
        let of = |all: &[(&'static str, &'static str)]| {
            let pick = |kind: &str| match kind {
                "a" => &a,
                "b" => &b,
                _ => &failed,
            };
            let found = groups(all.iter().map(|(id, kind)| (*id, pick(kind))));
            let names: Vec<String> = found.iter().map(Group::names).collect();
            (names.join("; "), majority(&found).is_some())
        };
        assert_eq!(of(&[]), (String::new(), false));
        assert_eq!(of(&[("x", "a")]), ("x".into(), true));
        assert_eq!(of(&[("x", "a"), ("y", "b")]), ("x; y".into(), false));
        assert_eq!(
            of(&[("x1", "a"), ("x2", "b"), ("x3", "b"), ("x4", "failed")]),
            ("x[2-3] (2); x1; x4".into(), false)
        );
        assert_eq!(
            of(&[("x1", "failed"), ("x2", "b"), ("x3", "b")]),
            ("x[2-3] (2); x1".into(), true)
        );
        assert_eq!(groups([("x", &failed)])[0].end().as_deref(), Some("exit 1"));
    }
}
