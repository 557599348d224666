//! Keys that do more here than elsewhere: the arrows search for what begins as the line does, Tab
//! completes or indents, and Ctrl-C is remembered with what was on the line.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::history::History;
use rustyline::{
    Cmd, ConditionalEventHandler, Editor, Event, EventContext, EventHandler, Helper, KeyCode,
    KeyEvent, Modifiers, RepeatCount,
};

/// What the tab key puts in where there is nothing to complete.
const INDENT: &str = "  ";

/// What has happened since the prompt was shown.
#[derive(Default)]
struct Seen {
    /// The line came out of the history: the arrows go on there, whatever it begins with.
    recalled: AtomicBool,
    /// There was nothing on the line when Ctrl-C was pressed.
    was_empty: AtomicBool,
}

/// Remembers what was pressed.
pub(super) struct Keys(Arc<Seen>);

impl Keys {
    /// Binds the keys.
    pub(super) fn bind<H: Helper, I: History>(editor: &mut Editor<H, I>) -> Self {
        let seen = Arc::new(Seen::default());
        let plain = |code| KeyEvent(code, Modifiers::NONE);
        for (key, press) in [
            (plain(KeyCode::Up), Press::Up),
            (plain(KeyCode::Down), Press::Down),
            (plain(KeyCode::Tab), Press::Tab),
            (KeyEvent::ctrl('C'), Press::Interrupt),
        ] {
            let handler = Handler(press, seen.clone());
            editor.bind_sequence(key, EventHandler::Conditional(Box::new(handler)));
        }
        Keys(seen)
    }

    /// A new line begins.
    pub(super) fn begin(&self) {
        self.0.recalled.store(false, Ordering::Relaxed);
        self.0.was_empty.store(false, Ordering::Relaxed);
    }

    /// Was there nothing on the line when Ctrl-C was pressed?
    pub(super) fn interrupted_nothing(&self) -> bool {
        self.0.was_empty.load(Ordering::Relaxed)
    }
}

enum Press {
    Up,
    Down,
    Tab,
    Interrupt,
}

struct Handler(Press, Arc<Seen>);

impl Handler {
    /// Do the arrows look for entries that begin as the line does? Not in a text of several
    /// lines, in which they move.
    fn searches(&self, context: &EventContext) -> bool {
        let before = &context.line()[..context.pos()];
        if context.line().is_empty() {
            self.1.recalled.store(true, Ordering::Relaxed);
        }
        !before.is_empty()
            && !context.line().contains('\n')
            && !self.1.recalled.load(Ordering::Relaxed)
    }
}

impl ConditionalEventHandler for Handler {
    /// `None` is what the key does anyway.
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        match self.0 {
            Press::Up => self.searches(context).then_some(Cmd::HistorySearchBackward),
            Press::Down => self.searches(context).then_some(Cmd::HistorySearchForward),
            Press::Tab => {
                let before = &context.line()[..context.pos()];
                let begun = before.rsplit('\n').next().unwrap_or_default();
                let indents = begun.trim().is_empty() && !context.line().is_empty();
                indents.then(|| Cmd::Insert(1, INDENT.to_owned()))
            }
            Press::Interrupt => {
                let is_empty = context.line().is_empty();
                self.1.was_empty.store(is_empty, Ordering::Relaxed);
                None
            }
        }
    }
}
