//! Everything that a person sees, and what is asked of them.
//!
//! Results go to standard output, talk and progress to standard error. [`Screen`] is the one way
//! to both, so that lines, bars and questions never mix. Nothing that a server sent reaches a
//! terminal but through [`sanitize`]. Must not import `lua` or `cli`.

mod alike;
mod ask;
mod blocks;
pub mod card;
pub mod columns;
mod console;
mod diff;
pub mod doc;
pub mod docker;
mod drawing;
mod echo;
mod editor;
pub mod engine;
mod escape;
mod exec_report;
pub mod facts;
pub mod grid;
mod grouped;
mod gutter;
pub mod health;
pub mod human;
pub mod json;
mod lines;
pub mod log;
mod lua_text;
mod nodes;
mod operation;
pub mod ports;
mod problem;
mod progress;
mod report;
pub mod sanitize;
mod screen;
pub mod sort;
pub mod status;
mod style;
pub mod table;
pub mod time;
pub mod tty;
pub mod tunnels;
pub mod width;

pub use ask::Ask;
pub use console::{Console, Streams};
pub use editor::{Assist, Editor, Fit, Fits, Typed};
pub use exec_report::{ExecReport, Mode};
pub use grouped::grouped;
pub use lua_text::painted;
pub use nodes::fold_ids;
pub use operation::Telling;
pub use progress::Progress;
pub use report::{outcome, total};
pub use screen::{Canvas, Look, Screen};
pub use style::{Paint, Style};
