//! A person before the prompt of `mroom repl`.

use super::home::{Home, MROOM};
use super::sshd::has;
use super::terminal::Terminal;

/// What the editor says when it begins, when it has drawn the line, and when it stops.
const BEGINS: &str = "\x1b[?2004h";
const DRAWN: &str = "\x1b[?2026l";
pub const TAKEN: &str = "\x1b[?2004l";

/// The REPL on a terminal of its own.
pub struct Prompt {
    pub terminal: Terminal,
    /// What was printed before the first prompt, and that.
    pub said: String,
}

impl Prompt {
    /// Without colours, once it listens; `None` when this machine has no script(1).
    pub fn new(home: &Home) -> Option<Self> {
        Prompt::with(home, (100, 30), &["--color", "never"])
    }

    /// With more words, on a screen of so many columns and rows.
    pub fn with(home: &Home, size: (u16, u16), words: &[&str]) -> Option<Self> {
        let words = words.join(" ");
        Prompt::running(home, size, &format!("'{MROOM}' repl {words}"))
    }

    /// Any words for `sh` that start it.
    pub fn running(home: &Home, size: (u16, u16), line: &str) -> Option<Self> {
        let terminal = has("script").then(|| Terminal::running(home, size, line))?;
        let mut prompt = Prompt {
            terminal,
            said: String::new(),
        };
        prompt.said = prompt.ready();
        Some(prompt)
    }

    /// Waits until it waits for keys; gives what was printed before, and the prompt.
    #[track_caller]
    pub fn ready(&self) -> String {
        let text = self.terminal.until(BEGINS);
        text + &self.terminal.until(DRAWN)
    }

    /// Types a line and gives what was printed up to the next prompt, and that.
    #[track_caller]
    pub fn say(&mut self, line: &str) -> String {
        self.press(&format!("{line}\r"));
        self.terminal.until(TAKEN);
        self.ready()
    }

    /// Types.
    pub fn press(&mut self, keys: &str) {
        self.terminal.press(keys);
    }

    /// Types, and waits until that is shown; gives all up to its end.
    #[track_caller]
    pub fn shows(&mut self, keys: &str, text: &str) -> String {
        self.press(keys);
        self.terminal.until(text)
    }

    /// Ctrl-D; the exit code.
    pub fn leave(mut self) -> i32 {
        self.press("\x04");
        self.terminal.ended().code
    }
}
