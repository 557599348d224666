//! [`Session`]: what one REPL has done so far, and how it answers a line.

use std::rc::Rc;
use std::time::Instant;

use super::commands;
use super::line::Line;
use crate::cli::App;
use crate::error::{Error, Result};
use crate::lua::{Reference, Shown, Vm};
use crate::ui::{self, width};

/// Columns for values when nobody's terminal says otherwise.
const COLUMNS: u16 = 100;

/// Columns of a pattern in the prompt at most.
const NAME: usize = 32;

/// Where a text stands: the name that Lua calls it by, and the number of its first line.
pub(super) type Place<'a> = (&'a str, usize);

/// The state of a REPL that is not the VM's.
pub(super) struct Session<'a> {
    pub app: &'a App,
    pub vm: Rc<Vm>,
    /// What the stubs tell.
    pub reference: Rc<Reference>,
    /// A person is there, who can use an editor.
    pub is_personal: bool,
    /// The pattern of the last `:use`, and the servers that it selected.
    pub used: Option<(String, Vec<String>)>,
    /// The last Lua text, for `:edit`.
    pub chunk: String,
    /// The last command for servers, for `!!`.
    command: Option<String>,
    /// What came out of the editor, which is what was typed.
    pub edited: Option<String>,
    /// `:quit` was typed.
    pub is_over: bool,
}

impl<'a> Session<'a> {
    pub fn new(app: &'a App, vm: Rc<Vm>, is_personal: bool) -> Self {
        Session {
            app,
            vm,
            reference: Rc::new(Reference::bundled()),
            is_personal,
            used: None,
            chunk: String::new(),
            command: None,
            edited: None,
            is_over: false,
        }
    }

    /// Runs a line and prints its values; gives what printed outcomes mean for the exit code.
    ///
    /// # Errors
    /// What the line raises; the session goes on.
    pub async fn reply(&mut self, text: &str, place: Place<'_>) -> Result<u8> {
        match Line::of(text) {
            Line::Command("time", rest) => self.timed(rest, place).await,
            Line::Command(word, rest) => commands::run(self, word, rest).await,
            Line::Shell(command) => self.shell(command).await,
            Line::Question(name) => commands::explain(self, name),
            Line::Lua(text) => match self.meant(text.trim()) {
                Some(word) => commands::run(self, word, "").await,
                None => self.lua(text, place).await,
            },
        }
    }

    /// The command that somebody means who types its name alone, as elsewhere.
    fn meant(&self, text: &str) -> Option<&'static str> {
        let word = match text {
            "quit" | "exit" => "quit",
            "help" => "help",
            _ => return None,
        };
        (self.is_personal && !self.vm.has(text)).then_some(word)
    }

    /// Runs Lua.
    pub async fn lua(&mut self, text: &str, place: Place<'_>) -> Result<u8> {
        text.clone_into(&mut self.chunk);
        let shown = self.vm.reply(text, place, self.width()).await?;
        self.print(shown)
    }

    async fn timed(&mut self, text: &str, place: Place<'_>) -> Result<u8> {
        if text.is_empty() {
            return Err(Error::usage("`:time` needs something to run").hint("`:time !uptime`"));
        }
        let begun = Instant::now();
        let code = Box::pin(self.reply(text, place)).await;
        let seconds = begun.elapsed().as_secs_f64();
        self.app.screen.talk(&format!("took {seconds:.3} s"));
        code
    }

    /// Runs a command on the selection; `!` alone is the last one again.
    async fn shell(&mut self, command: &str) -> Result<u8> {
        let command = match (command, &self.command) {
            ("!", Some(last)) => {
                self.app
                    .screen
                    .talk(&ui::sanitize::one_line(&format!("!{last}")));
                last.clone()
            }
            ("!", None) => {
                let error = Error::usage("there is no command to repeat");
                return Err(error.hint("`!COMMAND` runs one on the selected servers"));
            }
            ("", _) => {
                let error = Error::usage("`!` needs a command");
                return Err(error.hint("`!uptime` runs it on the selected servers"));
            }
            (command, _) => command.to_owned(),
        };
        self.command = Some(command.clone());
        let shown = self.vm.run_selected(&command, self.width()).await?;
        self.print(shown)
    }

    /// Prints values; gives the exit code of the outcomes among them.
    pub fn print(&self, values: Vec<Shown>) -> Result<u8> {
        let screen = &self.app.screen;
        let mut code = 0;
        for shown in values {
            match shown {
                Shown::Text(text) => screen.result(format!("{text}\n").as_bytes())?,
                Shown::Outcomes(outcomes) => {
                    code = code.max(ui::grouped(screen, outcomes)?.exit_code());
                }
            }
        }
        Ok(code)
    }

    /// What stands before the cursor: the selection, so that nobody runs anything elsewhere than
    /// they think.
    pub fn prompt(&self) -> String {
        let check = match self.app.room.options.check {
            true => " check",
            false => "",
        };
        let Some(servers) = self.vm.selected() else {
            return format!("mroom{check}> ");
        };
        let ids = servers.iter().map(|s| s.id.as_str());
        let name = match &self.used {
            Some((pattern, used)) if ids.eq(used.iter().map(String::as_str)) => pattern,
            // Lua code has set it.
            _ => "sel",
        };
        let cut = match width::columns(name) > NAME {
            true => width::cut(name, NAME - 1) + "…",
            false => name.to_owned(),
        };
        format!("mroom{check} {cut} ({})> ", servers.len())
    }

    pub fn width(&self) -> usize {
        usize::from(self.app.screen.width().unwrap_or(COLUMNS))
    }
}
