//! The jump host in the arguments that an inventory gives to ssh. Pure.

use super::words;

/// The variables that hold arguments for ssh.
pub(super) const VARIABLES: &[&str] = &["ansible_ssh_common_args", "ansible_ssh_extra_args"];

/// The jump host of `-J`, `-o ProxyJump=…`, or of the older `-o ProxyCommand="ssh -W %h:%p HOST"`.
/// `None` when there is none, or when the arguments say more than that.
pub(super) fn of(arguments: &str) -> Option<String> {
    let words = words::split(arguments).ok()?;
    let mut words = words.iter().map(String::as_str);
    let mut jump = None;
    while let Some(word) = words.next() {
        let found = match word.get(..2)? {
            "-J" => rest(word, &mut words).map(str::to_owned),
            "-o" => option(rest(word, &mut words)?),
            _ => None,
        };
        // Anything else would be lost without a word.
        jump = Some(found?);
    }
    jump
}

/// The argument of a flag: behind it, or the next word.
fn rest<'a>(word: &'a str, words: &mut impl Iterator<Item = &'a str>) -> Option<&'a str> {
    match word.get(2..)? {
        "" => words.next(),
        rest => Some(rest),
    }
}

fn option(text: &str) -> Option<String> {
    let (name, value) = text.split_once(['=', ' '])?;
    let value = value.trim();
    match name.trim().to_lowercase().as_str() {
        "proxyjump" => Some(value.to_owned()),
        "proxycommand" => command(value),
        _ => None,
    }
}

/// `ssh -q -W %h:%p [-p PORT] [-l USER] [USER@]HOST`.
fn command(text: &str) -> Option<String> {
    let words = words::split(text).ok()?;
    let mut words = words.iter().map(String::as_str);
    if !matches!(words.next()?, "ssh" | "/usr/bin/ssh") {
        return None;
    }
    let (mut host, mut user, mut port, mut is_through) = (None, None, None, false);
    while let Some(word) = words.next() {
        match word.get(..2).unwrap_or(word) {
            "-q" | "-T" | "-A" if word.len() == 2 => {}
            "-W" => is_through = rest(word, &mut words)? == "%h:%p",
            "-p" => port = Some(rest(word, &mut words)?),
            "-l" => user = Some(rest(word, &mut words)?),
            _ if word.starts_with('-') || host.is_some() => return None,
            _ => host = Some(word),
        }
    }
    let host = host.filter(|_| is_through)?;
    let user = user.map_or_else(String::new, |user| format!("{user}@"));
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    Some(format!("{user}{host}{port}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn jumps() {
        for (arguments, jump) in [
            ("-J bastion", Some("bastion")),
            ("-Jme@bastion:2222,b", Some("me@bastion:2222,b")),
            ("-o ProxyJump=bastion", Some("bastion")),
            ("-oproxyjump=bastion", Some("bastion")),
            ("-o 'ProxyJump bastion'", Some("bastion")),
            (
                r#"-o ProxyCommand="ssh -W %h:%p -q me@bastion""#,
                Some("me@bastion"),
            ),
            (
                r#"-o ProxyCommand="ssh -p 2222 -l me bastion -W %h:%p""#,
                Some("me@bastion:2222"),
            ),
            (r#"-o ProxyCommand="ssh -W %h:%p -i key bastion""#, None),
            (r#"-o ProxyCommand="nc %h %p""#, None),
            (r#"-o ProxyCommand="ssh bastion""#, None),
            ("-o StrictHostKeyChecking=no -J bastion", None),
            ("-C", None),
            ("", None),
            ("-J", None),
            ("-o", None),
            ("-o x", None),
            ("é", None),
            ("-J 'open", None),
        ] {
            assert_eq!(of(arguments).as_deref(), jump, "{arguments}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[-JoWplé ='\"a%:]{0,20}|.{0,20}") {
            let _ = of(&text);
        }
    }
}
