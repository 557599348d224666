//! Words for a command that did not begin: what sudo, sudo-rs and doas say, and what to do.

use super::{Phase, Talk};
use crate::error::{Error, Kind};

impl Talk {
    /// Why the command did not begin.
    pub fn refusal(&self) -> Error {
        let said = String::from_utf8_lossy(&self.said);
        let has = |text: &str| said.contains(text);
        let user = &self.sudo.user;
        let known = "`-K` asks for it, `mroom set ID --ask-sudo-password` keeps it sealed";
        let (message, hint) = if self.phase == Phase::Refused
            || has("incorrect password attempt")
            || has("Authentication failed")
        {
            ("sudo refused the password".to_owned(), known)
        } else if has("must have a tty") || has("no tty present") {
            (
                "sudo wants a terminal".to_owned(),
                "take `requiretty` out of the server's sudoers",
            )
        } else if has("a password is required") || has("interactive authentication is required") {
            (
                "sudo asks for a password, and none is known".to_owned(),
                known,
            )
        } else if has("doas: Authorization required") || has("doas: Authentication required") {
            (
                "doas asks for a password, which it takes from a terminal only".to_owned(),
                "give this login `nopass` in the server's doas.conf, or install sudo",
            )
        } else if has("neither sudo nor doas") {
            (
                "the server has neither sudo nor doas".to_owned(),
                "install one of them, or log in as the user itself",
            )
        } else if has("unknown user") {
            (
                format!("the server has no user `{user}`"),
                "name one that it has",
            )
        } else if has("not in the sudoers file")
            || has("may not run sudo")
            || has("is not allowed to")
            || has("Operation not permitted")
        {
            (
                format!("this login may not become `{user}`"),
                "allow it in the server's sudoers or doas.conf",
            )
        } else {
            let last = said.lines().rev().map(str::trim).find(|l| !l.is_empty());
            let shown: String = last
                .unwrap_or("it ended without a word")
                .replace(&self.prompt, "")
                .chars()
                .filter(|c| !c.is_control())
                .take(200)
                .collect();
            (
                format!("sudo did not start the command: {shown}"),
                "try it by hand: `mroom connect ID`, then `sudo -v`",
            )
        };
        Error::new(Kind::Exit, message).hint(hint)
    }
}
