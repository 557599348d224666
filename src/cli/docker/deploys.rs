//! `mroom docker PATTERN deploy APP` and what belongs to it: versions of an app that follow each
//! other, server by server.

use serde_json::{Map, Value, json};

use super::super::exec::end;
use super::super::outcomes::error_json;
use super::super::{App, vm};
use crate::error::{Error, Result};
use crate::fleet::{Batch, Outcome};
use crate::lua::Deployment;
use crate::ui::{self, json};

/// The verbs, and what each may be given besides the app.
const VERBS: [(&str, &[&str]); 5] = [
    ("deploy", &["--image", "--set", "--force"]),
    ("rollback", &["--set", "--to"]),
    ("deploys", &["--count"]),
    ("locks", &[]),
    ("unlock", &[]),
];

/// Is it one of these verbs?
pub(super) fn is_verb(word: &str) -> bool {
    VERBS.iter().any(|(verb, _)| *verb == word)
}

/// Runs it; the exit code is that of the run.
pub(super) fn run(app: &App, pattern: &str, verb: &str, words: &[String]) -> Result<u8> {
    let what = read(verb, words)?;
    let vm = vm::open(app)?;
    let servers = app.room.select(pattern)?;
    let mut policy = app.room.options.policy;
    if matches!(what.verb, "deploy" | "rollback") {
        // One after another, and none after one that failed, unless a person says otherwise.
        policy.serial = policy.serial.or(Some(Batch::Count(1)));
        policy.max_fail = policy.max_fail.or(Some(Batch::Count(0)));
    }
    let done = |outcome: &Outcome<Value>| {
        if app.json {
            for object in objects(app, what.verb, outcome) {
                let _ = app.screen.result(json::line(&object).as_bytes());
            }
        }
        ui::outcome(&app.screen, outcome, true);
    };
    let outcomes = app.block_on(vm.deploy(&what, servers, &policy, done))?;
    if !app.json
        && let Some(text) = vm.deployed(&what, &outcomes)?
    {
        let text = format!("{}\n", ui::sanitize::visible(text.as_bytes()));
        let text = app.screen.redactor().clean(&text).into_owned();
        app.screen.result(text.as_bytes())?;
    }
    Ok(end(app, &outcomes))
}

/// An object of a server; of a list, one of each entry.
fn objects(app: &App, verb: &str, outcome: &Outcome<Value>) -> Vec<Value> {
    let is_list = matches!(verb, "deploys" | "locks");
    if let (true, Some(Value::Array(list))) = (is_list, &outcome.value) {
        let one = |entry: &Value| {
            let mut object = Map::from_iter([("server".to_owned(), json!(outcome.server))]);
            object.extend(entry.as_object().cloned().unwrap_or_default());
            Value::Object(object)
        };
        return list.iter().map(one).collect();
    }
    if is_list && outcome.error.is_none() {
        return Vec::new();
    }
    vec![json!({
        "server": outcome.server,
        "status": outcome.status.as_str(),
        "value": outcome.value,
        "duration": outcome.duration.as_secs_f64(),
        "error": error_json(app, outcome),
    })]
}

/// What was typed after the pattern.
fn read(verb: &str, words: &[String]) -> Result<Deployment> {
    let (verb, flags) = VERBS
        .into_iter()
        .find(|(name, _)| *name == verb)
        .ok_or_else(|| Error::usage(format!("there is no verb `{verb}`")))?;
    let (mut args, mut set) = (Map::new(), Map::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (name, inner) = match word.split_once('=') {
            Some((name, value)) if word.starts_with("--") => (name, Some(value.to_owned())),
            _ => (&word[..], None),
        };
        let name = if name == "-n" { "--count" } else { name };
        if !name.starts_with('-') {
            if verb == "locks" || args.contains_key("app") {
                let message = format!("`{verb}`: `{}` is one word too many", word.escape_debug());
                return Err(Error::usage(message));
            }
            args.insert("app".to_owned(), json!(word));
            continue;
        }
        if !flags.contains(&name) {
            let message = format!("`{verb}` has no flag `{}`", name.escape_debug());
            return Err(Error::usage(message).hint(hint(flags)));
        }
        if name == "--force" {
            set.insert("force".to_owned(), json!("true"));
            continue;
        }
        let value = inner
            .or_else(|| words.next().cloned())
            .ok_or_else(|| Error::usage(format!("`{verb}`: `{name}` needs a value")))?;
        match name {
            "--image" => drop(set.insert("image".to_owned(), json!(value))),
            "--to" => drop(args.insert("to".to_owned(), json!(value))),
            "--count" => {
                let count: u32 = value.parse().map_err(|_| {
                    Error::usage(format!("`{verb}`: `{}` is no number", value.escape_debug()))
                })?;
                args.insert("count".to_owned(), json!(count));
            }
            _ => {
                let (key, value) = value
                    .split_once('=')
                    .ok_or_else(|| Error::usage(format!("`{verb}`: `--set` takes `KEY=VALUE`")))?;
                set.insert(key.to_owned(), json!(value));
            }
        }
    }
    if matches!(verb, "deploy" | "rollback" | "unlock") && !args.contains_key("app") {
        let usage = format!("mroom docker PATTERN {verb} APP");
        return Err(Error::usage(format!("`{verb}`: the app is missing")).hint(usage));
    }
    args.insert("set".to_owned(), Value::Object(set));
    Ok(Deployment {
        verb,
        args: Value::Object(args),
    })
}

fn hint(flags: &[&str]) -> String {
    let own = match flags {
        [] => "it has none of its own".to_owned(),
        flags => format!("it has {}", flags.join(", ")),
    };
    format!("{own}; those that commands share stand before the pattern")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn typed(line: &str) -> Result<Deployment> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        read(&words[0], &words[1..])
    }

    #[test]
    fn what_is_typed_is_read() {
        for (line, args) in [
            ("deploy shop", json!({"app": "shop", "set": {}})),
            (
                "deploy shop --image demo:2 --set drain=5 --set=keep=2 --force",
                json!({"app": "shop", "set": {"image": "demo:2", "drain": "5", "keep": "2", "force": "true"}}),
            ),
            (
                "rollback --to=7 shop",
                json!({"app": "shop", "to": "7", "set": {}}),
            ),
            ("deploys -n 3", json!({"count": 3, "set": {}})),
            ("locks", json!({"set": {}})),
            ("unlock shop", json!({"app": "shop", "set": {}})),
        ] {
            assert_eq!(typed(line).unwrap().args, args, "{line}");
        }
    }

    #[test]
    fn bad_words_are_named() {
        for (line, told) in [
            ("deploy", "the app is missing"),
            ("rollback --to 7", "the app is missing"),
            ("unlock", "the app is missing"),
            ("deploy a b", "`b` is one word too many"),
            ("locks a", "one word too many"),
            ("deploy a --json", "`deploy` has no flag `--json`"),
            ("deploy a --to 7", "`deploy` has no flag `--to`"),
            ("deploy a --image", "`--image` needs a value"),
            ("deploy a --set x", "`--set` takes `KEY=VALUE`"),
            ("deploys -n many", "`many` is no number"),
            ("deploys -n -1", "`-1` is no number"),
        ] {
            let error = typed(line).unwrap_err();
            assert!(error.message().contains(told), "{line}: {error}");
            assert_eq!(error.kind().exit_code(), 2, "{line}");
        }
        assert!(is_verb("deploy") && !is_verb("ps"));
    }

    proptest! {
        /// Nothing that is typed ends in a panic.
        #[test]
        fn any_words_are_read_or_refused(words in proptest::collection::vec(".{0,12}", 0..6)) {
            for (verb, _) in VERBS {
                if let Ok(what) = read(verb, &words) {
                    prop_assert_eq!(what.verb, verb);
                }
            }
        }
    }
}
