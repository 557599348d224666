//! Whether a tunnel can stand on another: the packets to its server must find a route of this machine
//! into the outer one. Pure; what would make the outer one is asked of [`Backends`].

use super::backend::choose::Choice;
use super::keeper::Backends;
use crate::error::{Error, Result};
use crate::inventory::{Tunnel, TunnelKind};

/// Checks that each of `chain`, the outermost first, can stand on the one before it. One over SSH stands on
/// anything: it is connections alone, and those go through everything.
///
/// # Errors
/// [`crate::error::Kind::Usage`], naming both and what helps.
pub fn check(chain: &[Tunnel], backends: &dyn Backends) -> Result<()> {
    let pairs = chain.iter().zip(chain.iter().skip(1));
    for (outer, inner) in pairs.filter(|(_, inner)| inner.kind != TunnelKind::Ssh) {
        if let Some((why, hint)) = unfit(outer, backends) {
            let message = format!(
                "the tunnel `{}` cannot stand on `{}`, {why}",
                inner.name, outer.name
            );
            return Err(Error::usage(message).hint(hint));
        }
    }
    Ok(())
}

/// Why only connections go through a tunnel, and what a person can do; `None` for a route of this machine.
fn unfit(outer: &Tunnel, backends: &dyn Backends) -> Option<(&'static str, String)> {
    let name = crate::quote::typed(&outer.name);
    // One that cannot be made at all says so when it is brought up.
    Some(match backends.choose(outer) {
        Ok(Choice::Builtin) => (
            "which is one over SSH: only connections go through it",
            "a tunnel over SSH can stand on it, and servers can".to_owned(),
        ),
        Ok(Choice::Userspace) => (
            "which is made inside of mroom: only connections go through it",
            format!(
                "`mroom tunnel set {name} backend=wg` has the kernel make it, which needs root; \
                 `mroom doctor tunnel {name}` tells what it lacks"
            ),
        ),
        Ok(Choice::Plan(_)) if outer.flag("isolate") => (
            "which is in a network namespace of its own: only connections go through it",
            format!("`mroom tunnel set {name} isolate=` makes it a route of this machine"),
        ),
        Ok(Choice::Plan(_)) | Err(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::tunnel::backend::Backend;
    use crate::tunnel::testing;

    /// SSH is SSH, `u…` is made in here, everything else by programs.
    struct Table;

    impl Backends for Table {
        fn choose(&self, profile: &Tunnel) -> Result<Choice> {
            match (profile.kind, &profile.name[..1]) {
                (TunnelKind::Ssh, _) => Ok(Choice::Builtin),
                (_, "u") => Ok(Choice::Userspace),
                (_, "x") => Err(Error::local("cannot be made")),
                _ => testing::backends().choose(profile),
            }
        }

        fn named(&self, _: &str) -> Option<Arc<dyn Backend>> {
            None
        }
    }

    /// A profile by its letter: `s`sh, `u`serspace, `k`ernel, `i`solated, `x` that nothing makes.
    fn profile(letter: char) -> Tunnel {
        let kind = match letter {
            's' => TunnelKind::Ssh,
            'u' => TunnelKind::WireGuard,
            _ => TunnelKind::OpenVpn,
        };
        let mut profile = Tunnel::new(letter, kind, "198.51.100.7");
        if letter == 'i' {
            profile.set("isolate", "true").unwrap();
        }
        profile
    }

    #[test]
    fn every_pair() {
        for (outer, inner, why) in [
            ('k', 'k', None),
            ('k', 'u', None),
            ('k', 'i', None),
            ('k', 's', None),
            ('s', 's', None),
            ('u', 's', None),
            ('i', 's', None),
            ('x', 'k', None),
            ('s', 'k', Some("one over SSH")),
            ('s', 'u', Some("one over SSH")),
            ('s', 'i', Some("one over SSH")),
            ('u', 'k', Some("made inside of mroom")),
            ('u', 'u', Some("made inside of mroom")),
            ('u', 'i', Some("made inside of mroom")),
            ('i', 'k', Some("a network namespace of its own")),
            ('i', 'u', Some("a network namespace of its own")),
            ('i', 'i', Some("a network namespace of its own")),
        ] {
            let went = check(&[profile(outer), profile(inner)], &Table);
            match (went, why) {
                (Ok(()), None) => {}
                (Err(error), Some(why)) => {
                    let begin =
                        format!("the tunnel `{inner}` cannot stand on `{outer}`, which is ");
                    assert!(error.message().starts_with(&begin), "{error}");
                    assert!(error.message().contains(why), "{error}");
                    assert!(error.hint_text().is_some());
                }
                (went, _) => panic!("{inner} on {outer}: {went:?}"),
            }
        }
    }

    #[test]
    fn of_three_the_one_that_is_wrong_is_named() {
        let error = check(
            &["k", "s", "k"].map(|l| profile(l.chars().next().unwrap())),
            &Table,
        );
        assert!(
            error
                .unwrap_err()
                .message()
                .contains("`k` cannot stand on `s`")
        );
        let fine = check(
            &["k", "u", "s", "s"].map(|l| profile(l.chars().next().unwrap())),
            &Table,
        );
        assert!(fine.is_ok());
        assert!(check(&[], &Table).is_ok() && check(&[profile('s')], &Table).is_ok());
    }
}
