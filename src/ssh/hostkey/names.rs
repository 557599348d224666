//! Which host a known_hosts line, or a certificate, is for: names, hashed names and patterns.
//!
//! The forms are those of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". Pure.

use hmac::{Hmac, Mac as _};
use ssh_key::known_hosts::HostPatterns;

/// Host and port as known_hosts writes them: `host`, or `[host]:port` when it is not 22.
pub fn name_of(host: &str, port: u16) -> String {
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_lowercase();
    if port == 22 {
        host
    } else {
        format!("[{host}]:{port}")
    }
}

/// Does the hosts field name `name`?
pub fn matches(hosts: &str, name: &str) -> bool {
    match hosts.parse::<HostPatterns>() {
        Ok(HostPatterns::HashedName { salt, hash }) => {
            let Ok(mut mac) = Hmac::<sha1::Sha1>::new_from_slice(&salt) else {
                return false;
            };
            mac.update(name.as_bytes());
            mac.finalize().into_bytes().as_slice() == hash
        }
        Ok(HostPatterns::Patterns(patterns)) => matches_list(&patterns, name),
        Err(_) => false,
    }
}

/// Any pattern fits and no negated one does.
pub fn matches_list(patterns: &[String], name: &str) -> bool {
    let mut fits = false;
    for pattern in patterns {
        let lower = pattern.to_lowercase();
        match lower.strip_prefix('!') {
            Some(not) if glob(not.as_bytes(), name.as_bytes()) => return false,
            Some(_) => {}
            None => fits |= glob(lower.as_bytes(), name.as_bytes()),
        }
    }
    fits
}

/// `*` and `?` only, without recursion: patterns come from files that others may write.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_matches_itself_and_a_star_around(host in "[a-z0-9.-]{1,20}", cut in 0usize..20) {
            let cut = cut.min(host.len());
            let starred = format!("{}*{}", &host[..cut], &host[cut..]);
            prop_assert!(glob(host.as_bytes(), host.as_bytes()));
            prop_assert!(glob(starred.as_bytes(), host.as_bytes()));
            let longer = format!("{host}x");
            prop_assert!(!glob(longer.as_bytes(), host.as_bytes()));
        }
    }
}
