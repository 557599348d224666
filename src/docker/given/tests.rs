//! Options of every shape, and those that are wrong.

use super::*;
use proptest::prelude::*;

fn given(pairs: &[(&str, Arg)]) -> Given {
    let own = |(key, arg): &(&str, Arg)| ((*key).to_owned(), arg.clone());
    pairs.iter().map(own).collect()
}

fn t(text: &str) -> Arg {
    Arg::Text(text.to_owned())
}

const TABLE: &[Opt] = &[
    Opt("all", Shape::Switch, "--all"),
    Opt("name", Shape::Text, "--name"),
    Opt("timeout", Shape::Seconds, "--time"),
    Opt("interval", Shape::Duration, "--health-interval"),
    Opt("volumes", Shape::Texts, "--volume"),
    Opt("labels", Shape::Pairs('='), "--label"),
    Opt("own", Shape::Apart, ""),
];

#[test]
fn values_become_flags() {
    let all = given(&[
        ("all", Arg::Flag(true)),
        ("name", t("-x y")),
        ("timeout", Arg::Number(2.5)),
        ("interval", Arg::Number(0.5)),
        ("volumes", Arg::List(vec![t("/a:/b"), t("c:/d")])),
        (
            "labels",
            Arg::Map(given(&[("b", t("2")), ("a", Arg::Number(1.0))])),
        ),
        ("own", t("no flag")),
    ]);
    assert_eq!(
        flags("x", TABLE, &all).unwrap(),
        [
            "--all",
            "--name=-x y",
            "--time=3",
            "--health-interval=0.5s",
            "--volume=/a:/b",
            "--volume=c:/d",
            "--label=a=1",
            "--label=b=2",
        ]
    );
    let one = given(&[("volumes", t("/a")), ("all", Arg::Flag(false))]);
    assert_eq!(flags("x", TABLE, &one).unwrap(), ["--volume=/a"]);
}

#[test]
fn wrong_values_are_named() {
    let map = || Arg::Map(given(&[("a", t("b"))]));
    for (key, arg, told) in [
        ("all", t("yes"), "`x`: `all` must be true or false"),
        ("name", Arg::Flag(true), "`x`: `name` must be a string"),
        ("name", t("a\0b"), "`x`: `name` must be a string"),
        ("name", map(), "`x`: `name` must be a string"),
        (
            "timeout",
            t("5"),
            "`x`: `timeout` must be a number of seconds",
        ),
        (
            "timeout",
            Arg::Number(-1.0),
            "`x`: `timeout` must be a number of seconds",
        ),
        (
            "interval",
            Arg::Number(f64::NAN),
            "`x`: `interval` must be a number of seconds",
        ),
        ("volumes", map(), "`x`: `volumes` must be a list of strings"),
        (
            "labels",
            Arg::Map(given(&[("a=b", t("c"))])),
            "`x`: `a=b` is no name in `labels`",
        ),
        (
            "name",
            Arg::Secret(Secret::new("s3")),
            "`x`: a secret in `name` could be seen",
        ),
    ] {
        let error = flags("x", TABLE, &given(&[(key, arg)])).unwrap_err();
        assert!(error.message().starts_with(told), "{key}: {error}");
    }
}

#[test]
fn secrets_go_in_lines_and_nowhere_else() {
    let env = given(&[
        ("A", t("1")),
        ("B", Arg::Secret(Secret::new("s3cret value"))),
        ("C", Arg::Flag(true)),
    ]);
    let (words, lines) = variables("run", &given(&[("env", Arg::Map(env))])).unwrap();
    assert_eq!(words, ["--env=A=1", "--env=C=true"]);
    assert_eq!(lines, b"B=s3cret value\n");
    for (name, secret) in [("A", "two\nlines"), ("A B", "x"), ("", "x"), ("#A", "x")] {
        let env = given(&[(name, Arg::Secret(Secret::new(secret)))]);
        let error = variables("run", &given(&[("env", Arg::Map(env))])).unwrap_err();
        assert!(!error.to_string().contains("two"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever a value is, it stays in the word of its flag.
    #[test]
    fn no_value_becomes_a_flag(value in "[^\0]{0,20}") {
        let given = given(&[("name", t(&value)), ("volumes", t(&value))]);
        let words = flags("x", TABLE, &given).unwrap();
        prop_assert_eq!(words, [format!("--name={value}"), format!("--volume={value}")]);
    }
}
