//! [`Drawing`]: what stands on the terminal and is drawn again and again: a progress bar, or an
//! [`Area`] of lines, below the text or instead of it.
//!
//! Owned by [`super::Screen`], under whose lock all of this happens. Text goes around what is
//! drawn; while a person is asked or the program is suspended, nothing is drawn.

use std::io::Write as _;

use indicatif::{ProgressBar, ProgressDrawTarget};

use super::width;
use crate::output::Stream;

/// The size of a terminal that does not tell its own: columns and rows.
const USUAL: (u16, u16) = (80, 24);
/// So many pieces of text are kept while they cannot be shown; older ones are given up.
const MOST_HELD: usize = 1000;

/// What is drawn, and why it may not be at the moment.
#[derive(Default)]
pub(super) struct Drawing {
    bar: Option<ProgressBar>,
    area: Option<Area>,
    asking: bool,
    suspended: bool,
    /// The cursor stands behind something that was printed: what is drawn there would wipe it out.
    mid_line: bool,
    /// What came for the terminal while it could not be shown.
    held: Vec<(Stream, Vec<u8>)>,
}

impl Drawing {
    /// Draws `bar` below everything else, or no bar.
    pub(super) fn set_bar(&mut self, bar: Option<ProgressBar>) {
        if let Some(old) = std::mem::replace(&mut self.bar, bar) {
            old.finish_and_clear();
        }
        self.place();
    }

    /// Gives lines their place; `whole` takes the whole screen for them.
    pub(super) fn begin_area(&mut self, whole: bool) {
        self.area = Some(Area::new(whole));
        self.place();
    }

    /// Draws these lines in place of those that are there.
    pub(super) fn draw(&mut self, text: &str) {
        if let Some(area) = &mut self.area {
            area.set(text);
        }
        self.place();
    }

    /// Takes the lines away and shows what was held back meanwhile.
    pub(super) fn end_area(&mut self) {
        if let Some(mut area) = self.area.take() {
            area.hide();
        }
        self.release();
    }

    /// Keeps the terminal free for a question.
    pub(super) fn begin_asking(&mut self) {
        self.asking = true;
        self.place();
    }

    /// The question is answered.
    pub(super) fn asked(&mut self) {
        self.asking = false;
        self.release();
    }

    /// Whether the program is about to stop, or goes on.
    pub(super) fn set_suspended(&mut self, suspended: bool) {
        self.suspended = suspended;
        self.place();
    }

    /// The cursor stands in the middle of a line.
    pub(super) fn is_mid_line(&self) -> bool {
        self.mid_line
    }

    /// Writes to a terminal, around what is drawn there.
    pub(super) fn write(&mut self, stream: Stream, bytes: &[u8]) -> std::io::Result<()> {
        if self.asking || self.area.as_ref().is_some_and(|a| a.whole) {
            if self.held.len() == MOST_HELD {
                self.held.remove(0);
            }
            self.held.push((stream, bytes.to_vec()));
            return Ok(());
        }
        let was_mid_line = self.mid_line;
        self.mid_line = !bytes.ends_with(b"\n");
        match (&self.bar, &mut self.area) {
            (_, Some(area)) => area.hide(),
            (Some(bar), None) if !was_mid_line && !self.mid_line => {
                return bar.suspend(|| put(stream, bytes));
            }
            _ if self.mid_line => self.place(),
            _ => {}
        }
        let done = put(stream, bytes);
        self.place();
        done
    }

    /// Shows what was held back, if nothing holds it back any more.
    fn release(&mut self) {
        let is_free = !self.asking && !self.area.as_ref().is_some_and(|a| a.whole);
        if is_free {
            for (stream, bytes) in std::mem::take(&mut self.held) {
                self.mid_line = !bytes.ends_with(b"\n");
                let _ = put(stream, &bytes);
            }
        }
        self.place();
    }

    /// Draws everything where it is in nobody's way, else takes it off the screen.
    fn place(&mut self) {
        let busy = self.asking || self.suspended;
        if let Some(area) = &mut self.area {
            match busy || (self.mid_line && !area.whole) {
                true => area.hide(),
                false => area.show(),
            }
        }
        let Some(bar) = &self.bar else { return };
        let hide = busy || self.mid_line || self.area.is_some();
        if hide && !bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
            // indicatif leaves what it has drawn: back to the line's begin, and erase it (ECMA-48).
            let _ = put(Stream::Stderr, b"\r\x1b[2K");
        } else if !hide && bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

/// Lines on the terminal behind standard output that are drawn again in place.
struct Area {
    /// On the whole (alternate) screen, not below the text.
    whole: bool,
    lines: Vec<String>,
    /// The size of the terminal for which it was last drawn.
    size: (usize, usize),
    is_stale: bool,
    /// The width of each line that stands there; `None`: nothing does.
    shown: Option<Vec<usize>>,
}

impl Area {
    fn new(whole: bool) -> Self {
        Area {
            whole,
            lines: Vec::new(),
            size: (0, 0),
            is_stale: true,
            shown: None,
        }
    }

    fn set(&mut self, text: &str) {
        let is_same = self.lines.iter().map(String::as_str).eq(text.lines());
        if !is_same || self.size != size() {
            self.lines = text.lines().map(str::to_owned).collect();
            self.is_stale = true;
        }
    }

    /// Draws what is not drawn yet, as much as fits.
    fn show(&mut self) {
        if self.shown.is_some() && !self.is_stale {
            return;
        }
        self.size = size();
        let (columns, rows) = self.size;
        let mut text = match (self.whole, self.shown.is_some()) {
            // xterm's alternate screen; no cursor; its first place.
            (true, false) => "\x1b[?1049h\x1b[?25l\x1b[H".to_owned(),
            (true, true) => "\x1b[H".to_owned(),
            (false, _) => self.to_begin(columns),
        };
        // Below text, the row after the last line is the cursor's.
        let room = rows.saturating_sub(usize::from(!self.whole)).max(1);
        let mut lines: Vec<String> = self.lines.iter().take(room).cloned().collect();
        if self.lines.len() > room
            && let Some(last) = lines.last_mut()
        {
            *last = format!("… and {} more", self.lines.len() - room + 1);
        }
        // The last column stays free: some terminals go to the next line when it is written.
        let cut = |line: &String| width::cut(line, columns.saturating_sub(1).max(1));
        let lines: Vec<String> = lines.iter().map(cut).collect();
        let end = if self.whole { "\x1b[K" } else { "\x1b[K\n" };
        let between = if self.whole { "\n" } else { "" };
        let drawn: Vec<String> = lines.iter().map(|line| format!("{line}{end}")).collect();
        text.push_str(&drawn.join(between));
        text.push_str("\x1b[J");
        let _ = put(Stream::Stdout, text.as_bytes());
        self.shown = Some(lines.iter().map(|line| width::columns(line)).collect());
        self.is_stale = false;
    }

    /// Leaves the terminal as if nothing had been drawn.
    fn hide(&mut self) {
        if self.shown.is_none() {
            return;
        }
        let text = match self.whole {
            true => "\x1b[?25h\x1b[?1049l".to_owned(),
            false => self.to_begin(size().0) + "\x1b[J",
        };
        let _ = put(Stream::Stdout, text.as_bytes());
        self.shown = None;
    }

    /// Back to where the first line begins. Lines drawn on a wider terminal may have been wrapped
    /// since.
    fn to_begin(&self, columns: usize) -> String {
        let widths = self.shown.iter().flatten();
        match widths.map(|w| w.div_ceil(columns).max(1)).sum() {
            0usize => String::new(),
            rows => format!("\r\x1b[{rows}A"),
        }
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        self.hide();
    }
}

/// Columns and rows of the terminal behind standard output.
fn size() -> (usize, usize) {
    let told = rustix::termios::tcgetwinsize(std::io::stdout());
    let (columns, rows) = told.map_or((0, 0), |size| (size.ws_col, size.ws_row));
    let or = |told: u16, usual: u16| usize::from(if told > 0 { told } else { usual });
    (or(columns, USUAL.0), or(rows, USUAL.1))
}

/// Writes all of it, now.
pub(super) fn put(stream: Stream, bytes: &[u8]) -> std::io::Result<()> {
    match stream {
        Stream::Stdout => {
            let mut out = std::io::stdout().lock();
            out.write_all(bytes)?;
            out.flush()
        }
        Stream::Stderr => std::io::stderr().lock().write_all(bytes),
    }
}
