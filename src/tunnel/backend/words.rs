//! What programs say when a tunnel does not come up, and what that means. Pure.

use crate::output::Output;
use crate::tunnel::plan::State;

/// A row of a table: texts of a program, the reason ([`State::Failed`]) and our words.
pub type Meaning = (&'static [&'static str], &'static str, &'static str);

/// The first row one of whose texts is in what was said: what is more certain stands above.
pub fn meaning(table: &[Meaning], said: &str) -> Option<State> {
    let is_said = |texts: &&[&str]| texts.iter().any(|text| said.contains(text));
    let (_, reason, message) = table.iter().find(|(texts, _, _)| is_said(texts))?;
    Some(State::failed(reason, *message))
}

/// All that a step said.
pub fn said(answer: &Output) -> String {
    String::from_utf8_lossy(&[&answer.stdout[..], &answer.stderr].concat()).into_owned()
}

/// The end of a program that no table knows.
pub fn ended(program: &str, reason: &'static str, log: &str) -> State {
    let words = last_words(log).unwrap_or_default();
    State::failed(reason, format!("{program} ended with `{words}`"))
}

/// The last of the lines that is not empty, shortened: the words a program ended with.
pub fn last_words(log: &str) -> Option<String> {
    let line = log.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.trim().chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_counts() {
        const TABLE: &[Meaning] = &[(&["one", "two"], "auth", "a"), (&["three"], "gateway", "b")];
        let found = |said| meaning(TABLE, said);
        assert_eq!(found("three and two"), Some(State::failed("auth", "a")));
        assert_eq!(found("three"), Some(State::failed("gateway", "b")));
        assert_eq!(found(""), None);
    }

    #[test]
    fn the_last_words() {
        assert_eq!(last_words("a\n b \n\n").as_deref(), Some("b"));
        assert_eq!(last_words("\n \n"), None);
        let long = "x".repeat(500);
        assert_eq!(last_words(&long).map(|words| words.len()), Some(200));
    }
}
