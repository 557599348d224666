//! Lua values as a person reads them: what the REPL prints.
//!
//! Values often come from servers, so nothing in them acts on a terminal or runs; the only code
//! that may run is a value's own `__tostring`. Owns no state.

mod literal;
mod records;
mod text;

#[cfg(test)]
mod tests;

use mlua::Value;

pub(super) use literal::literal;
pub(super) use text::Clean;

/// `value` in lines of at most `width` columns where that is possible: a list of records as a
/// table, all else as a Lua literal.
pub(super) fn show(value: &Value, width: usize, clean: Clean) -> String {
    records::records(value, width, clean).unwrap_or_else(|| literal(value, width, clean))
}
