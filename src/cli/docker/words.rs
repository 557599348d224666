//! Docker's flags of the verbs that are parsed here. Pure.

use crate::config::nearest;
use crate::docker::given::{Arg, Given};
use crate::error::{Error, Result};

/// A flag: its letter, its long name, and what it is in the core.
pub(super) struct Flag {
    pub(super) short: Option<char>,
    pub(super) long: &'static str,
    /// The option that it sets; an empty one sets nothing.
    pub(super) key: &'static str,
    /// It takes `NAME=VALUE`, several times.
    pub(super) is_pairs: bool,
}

/// A flag that is on or off.
pub(super) const fn on(short: Option<char>, long: &'static str, key: &'static str) -> Flag {
    Flag {
        short,
        long,
        key,
        is_pairs: false,
    }
}

/// A flag that takes `NAME=VALUE`.
pub(super) const fn pairs(short: Option<char>, long: &'static str, key: &'static str) -> Flag {
    Flag {
        short,
        long,
        key,
        is_pairs: true,
    }
}

/// The options of a verb, and the words that are no flags.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for a flag that is not in `flags`.
pub(super) fn parse(verb: &str, words: &[String], flags: &[Flag]) -> Result<(Given, Vec<String>)> {
    let (mut given, mut names) = (Given::new(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            names.extend(words.by_ref().cloned());
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let flag = flags.iter().find(|flag| flag.long == name);
            let flag = flag.ok_or_else(|| unknown(verb, word, flags))?;
            set(verb, &mut given, flag, value, || words.next().cloned())?;
        } else if let Some(letters) = word.strip_prefix('-').filter(|l| !l.is_empty()) {
            for (at, letter) in letters.char_indices() {
                let flag = flags.iter().find(|flag| flag.short == Some(letter));
                let flag = flag.ok_or_else(|| unknown(verb, word, flags))?;
                if !flag.is_pairs {
                    set(verb, &mut given, flag, None, || None)?;
                    continue;
                }
                let rest = &letters[at + letter.len_utf8()..];
                let value = (!rest.is_empty()).then(|| rest.trim_start_matches('=').to_owned());
                set(verb, &mut given, flag, value, || words.next().cloned())?;
                break;
            }
        } else {
            names.push(word.clone());
        }
    }
    Ok((given, names))
}

fn set(
    verb: &str,
    given: &mut Given,
    flag: &Flag,
    value: Option<String>,
    next: impl FnOnce() -> Option<String>,
) -> Result<()> {
    let long = flag.long;
    if flag.key.is_empty() {
        return Ok(());
    }
    if !flag.is_pairs {
        let is_on = match value.as_deref() {
            None | Some("true") => true,
            Some("false") => false,
            Some(_) => return Err(Error::usage(format!("`{verb}`: `--{long}` takes no value"))),
        };
        given.insert(flag.key.to_owned(), Arg::Flag(is_on));
        return Ok(());
    }
    let value = value.or_else(next);
    let pair = value.as_deref().and_then(|value| value.split_once('='));
    let Some((name, value)) = pair else {
        return Err(Error::usage(format!(
            "`{verb}`: `--{long}` takes NAME=VALUE"
        )));
    };
    let all = given.entry(flag.key.to_owned());
    if let Arg::Map(map) = all.or_insert_with(|| Arg::Map(Given::new()))
        && let Arg::List(list) = map
            .entry(name.to_owned())
            .or_insert_with(|| Arg::List(Vec::new()))
    {
        list.push(Arg::Text(value.to_owned()));
    }
    Ok(())
}

fn unknown(verb: &str, word: &str, flags: &[Flag]) -> Error {
    let error = Error::usage(format!(
        "`docker PATTERN {verb}` has no flag `{}`",
        word.escape_debug()
    ));
    let names: Vec<String> = flags
        .iter()
        .map(|flag| format!("--{}", flag.long))
        .collect();
    let near = nearest(word, names.iter().map(String::as_str));
    match (near, names.is_empty()) {
        (Some(near), _) => error.hint(format!("did you mean `{near}`?")),
        (None, true) => error.hint("it has none; flags of mroom stand before the pattern"),
        (None, false) => error.hint(format!(
            "it has {}; flags of mroom stand before the pattern",
            names.join(", ")
        )),
    }
}

/// Refuses words where there can be none.
///
/// # Errors
/// [`crate::error::Kind::Usage`].
pub(super) fn none(verb: &str, names: &[String]) -> Result<()> {
    match names.first() {
        None => Ok(()),
        Some(name) => Err(Error::usage(format!(
            "`docker PATTERN {verb}` takes no name: `{}`",
            name.escape_debug()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FLAGS: &[Flag] = &[
        on(Some('a'), "all", "all"),
        on(Some('q'), "quiet", ""),
        pairs(Some('f'), "filter", "filter"),
    ];

    fn read(line: &str) -> Result<(Given, Vec<String>)> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse("ps", &words, FLAGS)
    }

    #[test]
    fn flags_are_read_as_docker_reads_them() {
        for line in [
            "-a -f label=a --filter=label=b x",
            "--all --filter label=a -flabel=b x",
            "x -af label=a -f=label=b",
            "--all=true -f label=a -f label=b -q -- x",
        ] {
            let (given, names) = read(line).unwrap();
            assert_eq!(given["all"], Arg::Flag(true), "{line}");
            let list = Arg::List(vec![Arg::Text("a".to_owned()), Arg::Text("b".to_owned())]);
            let map = Given::from([("label".to_owned(), list)]);
            assert_eq!(given["filter"], Arg::Map(map), "{line}");
            assert_eq!(names, ["x"], "{line}");
        }
    }

    #[test]
    fn what_is_no_flag_is_named() {
        for (line, told) in [
            ("--al", "no flag `--al`"),
            ("-z", "no flag `-z`"),
            ("-az", "no flag `-az`"),
            ("--filter", "takes NAME=VALUE"),
            ("-f x", "takes NAME=VALUE"),
            ("--all=maybe", "takes no value"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.message().contains(told), "{line}: {error}");
        }
        assert_eq!(
            read("--al").unwrap_err().hint_text(),
            Some("did you mean `--all`?")
        );
    }

    proptest! {
        #[test]
        fn no_line_breaks_it(words in proptest::collection::vec("-{0,2}[afq=é]{0,4}", 0..6)) {
            let _ = parse("ps", &words, FLAGS);
        }
    }
}
