//! Trees, their lines, and what is refused.

use proptest::prelude::*;

use super::*;

fn json(node: &Node) -> Json {
    match &node.value {
        Value::Scalar { .. } => node.json().unwrap(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => {
            let pair = |(k, v): &(Node, Node)| (k.text().unwrap_or("").to_owned(), json(v));
            Json::Object(entries.iter().map(pair).collect())
        }
    }
}

#[test]
fn values_as_ansible_reads_them() {
    for (text, expected) in [
        (
            "a: 1\nb: '1'\nc: yes\nd: ~\n",
            r#"{"a":1,"b":"1","c":true,"d":null}"#,
        ),
        ("a: {b: [1, x]}\n", r#"{"a":{"b":[1,"x"]}}"#),
        (
            "a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  k: 3\n",
            r#"{"a":{"k":1,"l":2},"b":{"k":3,"l":2}}"#,
        ),
        ("a: 1\na: 2\n", r#"{"a":2}"#),
        ("---\na: |\n  x\n  y\n", r#"{"a":"x\ny\n"}"#),
        ("{\"a\": [true, null]}", r#"{"a":[true,null]}"#),
    ] {
        let node = parse(text).unwrap().unwrap();
        assert_eq!(json(&node).to_string(), expected, "{text}");
    }
    assert_eq!(parse("# nothing\n").unwrap(), None);
    let node = parse("a: 1\nb: !vault |\n  $ANSIBLE\n").unwrap().unwrap();
    let sealed = node.get("b").unwrap();
    assert!(matches!(&sealed.value, Value::Scalar { tag: Some(t), .. } if t == "vault"));
}

#[test]
fn bad_ones_name_their_line() {
    let deep = "[".repeat(5000);
    let bomb = (1..30).fold("a0: &a0 [x,x,x,x,x,x,x,x]\n".to_owned(), |text, i| {
        let before = i - 1;
        let items = vec![format!("*a{before}"); 8].join(",");
        text + &format!("a{i}: &a{i} [{items}]\n")
    });
    let deeper = (1..60).fold("a0: &a0 [x]\n".to_owned(), |text, i| {
        text + &format!("a{i}: &a{i} [[*a{}]]\n", i - 1)
    });
    for (text, line) in [
        ("a: [1\nb: 2\n", 2),
        ("a: 1\n b: 2\n", 2),
        ("a: *nothing\n", 1),
        ("a: 1\n---\nb: 2\n", 2),
        ("a: &x [*x]\n", 1),
        ("a:\n  <<: 1\n", 2),
        ("? [a]\n: 1\n", 1),
        ("a: \"\n", 2),
        (deep.as_str(), 1),
        (bomb.as_str(), 7),
        (deeper.as_str(), 50),
    ] {
        let (at, message) = parse(text).unwrap_err();
        assert!(
            at.abs_diff(line) <= 1 && !message.is_empty(),
            "{text:.40}: {at} {message}"
        );
    }
}

proptest! {
    #[test]
    fn never_panics(text in "[a-c:{}\\[\\],&*!|>'\"<~ \\n#?-]{0,60}") {
        let _ = parse(&text);
    }
}
