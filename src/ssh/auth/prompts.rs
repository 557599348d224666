//! Answering a server that asks in its own words (keyboard-interactive authentication).
//!
//! Many servers with PAM ask for the password only this way. The words are the server's, so the
//! password goes only where a password is plainly asked for, and only once.

use std::time::{Duration, Instant};

use ssh2::{KeyboardInteractivePrompt, Prompt};

use crate::events::Interact;
use crate::secret::Secret;

/// Answers the server's prompts: the first that looks like one for a password gets it, a person
/// is asked about the rest.
pub struct Answers<'a> {
    password: Option<&'a Secret>,
    interact: &'a dyn Interact,
    asked: Duration,
    unanswered: bool,
}

impl<'a> Answers<'a> {
    /// Has `password` to give, once, and asks a person for the rest.
    pub fn new(password: &'a Secret, interact: &'a dyn Interact) -> Self {
        Answers {
            password: Some(password),
            interact,
            asked: Duration::ZERO,
            unanswered: false,
        }
    }

    /// The time that the person took since this was last asked.
    pub fn thinking_time(&mut self) -> Duration {
        std::mem::take(&mut self.asked)
    }

    /// True when something was asked that nobody could answer.
    pub fn gave_up(&self) -> bool {
        self.unanswered
    }
}

impl KeyboardInteractivePrompt for Answers<'_> {
    fn prompt<'a>(&mut self, _user: &str, _text: &str, prompts: &[Prompt<'a>]) -> Vec<String> {
        prompts
            .iter()
            .map(|p| self.answer(&p.text, p.echo))
            .collect()
    }
}

impl Answers<'_> {
    fn answer(&mut self, prompt: &str, echo: bool) -> String {
        if !echo
            && is_password_prompt(prompt)
            && let Some(password) = self.password.take()
        {
            return password.reveal().to_owned();
        }
        let text: String = prompt
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect();
        let start = Instant::now();
        let answer = self.interact.secret(&text);
        self.asked += start.elapsed();
        self.unanswered |= answer.is_none();
        answer.map(|a| a.reveal().to_owned()).unwrap_or_default()
    }
}

/// `Password:`, `root@web's password:`, `Passwort:`; but not `One-time password` or `New password`.
fn is_password_prompt(prompt: &str) -> bool {
    let text = prompt.to_lowercase();
    let other = [
        "new ", "one-time", "one time", "otp", "again", "retype", "current",
    ];
    (text.contains("passw") || text.contains("密码")) && !other.iter().any(|w| text.contains(w))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Nobody;

    #[test]
    fn only_password_prompts_get_the_password_and_only_once() {
        let password = Secret::new("hunter2");
        let mut answers = Answers::new(&password, &Nobody);
        assert_eq!(answers.answer("One-time password: ", false), "");
        assert!(answers.gave_up());
        assert_eq!(
            answers.answer("Password: ", true),
            "",
            "not where it would be shown"
        );
        assert_eq!(answers.answer("(me@host) Password: ", false), "hunter2");
        assert_eq!(answers.answer("Password: ", false), "");
    }

    #[test]
    fn what_looks_like_a_password_prompt() {
        for (prompt, is) in [
            ("Password:", true),
            ("root@web's password: ", true),
            ("Passwort: ", true),
            ("New password: ", false),
            ("Verification code: ", false),
            ("Enter OTP password", false),
            ("", false),
        ] {
            assert_eq!(is_password_prompt(prompt), is, "{prompt}");
        }
    }
}
