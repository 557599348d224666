//! Whether a tunnel that is up was made of a profile as it is now. Pure.

use sha2::{Digest as _, Sha256};

use crate::inventory::{Tunnel, TunnelKind};

/// Fields that change nothing about a tunnel that is up.
const OF_NO_MATTER: [&str; 3] = ["dns", "probe", "timeout"];

/// A short text that is the same for profiles of which the same tunnel is made. It stands in files:
/// passwords and pre-shared keys of people are not in it, so that nobody can try words against it. What is up
/// has proven them anyway. Keys and files of keys are: they cannot be guessed.
pub fn mark(profile: &Tunnel) -> String {
    let is_key = profile.kind == TunnelKind::WireGuard;
    let mut hash = Sha256::new();
    // The length before each part: no two profiles run into the same bytes.
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    add(profile.kind.as_str());
    add(&profile.server);
    add(&profile.user);
    if is_key {
        add(profile.password.reveal());
    }
    for (field, value) in profile.fields() {
        let is_word = field.is_secret && !field.is_file && !is_key;
        if !is_word && !OF_NO_MATTER.contains(&field.key) {
            add(field.key);
            add(value.reveal());
        }
    }
    let digest = hash.finalize();
    digest.iter().take(16).map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    /// Whether a tunnel must be made anew for that.
    fn matters(kind: TunnelKind, change: impl FnOnce(&mut Tunnel)) -> bool {
        let before = Tunnel::new("office", kind, "198.51.100.7");
        let mut after = before.clone();
        change(&mut after);
        mark(&before) != mark(&after)
    }

    #[test]
    fn what_counts() {
        use TunnelKind::{CiscoIpsec, OpenVpn, WireGuard};
        let set = |key: &'static str, value: &'static str| {
            move |t: &mut Tunnel| t.set(key, value).unwrap()
        };
        let key = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
        assert!(matters(OpenVpn, |t| t.server = "198.51.100.8".into()));
        assert!(matters(OpenVpn, |t| t.user = "ann".into()));
        assert!(matters(OpenVpn, set("routes", "10.0.0.0/8")));
        assert!(matters(OpenVpn, set("isolate", "true")));
        assert!(matters(OpenVpn, set("needs", "outer")));
        assert!(matters(
            OpenVpn,
            set(
                "ca",
                "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
            )
        ));
        assert!(matters(CiscoIpsec, set("group", "staff")));
        assert!(matters(WireGuard, |t| t.password = Secret::new(key)));
        assert!(matters(WireGuard, set("psk", key)));
        assert!(!matters(OpenVpn, |_| ()));
        assert!(!matters(OpenVpn, |t| t.password = Secret::new("hunter2")));
        assert!(!matters(CiscoIpsec, set("psk", "hunter2")));
        assert!(!matters(OpenVpn, set("timeout", "120")));
        assert!(!matters(OpenVpn, set("probe", "10.0.0.1:22")));
        assert!(!matters(OpenVpn, set("dns", "10.0.0.53")));
        // Nothing moves from one part into the next.
        let two = |server: &str, user: &str| {
            let mut profile = Tunnel::new("x", OpenVpn, server);
            profile.user = user.into();
            mark(&profile)
        };
        assert_ne!(two("ab", "c"), two("a", "bc"));
    }
}
