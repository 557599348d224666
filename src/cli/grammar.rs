//! Where a command line leads: clap's own grammar, followed word by word without an error.
//!
//! For what has to make sense of a line that is not whole: completion, and messages about a wrong
//! one. Pure; knows nothing of shells or of what values there are.

use clap::{Arg, Command};

/// Where the words lead.
pub(super) struct Place<'a> {
    /// The command reached; the program itself when none is named yet.
    pub command: &'a Command,
    /// Its names below the program: `secrets lock`. Empty for the program.
    pub name: String,
    /// What the next word can be.
    pub next: Next<'a>,
    /// Whether it can be a flag, too.
    pub flags: bool,
}

/// What the next word can be, flags aside.
pub(super) enum Next<'a> {
    /// The value of this argument.
    Value(&'a Arg),
    /// The name of a subcommand.
    Command,
    /// Nothing that the grammar knows.
    Free,
}

/// Follows `words`, the program's name left out. `root` must have been built.
pub(super) fn follow<'a>(root: &'a Command, words: &[String]) -> Place<'a> {
    let mut command = root;
    let mut names: Vec<&str> = Vec::new();
    let (mut given, mut waiting, mut escaped, mut bare) = (0, None, false, false);
    for word in words {
        if waiting.take().is_some() {
        } else if escaped || bare {
            given += 1;
        } else if word == "--" {
            escaped = true;
        } else if word.len() > 1 && word.starts_with('-') {
            waiting = opened(command, word);
        } else if let Some(inner) = command.find_subcommand(word).filter(|_| given == 0) {
            command = inner;
            names.push(inner.get_name());
        } else {
            // A first word that is no command is a server; what follows is for it.
            bare = names.is_empty();
            given += 1;
        }
    }
    let next = match waiting {
        Some(arg) => Next::Value(arg),
        None if bare => Next::Free,
        None if escaped && command.get_positionals().any(Arg::is_last_set) => Next::Free,
        None if given == 0 && command.has_subcommands() => Next::Command,
        None => positional(command, given).map_or(Next::Free, Next::Value),
    };
    Place {
        flags: waiting.is_none() && !escaped,
        next,
        name: names.join(" "),
        command,
    }
}

/// The flag that `word` names and that takes a value: `--limit`, `-l`. One that has its value
/// behind `=`, or in the same word, is not open.
fn opened<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    match word.strip_prefix("--") {
        Some(name) => flag(command, name).filter(|arg| takes_value(arg)),
        None => {
            let mut letters = word.chars().skip(1);
            let arg = letters.by_ref().find_map(|c| valued(command, c))?;
            letters.next().is_none().then_some(arg)
        }
    }
}

/// The flag of that long name.
pub(super) fn flag<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| {
        arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|all| all.contains(&name))
    })
}

/// The flag of that letter, when it takes a value.
pub(super) fn valued(command: &Command, letter: char) -> Option<&Arg> {
    let arg = command
        .get_arguments()
        .find(|arg| arg.get_short() == Some(letter))?;
    takes_value(arg).then_some(arg)
}

/// True for a flag or positional with a value, false for a switch.
pub(super) fn takes_value(arg: &Arg) -> bool {
    arg.get_num_args().is_some_and(|n| n.takes_values())
}

/// The positional that the next word is for. One that takes many leaves nothing to those behind.
fn positional(command: &Command, given: usize) -> Option<&Arg> {
    let many = |arg: &Arg| arg.get_num_args().is_some_and(|n| n.max_values() > 1);
    let all: Vec<&Arg> = command
        .get_positionals()
        .filter(|arg| !arg.is_last_set())
        .collect();
    let at = all.iter().position(|arg| many(arg));
    all.get(given.min(at.unwrap_or(usize::MAX))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(line: &str) -> String {
        let mut root = super::super::args::command();
        root.build();
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let place = follow(&root, &words);
        let next = match place.next {
            Next::Value(arg) => arg.get_id().to_string(),
            Next::Command => "COMMAND".into(),
            Next::Free => "-".into(),
        };
        format!("{}:{next}:{}", place.name, place.flags)
    }

    #[test]
    fn places() {
        for (line, place) in [
            ("", ":COMMAND:true"),
            ("--json -v", ":COMMAND:true"),
            ("--project edge", ":COMMAND:true"),
            ("--project", ":project:false"),
            ("ls", "ls:pattern:true"),
            ("list web all", "ls:pattern:true"),
            ("-l ls exec", "exec:pattern:true"),
            ("exec web", "exec:pattern:true"),
            ("exec web --forks", "exec:forks:false"),
            ("exec web -f", "exec:forks:false"),
            ("exec web -vf", "exec:forks:false"),
            ("exec web -f3", "exec:pattern:true"),
            ("exec web --forks=3", "exec:pattern:true"),
            ("exec web --", "exec:-:false"),
            ("exec web -- ls", "exec:-:false"),
            ("set web", "set:fields:true"),
            ("set web a=b c=d", "set:fields:true"),
            ("stage", "stage:names:true"),
            ("stage cert", "stage:pattern:true"),
            ("run", "run:name:true"),
            ("run x", "run:args:true"),
            ("run x --limit", "run:limit:false"),
            ("show", "show:id:true"),
            ("show web", "show:-:true"),
            ("secrets", "secrets:COMMAND:true"),
            ("secrets lock", "secrets lock:-:true"),
            ("web-01", ":-:true"),
        ] {
            assert_eq!(at(line), place, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_words_lead_somewhere(words in proptest::collection::vec("-{0,2}[a-z=é]{0,6}", 0..6)) {
            at(&words.join(" "));
        }
    }
}
