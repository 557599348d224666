//! Who runs what: the two things that are known of a run before it does anything.

use std::fs;

use crate::quote;
use crate::secret::REDACTED;

/// One invocation of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// `user@machine`, and who became that user by sudo.
    pub operator: String,
    /// The command line, as it could be typed again; what looks like a secret is taken out.
    pub command: String,
}

impl Run {
    /// This process.
    pub fn of_process() -> Self {
        let words = std::env::args_os().map(|w| w.to_string_lossy().into_owned());
        Run {
            operator: operator(),
            command: command_line(words.skip(1)),
        }
    }
}

/// The login that the process runs as, not what the environment claims.
fn operator() -> String {
    let uid = rustix::process::getuid().as_raw();
    let user = fs::read_to_string("/etc/passwd")
        .ok()
        .and_then(|passwd| user_of(&passwd, uid))
        .or_else(|| std::env::var("USER").ok().filter(|u| !u.is_empty()))
        .unwrap_or_else(|| uid.to_string());
    let machine = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|file| fs::read_to_string(file).ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty());
    let mut operator = match machine {
        Some(machine) => format!("{user}@{machine}"),
        None => user,
    };
    let sudo = ["SUDO_USER", "DOAS_USER"];
    let person = sudo.iter().find_map(|name| std::env::var(name).ok());
    if let Some(person) = person.filter(|p| !p.is_empty()) {
        operator += &format!(" ({person})");
    }
    operator
}

/// The name of a user id, in the form of passwd(5).
fn user_of(passwd: &str, uid: u32) -> Option<String> {
    let uid = uid.to_string();
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

/// The words after the program's name as one line. The value of `KEY=VALUE` is taken out when the
/// key says that it is a secret: the redactor knows nothing of it yet.
fn command_line(words: impl Iterator<Item = String>) -> String {
    let mut line = String::from("mroom");
    for word in words {
        line.push(' ');
        match secret_at(&word) {
            Some(at) => line += &format!("{}{REDACTED}", &word[..at]),
            // The system hands over no word with a NUL byte.
            None => line += &quote::word(&word).unwrap_or_default(),
        }
    }
    line
}

/// Where the value begins whose key is a secret's: `KEY=VALUE`, also behind a flag's own `=`.
fn secret_at(word: &str) -> Option<usize> {
    let mut key = 0;
    for (at, _) in word.match_indices('=') {
        if is_secret(&word[key..at]) {
            return Some(at + 1);
        }
        key = at + 1;
    }
    None
}

fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    [
        "pass",
        "secret",
        "token",
        "pwd",
        "credential",
        "api_key",
        "apikey",
    ]
    .iter()
    .any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> String {
        command_line(words.iter().map(|w| (*w).to_owned()))
    }

    #[test]
    fn command_lines() {
        for (words, expected) in [
            (&[][..], "mroom"),
            (&["exec", "web", "--", "a b"], "mroom exec web -- 'a b'"),
            (&["run", "x", "-e", "n=1"], "mroom run x -e n=1"),
            (
                &["run", "x", "-e", "db_Password=a=b c"],
                "mroom run x -e db_Password=[redacted]",
            ),
            (
                &["--extra-vars=api_token=t"],
                "mroom --extra-vars=api_token=[redacted]",
            ),
        ] {
            assert_eq!(line(words), expected, "{words:?}");
        }
    }

    #[test]
    fn names_of_users() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n\nbad\nme:x:1000:100::/home/me:/bin/sh";
        assert_eq!(user_of(passwd, 0).as_deref(), Some("root"));
        assert_eq!(user_of(passwd, 1000).as_deref(), Some("me"));
        assert_eq!(user_of(passwd, 100), None);
        assert!(!operator().is_empty());
    }
}
