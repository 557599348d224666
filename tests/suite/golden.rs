//! Stages as data: what a server is and answers, and the commands that must come of it. A new
//! case is a new file below `tests/golden/stages`, or a new entry of `tests/golden/facts.toml`.
//!
//! In a stage's case `DIR` stands for a folder with the key pair `id` and `id.pub`, `KEY` for the
//! public key's type and data. Facts are asked for with a long command, shown as `facts`.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use machineroom::fleet::RunOptions;
use machineroom::inventory::Server;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::files::{files, root, shown};
use crate::support::room::Yard;
use crate::support::scripted::{Answer, Script, Scripted};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPppppppppppppppppppppppppppppppppppppppppppp";
/// How the command that asks for facts begins.
const FACTS: &str = "sh -s -- bash=";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    stages: Vec<String>,
    #[serde(default)]
    options: Json,
    #[serde(default)]
    check: bool,
    #[serde(default)]
    meta: Map<String, Json>,
    /// What the server says when it is asked for its facts, without the markers.
    #[serde(default)]
    facts: String,
    #[serde(default)]
    answer: Vec<Answer>,
    #[serde(default)]
    refuses_key: bool,
    #[serde(default)]
    refuses_others: bool,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    status: String,
    /// Everything that was asked of the server, in order; readers begin with `?`.
    asked: Vec<String>,
    /// The metadata afterwards.
    meta: Map<String, Json>,
    /// A part of the error's message.
    #[serde(default)]
    error: Option<String>,
    /// The warnings that a person reads.
    #[serde(default)]
    warnings: Vec<String>,
}

#[tokio::test(flavor = "current_thread")]
async fn stages_do_what_their_cases_say() {
    let cases = files("tests/golden/stages", &["toml"]);
    assert!(cases.len() >= 10, "only {} cases were found", cases.len());
    for path in cases {
        let text = fs::read_to_string(&path).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().display().to_string();
        let text = text.replace("DIR", &folder).replace("KEY", KEY);
        let case: Case = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", shown(&path)));
        run(&shown(&path), case, dir.path()).await;
    }
}

async fn run(name: &str, case: Case, dir: &Path) {
    fs::write(dir.join("id.pub"), format!("{KEY} me@here\n")).unwrap();
    fs::write(dir.join("id"), "-----BEGIN OPENSSH PRIVATE KEY-----\n").unwrap();
    let mut answers = case.answer;
    answers.push(Answer {
        command: FACTS.to_owned(),
        stdout: format!(
            "Welcome!\n--mroom-facts--\n{}\n--mroom-facts-end--\n",
            case.facts
        ),
        stderr: String::new(),
        code: 0,
    });
    let script = Arc::new(Scripted {
        answers,
        refuses_key: case.refuses_key,
        refuses_others: case.refuses_others,
        ..Scripted::default()
    });
    let run = RunOptions {
        check: case.check,
        ..RunOptions::default()
    };
    let yard = Yard::new(dir, run, Arc::new(Script(script.clone())));
    yard.add(
        Server::new("web", "192.0.2.1", "root", 22),
        &Json::Object(case.meta),
        None,
    );
    let stages: Vec<&str> = case.stages.iter().map(String::as_str).collect();
    let outcomes = yard.stage(&stages, case.options).await.unwrap();
    let error = outcomes[0].error.as_ref().map(ToString::to_string);
    assert_eq!(
        outcomes[0].status.as_str(),
        case.expect.status,
        "{name}: {error:?}"
    );
    match (&error, &case.expect.error) {
        (Some(is), Some(part)) => assert!(is.contains(part), "{name}: {is}"),
        (is, part) => assert_eq!(is, part, "{name}"),
    }
    let asked = script.asked.lock().unwrap();
    let asked: Vec<&str> = asked.iter().map(|line| short(line)).collect();
    assert_eq!(asked, case.expect.asked, "{name}");
    assert_eq!(yard.meta("web"), Json::Object(case.expect.meta), "{name}");
    let notes = yard.notes.0.lock().unwrap();
    let warnings: Vec<&str> = notes
        .iter()
        .filter_map(|n| n.strip_prefix("Warning web: "))
        .collect();
    assert_eq!(warnings, case.expect.warnings, "{name}");
}

fn short(line: &str) -> &str {
    match line
        .strip_prefix("? ")
        .is_some_and(|l| l.starts_with(FACTS))
    {
        true => "? facts",
        false => line,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parsed {
    name: String,
    output: String,
    #[serde(default)]
    facts: Option<Json>,
    #[serde(default)]
    error: Option<String>,
}

/// Parses as Lua code does; gives the facts as JSON text, or the error's message.
fn parse(output: &[u8]) -> Result<Json, String> {
    let dir = tempfile::tempdir().unwrap();
    let yard = Yard::new(
        dir.path(),
        RunOptions::default(),
        Arc::new(Script(Arc::default())),
    );
    let file = dir.path().join("output");
    fs::write(&file, output).unwrap();
    let script = b"print(mr.json.encode(require 'mr.facts'.parse(io.open(...):read 'a')))";
    let args = [file.display().to_string()];
    match futures::executor::block_on(yard.vm.exec(script, "=test", &args)) {
        Ok(_) => Ok(serde_json::from_str(&yard.printed.borrow()).unwrap()),
        Err(error) => Err(error.message().to_owned()),
    }
}

/// Without the empty tables that stand for what nothing is known of.
fn known(facts: Json) -> Json {
    match facts {
        Json::Object(map) => Json::Object(
            map.into_iter()
                .map(|(key, value)| (key, known(value)))
                .filter(|(_, v)| !is_empty(v))
                .collect(),
        ),
        other => other,
    }
}

fn is_empty(value: &Json) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

#[test]
fn facts_are_read_as_data() {
    #[derive(Deserialize)]
    struct All {
        case: Vec<Parsed>,
    }
    let text = fs::read_to_string(root().join("tests/golden/facts.toml")).unwrap();
    let all: All = toml::from_str(&text).unwrap();
    for case in all.case {
        match (parse(case.output.as_bytes()), case.facts, case.error) {
            (Ok(is), Some(facts), None) => assert_eq!(known(is), facts, "{}", case.name),
            (Err(is), None, Some(error)) => assert_eq!(is, error, "{}", case.name),
            (is, ..) => panic!("{}: {is:?}", case.name),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Whatever a server sends: facts or the one error, and every text of them is printable.
    #[test]
    fn no_answer_breaks_the_parser(
        before in "(?s).{0,40}",
        pairs in proptest::collection::vec(("[a-z_]{1,4}|os_name|memory_total|home|folder|command_x", "(?s).{0,30}"), 0..8),
        is_whole in any::<bool>(),
    ) {
        let mut output = before.into_bytes();
        output.extend_from_slice(b"\n--mroom-facts--\n");
        for (key, value) in pairs {
            output.extend_from_slice(key.as_bytes());
            output.push(b'=');
            output.extend_from_slice(value.as_bytes());
            output.push(b'\n');
        }
        if is_whole {
            output.extend_from_slice(b"--mroom-facts-end--\n");
        }
        match parse(&output) {
            Ok(facts) => {
                prop_assert!(is_whole);
                let text = facts["os"]["name"].as_str().unwrap_or_default();
                prop_assert!(!text.contains(|c: char| c.is_ascii_control()));
                prop_assert!(facts["home"].as_str().is_none_or(|h| h.starts_with('/')));
            }
            Err(error) => prop_assert_eq!(error, "the server did not answer with its facts"),
        }
    }
}
