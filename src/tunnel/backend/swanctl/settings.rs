//! strongSwan's settings as text: sections in braces, values in quotes. Pure. Every value of a profile goes
//! through [`value::quoted`]; names of keys and sections are ours.

use super::super::value;
use crate::error::Result;
use crate::inventory::Tunnel;
use crate::secret::Secret;

/// A settings file being written: sections in braces, values in quotes.
pub(super) struct Settings<'a> {
    /// What it is written for.
    pub(super) profile: &'a Tunnel,
    text: String,
    depth: usize,
}

impl<'a> Settings<'a> {
    /// Of this profile, empty.
    pub(super) fn new(profile: &'a Tunnel) -> Self {
        Settings {
            profile,
            text: String::new(),
            depth: 0,
        }
    }

    fn write(&mut self, words: &[&str]) {
        self.text.extend(std::iter::repeat_n('\t', self.depth));
        self.text.extend(words.iter().copied());
        self.text.push('\n');
    }

    /// A section, with what `fill` writes.
    pub(super) fn section<T>(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.write(&[name, " {"]);
        self.depth += 1;
        let filled = fill(self)?;
        self.depth -= 1;
        self.write(&["}"]);
        Ok(filled)
    }

    /// A value of ours: words, numbers, addresses.
    pub(super) fn put(&mut self, key: &str, value: &str) {
        self.write(&[key, " = ", value]);
    }

    /// A value of the profile's `field`.
    pub(super) fn value(&mut self, key: &str, field: &str, value: &str) -> Result<()> {
        let value = value::quoted(self.profile, field, value)?;
        self.write(&[key, " = ", &value]);
        Ok(())
    }

    /// The profile's field of the same name, when it is set.
    pub(super) fn field(&mut self, key: &'static str) -> Result<()> {
        match self.profile.text(key) {
            Some(value) => self.value(key, key, value),
            None => Ok(()),
        }
    }

    /// The whole text.
    pub(super) fn finish(self) -> Secret {
        Secret::new(self.text)
    }
}
