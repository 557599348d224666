//! When a block counts: the patterns of `Host` and the criteria of `Match`. Pure.

use super::parse::delimited;
use super::tokens;
use super::wild::Wild;

/// When a block counts.
#[derive(Debug)]
pub(super) enum Condition {
    /// What stands before the first `Host` or `Match` of a file.
    Always,
    /// `Host`: each pattern, and whether it is negated.
    Host(Vec<(bool, String, Wild)>),
    /// `Match`: all of them.
    Match(Vec<Criterion>),
    /// A block that cannot be judged.
    Never,
}

/// One criterion of a `Match` line.
#[derive(Debug)]
pub(super) struct Criterion {
    negated: bool,
    what: What,
}

#[derive(Debug)]
enum What {
    All,
    /// `final` and `canonical`.
    Final,
    Host(List),
    OriginalHost(List),
    User(List),
    LocalUser(List),
}

/// A list of patterns with commas; a negated one that matches decides.
#[derive(Debug)]
struct List(Vec<(bool, Wild)>);

/// What is known while blocks are judged.
pub(super) struct Known<'a> {
    /// The name that was typed; in the second reading, what it became.
    pub host: &'a str,
    /// The name that was typed.
    pub typed: &'a str,
    /// `HostName` so far, as written.
    pub host_name: Option<&'a str>,
    /// `User` so far.
    pub user: Option<&'a str>,
    pub local_user: &'a str,
    /// The second reading.
    pub is_final: bool,
}

/// A `Match` line, read.
pub(super) enum Matched {
    /// What it asks, and whether it asks for a second reading.
    Judged(Condition, bool),
    /// A criterion that is not judged here.
    Unjudged(String),
    /// ssh refuses it.
    Bad(String),
}

impl Condition {
    /// The condition of a `Host` line.
    pub(super) fn host(words: Vec<String>) -> Self {
        let pattern = |word: String| match word.strip_prefix('!') {
            Some(rest) => (true, rest.to_owned(), Wild::host(rest)),
            None => (false, word.clone(), Wild::host(&word)),
        };
        Condition::Host(words.into_iter().map(pattern).collect())
    }

    /// The names of a `Host` line that mean one host.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let patterns = match self {
            Condition::Host(patterns) => patterns.as_slice(),
            _ => &[],
        };
        patterns
            .iter()
            .filter(|(negated, _, wild)| !negated && !wild.is_wild())
            .map(|(_, name, _)| name.as_str())
    }

    /// Does the block count?
    pub(super) fn holds(&self, known: &Known<'_>) -> bool {
        match self {
            Condition::Always => true,
            Condition::Never => false,
            Condition::Host(patterns) => {
                let mut holds = false;
                for (negated, _, wild) in patterns {
                    if wild.matches(known.host) {
                        if *negated {
                            return false;
                        }
                        holds = true;
                    }
                }
                holds
            }
            Condition::Match(criteria) => criteria.iter().all(|c| c.what.holds(known) != c.negated),
        }
    }
}

impl What {
    fn holds(&self, known: &Known<'_>) -> bool {
        match self {
            What::All => true,
            What::Final => known.is_final,
            What::Host(list) => {
                let name = known.host_name.filter(|_| !known.is_final);
                let name = name.map(|n| tokens::host_name(n, known.typed));
                list.matches(&name.as_deref().unwrap_or(known.host).to_lowercase())
            }
            What::OriginalHost(list) => list.matches(&known.typed.to_lowercase()),
            What::User(list) => list.matches(known.user.unwrap_or(known.local_user)),
            What::LocalUser(list) => list.matches(known.local_user),
        }
    }
}

impl List {
    fn new(text: &str) -> Self {
        let pattern = |word: &str| match word.strip_prefix('!') {
            Some(rest) => (true, Wild::host(rest)),
            None => (false, Wild::host(word)),
        };
        List(text.split(',').map(pattern).collect())
    }

    fn matches(&self, text: &str) -> bool {
        let mut matches = false;
        for (negated, wild) in &self.0 {
            if wild.matches(text) {
                if *negated {
                    return false;
                }
                matches = true;
            }
        }
        matches
    }
}

/// Reads what follows `Match`.
pub(super) fn read_match(mut rest: &str) -> Matched {
    let open = || Matched::Bad("a quote stays open".to_owned());
    let (mut criteria, mut has_final, mut unjudged) = (Vec::new(), false, None);
    loop {
        let Some((word, next)) = delimited(rest) else {
            return open();
        };
        if word.is_empty() || word.starts_with('#') {
            break;
        }
        rest = next;
        let (negated, name) = match word.strip_prefix('!') {
            Some(name) => (true, name.to_lowercase()),
            None => (false, word.to_lowercase()),
        };
        let count = criteria.len();
        let mut push = |what| criteria.push(Criterion { negated, what });
        match name.as_str() {
            "all" => {
                let is_alone = rest.is_empty() || rest.starts_with('#');
                if !is_alone || count > 1 {
                    return Matched::Bad("`Match all` stands alone".to_owned());
                }
                push(What::All);
                break;
            }
            "final" | "canonical" => {
                has_final |= name == "final";
                push(What::Final);
                continue;
            }
            _ => {}
        }
        let Some((argument, next)) = delimited(rest) else {
            return open();
        };
        if argument.is_empty() || argument.starts_with('#') {
            return Matched::Bad(format!("`Match {}` needs an argument", name.escape_debug()));
        }
        rest = next;
        match name.as_str() {
            "host" => push(What::Host(List::new(&argument.to_lowercase()))),
            "originalhost" => push(What::OriginalHost(List::new(&argument.to_lowercase()))),
            "user" => push(What::User(List::new(&argument))),
            "localuser" => push(What::LocalUser(List::new(&argument))),
            _ => unjudged = unjudged.or(Some(name)),
        }
    }
    match unjudged {
        Some(name) => Matched::Unjudged(name),
        None if criteria.is_empty() => Matched::Bad("`Match` needs a criterion".to_owned()),
        None => Matched::Judged(Condition::Match(criteria), has_final),
    }
}
