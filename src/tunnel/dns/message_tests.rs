//! Answers, good and hostile.

use proptest::prelude::*;

use super::*;

const NAME: &str = "db.corp.test";
const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;

fn question() -> Question {
    Question::new(0x1234, NAME, Family::V4).unwrap()
}

fn name(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in text.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes
}

fn record(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = owner.to_vec();
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1, 0, 0, 0, 60]);
    bytes.extend((data.len() as u16).to_be_bytes());
    bytes.extend(data);
    bytes
}

/// An answer to [`question`] with these flags and records.
fn answer(flags: u16, records: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = question().bytes();
    bytes[2..4].copy_from_slice(&flags.to_be_bytes());
    bytes[6..8].copy_from_slice(&(records.len() as u16).to_be_bytes());
    bytes.extend(records.concat());
    bytes
}

const GOOD: u16 = 0x8180;
/// The name of the question, wherever a name can be.
const ASKED: [u8; 2] = [0xc0, 12];

fn found(records: &[Vec<u8>]) -> Option<Answer> {
    question().answer(&answer(GOOD, records))
}

fn addresses(texts: &[&str]) -> Option<Answer> {
    Some(Answer::Addresses(
        texts.iter().map(|t| t.parse().unwrap()).collect(),
    ))
}

#[test]
fn asks_as_rfc_1035_has_it() {
    let mut expected = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    expected.extend(name(NAME));
    expected.extend([0, 1, 0, 1]);
    assert_eq!(question().bytes(), expected);
    assert_eq!(
        Question::new(0x1234, "DB.Corp.Test.", Family::V4)
            .unwrap()
            .bytes(),
        expected
    );
    let long = format!("{}.test", "a".repeat(64));
    let deep = "a.".repeat(130);
    for bad in [
        "",
        ".",
        "a..b",
        "a b",
        "münchen.test",
        "a\0b",
        "-\n",
        &long,
        &deep,
    ] {
        let error = Question::new(1, bad, Family::V4).unwrap_err();
        assert!(
            error.message().ends_with("is not a host's name"),
            "{bad:?}: {error}"
        );
    }
}

#[test]
fn reads_addresses_and_follows_aliases() {
    let one = record(&ASKED, A, &[10, 1, 0, 5]);
    assert_eq!(found(std::slice::from_ref(&one)), addresses(&["10.1.0.5"]));
    assert_eq!(found(&[one.clone(), one.clone()]), addresses(&["10.1.0.5"]));
    assert_eq!(found(&[]), addresses(&[]));
    let alias = record(&ASKED, CNAME, &name("real.corp.test"));
    let real = record(&name("REAL.corp.test"), A, &[10, 1, 0, 6]);
    assert_eq!(
        found(&[alias.clone(), real.clone()]),
        addresses(&["10.1.0.6"])
    );
    assert_eq!(
        found(&[real, alias]),
        addresses(&["10.1.0.6"]),
        "in any order"
    );
    let six = Question::new(7, NAME, Family::V6).unwrap();
    let mut bytes = answer(GOOD, &[record(&ASKED, AAAA, &[0xfd; 16])]);
    bytes[..2].copy_from_slice(&[0, 7]);
    bytes[12 + name(NAME).len() + 1] = AAAA as u8;
    let expected = addresses(&["fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd"]);
    assert_eq!(six.answer(&bytes), expected);
}

#[test]
fn what_a_server_says_instead() {
    let say = |flags| question().answer(&answer(flags, &[]));
    assert_eq!(say(GOOD | 3), Some(Answer::Unknown));
    assert_eq!(say(GOOD | 2), Some(Answer::Failed("it failed")));
    assert_eq!(
        say(GOOD | 5),
        Some(Answer::Failed("it refuses to answer us"))
    );
    assert_eq!(
        say(GOOD | 4),
        Some(Answer::Failed("it does not understand the question"))
    );
    assert_eq!(say(GOOD | 0x200), Some(Answer::Truncated));
}

#[test]
fn what_is_not_an_answer_to_our_question() {
    let good = answer(GOOD, &[record(&ASKED, A, &[10, 1, 0, 5])]);
    assert!(question().answer(&good).is_some());
    let change = |what: &str, at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        assert_eq!(question().answer(&bytes), None, "{what}");
    };
    change("another number", 0, 0x99);
    change("a question", 2, 1);
    change("a notification", 2, 0xa1);
    change("two questions", 5, 2);
    change("no question", 5, 0);
    change("about another name", 13, b'x');
    change("about another type", 12 + name(NAME).len() + 1, AAAA as u8);
    change("about another class", 12 + name(NAME).len() + 3, 3);
    change("more records than there are", 7, 9);
    for cut in 0..good.len() {
        assert_eq!(
            question().answer(&good[..cut]),
            None,
            "cut after {cut} bytes"
        );
    }
    assert_eq!(
        found(&[record(&ASKED, A, &[10, 1, 0])]),
        None,
        "an address of three bytes"
    );
    // A name that points to itself, forward, out of the message, and to a bad label.
    let at = (answer(GOOD, &[]).len() as u16 | 0xc000).to_be_bytes();
    for pointer in [at, [0xff, 0xff], [0xc0, 200], [0x80, 1]] {
        let owned = record(&pointer, A, &[10, 1, 0, 5]);
        assert_eq!(found(&[owned]), None, "{pointer:?}");
        // For an alias `at` is the name that has it, which is a name.
        let alias = record(&ASKED, CNAME, &pointer);
        let expected = (pointer == at).then(|| Answer::Addresses(Vec::new()));
        assert_eq!(found(&[alias]), expected, "{pointer:?}");
    }
}

#[test]
fn what_it_says_of_others_does_not_count() {
    let other = record(&name("other.test"), A, &[10, 6, 6, 6]);
    assert_eq!(found(std::slice::from_ref(&other)), addresses(&[]));
    let alias = record(&ASKED, CNAME, &name("real.corp.test"));
    assert_eq!(found(&[alias.clone(), other]), addresses(&[]));
    let back = record(&name("real.corp.test"), CNAME, &ASKED);
    assert_eq!(found(&[alias, back]), addresses(&[]), "aliases in a circle");
    assert_eq!(
        found(&[record(&ASKED, AAAA, &[1; 16])]),
        addresses(&[]),
        "not what was asked for"
    );
}

proptest! {
    #[test]
    fn survives_anything(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        question().answer(&bytes);
        let mut ours = answer(GOOD, &[]);
        ours[6] = bytes.first().copied().unwrap_or(0);
        ours.extend(&bytes);
        question().answer(&ours);
    }

    #[test]
    fn every_good_name_is_asked_for(name in "[a-z0-9_]([a-z0-9-]{0,20}[a-z0-9])?(\\.[a-z0-9]{1,20}){0,5}") {
        let asked = Question::new(9, &name, Family::V6).unwrap();
        let mut reply = asked.bytes();
        reply[2] = 0x81;
        prop_assert_eq!(asked.answer(&reply), Some(Answer::Addresses(Vec::new())));
    }
}
