//! The connection of one tunnel as strongSwan's settings: `swanctl.conf` with its secrets. Pure.
//! The keys are those of swanctl.conf(5) of strongSwan 5.9.

use std::net::IpAddr;

use ipnet::IpNet;

use super::super::value;
use super::OUTER_PORT;
use super::settings::Settings;
use crate::error::Result;
use crate::inventory::{Tunnel, TunnelKind};
use crate::secret::Secret;
use crate::tunnel::plan::At;

/// Phase one of IKEv1: its first proposal must be right in aggressive mode, and a gateway is not content
/// with the daemon's default.
const IKEV1: &str = "aes256-sha256-modp2048,aes256-sha1-modp2048,aes128-sha256-modp2048,\
    aes128-sha1-modp2048,aes256-sha1-modp1536,aes256-sha1-modp1024,aes128-sha1-modp1024,3des-sha1-modp1024";
/// Phase two of IKEv1.
const ESP_OF_IKEV1: &str = "aes256-sha256,aes128-sha256,aes256-sha1,aes128-sha1,3des-sha1";
/// The port of L2TP, on both sides.
const L2TP: &str = "[17/1701]";
/// Seconds between looks whether the gateway is still there, unless the profile says another.
const KEEPALIVE: u32 = 15;

/// The children of a connection: what is asked to go through. IKEv1 knows one range for each.
pub(super) fn children(profile: &Tunnel, at: &At) -> Vec<(String, Vec<IpNet>)> {
    let label = &at.label;
    match profile.kind {
        TunnelKind::CiscoIpsec => {
            let each = at.ranges.iter().enumerate();
            each.map(|(i, range)| (format!("{label}-{i}"), vec![*range]))
                .collect()
        }
        _ => vec![(label.clone(), at.ranges.clone())],
    }
}

/// `swanctl.conf`: the connection and its secrets.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for a profile that lacks something or holds what cannot be written.
pub(super) fn connection(profile: &Tunnel, at: &At) -> Result<Secret> {
    let mut settings = Settings::new(profile);
    settings.section("connections", |s| {
        s.section(&at.label, |s| {
            s.put("remote_addrs", &at.gateway.ip().to_string());
            if at.gateway.port() != OUTER_PORT {
                s.put("remote_port", &at.gateway.port().to_string());
            }
            s.put("keyingtries", "1");
            let pause = profile.number("keepalive").unwrap_or(KEEPALIVE);
            s.put("dpd_delay", &format!("{pause}s"));
            s.put("dpd_timeout", &format!("{}s", pause.saturating_mul(3)));
            match profile.kind {
                TunnelKind::CiscoIpsec => cisco(s, at),
                TunnelKind::L2tpIpsec => transport(s, at),
                _ => ikev2(s, at),
            }
        })
    })?;
    settings.section("secrets", secrets)?;
    Ok(settings.finish())
}

/// The certificates of `ca`, each as a file of its own with its name: of one with many, only the first
/// would be read.
pub(super) fn authorities(profile: &Tunnel) -> Vec<(String, String)> {
    const END: &str = "-----END CERTIFICATE-----";
    let all = profile.text("ca").unwrap_or_default();
    let each = all.split_inclusive(END).filter(|one| one.contains(END));
    let named = |(i, one): (usize, &str)| (format!("ca-{i}.pem"), format!("{}\n", one.trim()));
    each.enumerate().map(named).collect()
}

/// How the client proves itself with IKEv2.
fn auth(profile: &Tunnel) -> &str {
    let guess = match () {
        () if !profile.user.is_empty() => "eap-mschapv2",
        () if profile.field("psk").is_some() => "psk",
        () if profile.field("cert").is_some() => "pubkey",
        () => "eap-mschapv2",
    };
    profile.text("auth").unwrap_or(guess)
}

/// Whether the server is to prove itself by a certificate, and nothing of ours says whose word is good:
/// then this machine's authorities are.
pub(super) fn trusts_system(profile: &Tunnel) -> bool {
    let by_certificate = match profile.kind {
        TunnelKind::Ikev2 => auth(profile) != "psk",
        _ => profile.field("psk").is_none() && profile.field("cert").is_some(),
    };
    by_certificate && profile.field("ca").is_none()
}

fn ikev2(s: &mut Settings, at: &At) -> Result<()> {
    let profile = s.profile;
    s.put("version", "2");
    s.virtual_address(at);
    s.proposals("proposals", None)?;
    // Also to a server that does not say whose certificates it knows.
    s.put("send_cert", "always");
    let how = auth(profile);
    s.section("local", |s| {
        s.put("auth", how);
        match how {
            "psk" => needed(profile, "psk")?,
            "pubkey" | "eap-tls" => s.certificate()?,
            _ => s.user("eap_id")?,
        }
        s.field("id")
    })?;
    s.remote(how != "psk")?;
    s.children(at, None)
}

fn cisco(s: &mut Settings, at: &At) -> Result<()> {
    let profile = s.profile;
    let group = profile.text("group");
    s.put("version", "1");
    let guess = if group.is_some() {
        "aggressive"
    } else {
        "main"
    };
    if profile.text("mode").unwrap_or(guess) == "aggressive" {
        s.put("aggressive", "yes");
    }
    s.virtual_address(at);
    s.proposals("proposals", Some(IKEV1))?;
    let by_certificate = s.section("local-1", |s| {
        let by_certificate = s.machine()?;
        match group {
            Some(group) => s.value("id", "group", &format!("keyid:{group}"))?,
            None => s.field("id")?,
        }
        Ok(by_certificate)
    })?;
    s.section("local-2", |s| {
        s.put("auth", "xauth");
        s.user("xauth_id")
    })?;
    s.remote(by_certificate)?;
    s.children(at, Some(ESP_OF_IKEV1))
}

/// The protected path of L2TP: its packets alone, from host to host.
fn transport(s: &mut Settings, at: &At) -> Result<()> {
    s.put("version", "1");
    s.proposals("proposals", Some(IKEV1))?;
    let by_certificate = s.section("local", |s| {
        let by_certificate = s.machine()?;
        s.field("id")?;
        Ok(by_certificate)
    })?;
    s.remote(by_certificate)?;
    s.section("children", |s| {
        s.section(&at.label, |s| {
            s.put("mode", "transport");
            // L2TP's packets must not go unprotected when the connection is lost.
            s.put("start_action", "trap");
            s.put("local_ts", &format!("dynamic{L2TP}"));
            // Not `dynamic`: a gateway that speaks Unity would offer its networks instead of itself.
            let gateway = IpNet::from(at.gateway.ip());
            s.put("remote_ts", &format!("{gateway}{L2TP}"));
            s.proposals("esp_proposals", Some(ESP_OF_IKEV1))
        })
    })
}

/// Refuses a profile without the field.
fn needed(profile: &Tunnel, field: &str) -> Result<()> {
    match profile.field(field) {
        Some(_) => Ok(()),
        None => Err(value::lacking(profile, field)),
    }
}

/// Without owners: the daemon knows no other tunnel.
fn secrets(s: &mut Settings) -> Result<()> {
    let profile = s.profile;
    if let Some(psk) = profile.field("psk") {
        s.section("ike-psk", |s| s.value("secret", "psk", psk.reveal()))?;
    }
    if profile.password.is_empty() || profile.kind == TunnelKind::L2tpIpsec {
        return Ok(());
    }
    let secret = |s: &mut Settings| s.value("secret", "password", profile.password.reveal());
    match (profile.kind, profile.field("key")) {
        (TunnelKind::CiscoIpsec, _) => s.section("xauth-user", secret),
        (_, Some(_)) if matches!(auth(profile), "pubkey" | "eap-tls") => {
            s.section("private-key", |s| {
                s.put("file", "key.pem");
                secret(s)
            })
        }
        _ => s.section("eap-user", secret),
    }
}

/// The parts of a connection that several types have.
impl Settings<'_> {
    /// As bytes, whatever they look like: `a=b` is no distinguished name here.
    fn user(&mut self, key: &str) -> Result<()> {
        let profile = self.profile;
        let user = value::needed(profile, "user", &profile.user)?;
        value::needed(profile, "password", profile.password.reveal())?;
        let user = match (profile.kind, profile.text("domain")) {
            (TunnelKind::CiscoIpsec, Some(domain)) => format!("keyid:{domain}\\{user}"),
            _ => format!("keyid:{user}"),
        };
        self.value(key, "user", &user)
    }

    /// How this machine proves itself to IKEv1; true by certificate.
    fn machine(&mut self) -> Result<bool> {
        let by_certificate =
            self.profile.field("psk").is_none() && self.profile.field("cert").is_some();
        if by_certificate {
            self.put("auth", "pubkey");
            self.certificate()?;
        } else {
            needed(self.profile, "psk")?;
            self.put("auth", "psk");
        }
        Ok(by_certificate)
    }

    fn certificate(&mut self) -> Result<()> {
        needed(self.profile, "cert")?;
        needed(self.profile, "key")?;
        self.put("certs", "cert.pem");
        Ok(())
    }

    fn remote(&mut self, by_certificate: bool) -> Result<()> {
        let profile = self.profile;
        let (host, _) = profile.endpoint(OUTER_PORT)?;
        self.section("remote", |s| {
            s.put("auth", if by_certificate { "pubkey" } else { "psk" });
            match profile.text("remote_id") {
                Some(id) => s.value("id", "remote_id", id)?,
                // Any certificate of the same authority would do without it.
                None if by_certificate => s.value("id", "server", &host)?,
                None => {}
            }
            let authorities = authorities(profile).into_iter().map(|(file, _)| file);
            let authorities: Vec<_> = authorities.collect();
            if by_certificate && !authorities.is_empty() {
                s.put("cacerts", &authorities.join(","));
            }
            Ok(())
        })
    }

    /// The addresses that we ask for: of the families that go through.
    fn virtual_address(&mut self, at: &At) {
        let has = |v4: bool| {
            at.ranges
                .iter()
                .any(|r| matches!(r.addr(), IpAddr::V4(_)) == v4)
        };
        let wanted = match (has(true), has(false)) {
            (true, true) => "0.0.0.0,::",
            (false, true) => "::",
            _ => "0.0.0.0",
        };
        self.put("vips", wanted);
    }

    fn proposals(&mut self, key: &'static str, default: Option<&str>) -> Result<()> {
        let ours = self.profile.list(key).join(",");
        match (ours.is_empty(), default) {
            (false, _) => self.value(key, key, &ours),
            (true, Some(default)) => {
                self.put(key, default);
                Ok(())
            }
            (true, None) => Ok(()),
        }
    }

    fn children(&mut self, at: &At, esp: Option<&str>) -> Result<()> {
        let children = children(self.profile, at);
        self.section("children", |s| {
            for (name, ranges) in children {
                let ranges: Vec<_> = ranges.iter().map(IpNet::to_string).collect();
                s.section(&name, |s| {
                    s.put("remote_ts", &ranges.join(","));
                    s.proposals("esp_proposals", esp)
                })?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
