use super::*;
use crate::error::Kind;
use proptest::prelude::*;

const PROMPT: &str = "aaaa1111";
const BEGAN: &str = "bbbb2222";

fn talk(password: Option<&str>) -> Talk {
    let sudo = Sudo {
        user: "root".into(),
        password: password.map(Secret::new),
    };
    Talk::new(sudo, PROMPT.into(), BEGAN.into())
}

/// Feeds pieces; gives what was sent and what the command said itself.
fn play(talk: &mut Talk, pieces: &[&[u8]]) -> (String, String) {
    let (mut sent, mut own) = (Vec::new(), Vec::new());
    for piece in pieces {
        let count = talk.hear(piece);
        own.extend_from_slice(&piece[piece.len() - count..]);
        sent.extend_from_slice(talk.answer());
        talk.sent(usize::MAX);
    }
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(sent), text(own))
}

#[test]
fn the_password_goes_once_and_never_to_the_command() {
    let lecture = b"We trust you have received the usual lecture\n\n";
    let mut asked = talk(Some("pw"));
    let began = format!("\n{BEGAN}\nown");
    let seen = play(
        &mut asked,
        &[lecture, b"aaaa", b"1111", began.as_bytes(), b" aaaa1111"],
    );
    assert_eq!(seen, ("pw\n".to_owned(), "own aaaa1111".to_owned()));
    assert!(asked.has_begun() && !asked.is_refused());

    let mut free = talk(Some("pw"));
    let began = format!("{BEGAN}\naaaa1111");
    assert_eq!(
        play(&mut free, &[began.as_bytes(), b"aaaa1111"]),
        (String::new(), "aaaa1111aaaa1111".to_owned()),
        "a prompt of the command's own gets nothing"
    );

    let mut wrong = talk(Some("pw"));
    let seen = play(&mut wrong, &[b"aaaa1111", b"\nSorry, try again.\naaaa1111"]);
    assert_eq!(seen, ("pw\n".to_owned(), String::new()));
    assert!(wrong.is_refused() && !wrong.has_begun());
    assert_eq!(wrong.refusal().message(), "sudo refused the password");

    let mut unknown = talk(None);
    assert_eq!(play(&mut unknown, &[b"aaaa1111"]).0, "");
    assert!(unknown.is_refused());
    // sudo-rs puts words around the prompt.
    let mut rust = talk(Some("pw"));
    assert_eq!(play(&mut rust, &[b"[sudo: aaaa1111] Password: "]).0, "pw\n");
    // One that comes twice at once is a refusal, and nothing goes out.
    assert_eq!(play(&mut talk(Some("pw")), &[b"aaaa1111aaaa1111"]).0, "");
}

#[test]
fn refusals_have_their_own_words() {
    for (said, message) in [
        (
            "sudo: a password is required\n",
            "sudo asks for a password, and none is known",
        ),
        (
            "sudo: interactive authentication is required",
            "sudo asks for a password, and none is known",
        ),
        (
            "sudo: 1 incorrect password attempt\n",
            "sudo refused the password",
        ),
        (
            "me is not in the sudoers file.\n",
            "this login may not become `root`",
        ),
        (
            "Sorry, user me is not allowed to execute 'x' as root",
            "this login may not become `root`",
        ),
        (
            "doas: Operation not permitted\n",
            "this login may not become `root`",
        ),
        (
            "sudo: unknown user: root\n",
            "the server has no user `root`",
        ),
        (
            "sudo: sorry, you must have a tty to run sudo\n",
            "sudo wants a terminal",
        ),
        (
            "doas: Authentication required\n",
            "doas asks for a password, which it takes from a terminal only",
        ),
        (
            "neither sudo nor doas\n",
            "the server has neither sudo nor doas",
        ),
        (
            "x\nsudo: \x1b[31mstrange\n\n",
            "sudo did not start the command: sudo: [31mstrange",
        ),
        (
            "",
            "sudo did not start the command: it ended without a word",
        ),
    ] {
        let mut talk = talk(None);
        talk.hear(said.as_bytes());
        let error = talk.refusal();
        assert_eq!(error.message(), message, "{said:?}");
        assert!(error.hint_text().is_some() && error.kind() == Kind::Exit);
    }
}

#[test]
fn users_that_are_none() {
    for user in ["", "-u", "#0", "--"] {
        let sudo = Sudo {
            user: user.into(),
            password: None,
        };
        let refused = Talk::about(Some(&sudo), "id", false)
            .err()
            .map(|e| e.kind());
        assert_eq!(refused, Some(Kind::Usage), "{user:?}");
    }
    assert_ne!(word().unwrap(), word().unwrap());
    assert_eq!(word().unwrap().len(), 32);
}

proptest! {
    #[test]
    fn however_it_is_cut(noise in "[a-c\n]{0,30}", own in "[ab1-2\n]{0,30}", size in 1usize..9) {
        let text = format!("{noise}{PROMPT}\n{BEGAN}\n{own}");
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        let mut talk = talk(Some("pw"));
        let seen = play(&mut talk, &pieces);
        prop_assert_eq!(seen, ("pw\n".to_owned(), own));
    }

    #[test]
    fn noise_without_end_is_not_kept(pieces in 1usize..40) {
        let mut talk = talk(None);
        for _ in 0..pieces {
            talk.hear(&[b'x'; 9000]);
        }
        prop_assert!(talk.said.len() <= 2 * TALK);
    }
}
