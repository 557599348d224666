//! The configuration that openvpn gets: what the profile's fields say, what of its `config` is about the
//! connection itself, and then what is ours alone. Nothing in it runs a program.

use crate::error::Result;
use crate::inventory::Tunnel;
use crate::inventory::{OvpnPart as Part, ovpn_parts};

use super::super::value::{block, quoted, refused, word};
use crate::tunnel::plan::At;

/// Options of a `config` that are not taken over: where it goes and what it makes are the profile's and
/// ours to say, routes are set for the servers alone, names are asked for by ourselves.
const OURS: &[&str] = &[
    "allow-pull-fqdn",
    "auth-nocache",
    "auth-retry",
    "auth-user-pass",
    "bind",
    "block-ipv6",
    "block-outside-dns",
    "dev",
    "dev-type",
    "dhcp-option",
    "dns",
    "group",
    "ifconfig-noexec",
    "ifconfig-nowarn",
    "local",
    "lport",
    "max-routes",
    "mute",
    "nice",
    "nobind",
    "persist-key",
    "persist-local-ip",
    "persist-remote-ip",
    "persist-tun",
    "port",
    "proto",
    "proto-force",
    "pull-filter",
    "redirect-gateway",
    "redirect-private",
    "register-dns",
    "remap-usr1",
    "remote",
    "remote-random",
    "remote-random-hostname",
    "resolv-retry",
    "route",
    "route-delay",
    "route-gateway",
    "route-ipv6",
    "route-method",
    "route-metric",
    "route-noexec",
    "route-nopull",
    "rport",
    "setenv",
    "setenv-safe",
    "suppress-timestamps",
    "user",
    "verb",
];

/// What the gateway may not tell us; `route-nopull` covers most of it.
const UNHEARD: [&str; 6] = [
    "redirect-",
    "route ",
    "route-ipv6 ",
    "dhcp-option",
    "dns ",
    "block-",
];

/// What a profile's `config` says.
#[derive(Debug, Default)]
pub struct Given {
    /// It asks for user and password.
    pub login: bool,
    /// A client of a server that tells it addresses, not one end of a static key.
    client: bool,
    proto: Option<String>,
    port: Option<u16>,
    /// Lines that are taken over.
    lines: String,
}

/// The fields that stand for a block of a `config`, and for what lets it do without.
const BLOCKS: [(&str, &str); 5] = [
    ("ca", "ca"),
    ("cert", "cert"),
    ("key", "key"),
    ("tls_auth", "tls-auth"),
    ("tls_crypt", "tls-crypt"),
];

impl Given {
    /// Reads the profile's `config`; without one, it is that of a client.
    pub fn read(profile: &Tunnel) -> Result<Given> {
        let mut given = Given::default();
        let Some(text) = profile.field("config") else {
            given.client = true;
            given.lines = "client\nremote-cert-tls server\n".to_owned();
            return Ok(given);
        };
        let wrong = |why: &str| refused(profile, "config", why);
        let own = |option: &str| {
            BLOCKS
                .iter()
                .any(|(field, of)| *of == option && profile.field(field).is_some())
        };
        for part in ovpn_parts(text.reveal()).map_err(|e| e.context("`config`"))? {
            match part {
                Part::Block(name, _) if own(&name) => {}
                Part::Block(name, text) => {
                    let text = block(profile, "config", &text)?;
                    given.lines += &format!("<{name}>\n{text}</{name}>\n");
                }
                Part::Option(name, _) if own(&name) => {}
                Part::Option(name, words) => {
                    given.see(&name, &words);
                    let first = words.first().map_or("", String::as_str);
                    if matches!(&name[..], "dev" | "dev-type") && first.starts_with("tap") {
                        return Err(wrong(
                            "asks for an Ethernet device (tap); only `dev tun` goes through routes",
                        ));
                    }
                    if (name.starts_with("ping") || name == "keepalive")
                        && profile.text("keepalive").is_some()
                        || OURS.contains(&&name[..])
                    {
                        continue;
                    }
                    given.lines += &name;
                    for value in &words {
                        given.lines += &format!(" {}", quoted(profile, "config", value)?);
                    }
                    given.lines.push('\n');
                }
            }
        }
        Ok(given)
    }

    fn see(&mut self, name: &str, words: &[String]) {
        let word = |n: usize| words.get(n).map(String::as_str);
        let port = |n: usize| word(n).and_then(|port| port.parse().ok());
        match name {
            "client" | "pull" => self.client = true,
            "auth-user-pass" => self.login = true,
            "proto" => self.proto = word(0).map(str::to_owned),
            "remote" => {
                self.port = self.port.or(port(1));
                self.proto = self.proto.take().or(word(2).map(str::to_owned));
            }
            "port" | "rport" => self.port = self.port.or(port(0)),
            _ => {}
        }
    }
}

/// The whole text.
pub fn text(profile: &Tunnel, at: &At, given: &Given, login: bool) -> Result<String> {
    let path = |name: &str| at.folder.join(name).display().to_string();
    let path = |name: &str| quoted(profile, "config", &path(name));
    let mut lines = vec![given.lines.trim_end().to_owned()];
    for (field, name) in BLOCKS {
        if let Some(content) = profile.field(field) {
            let content = block(profile, field, content.reveal())?;
            lines.push(format!("<{name}>\n{content}</{name}>"));
        }
    }
    if profile.field("tls_auth").is_some() && !given.lines.contains("key-direction") {
        lines.push("key-direction 1".to_owned());
    }
    if let Some(ciphers) = profile.text("cipher") {
        let ciphers = ciphers.replace([',', ' '], ":");
        let ciphers = word(profile, "cipher", &ciphers)?;
        lines.push(format!("data-ciphers {ciphers}"));
        let first = ciphers.split(':').next().unwrap_or(ciphers);
        lines.push(format!("data-ciphers-fallback {first}"));
    }
    match profile.number("keepalive") {
        None | Some(0) => {}
        Some(every) => lines.push(format!("ping {every}\nping-restart {}", 4 * every)),
    }
    if let Some(mtu) = profile.number("mtu") {
        lines.push(format!("tun-mtu {mtu}"));
    }
    let (_, told) = profile.endpoint(0)?;
    let port = match (told, given.port) {
        (0, Some(port)) => port,
        _ => at.gateway.port(),
    };
    let proto = profile.text("proto").or(given.proto.as_deref());
    let version = if at.gateway.is_ipv4() { 4 } else { 6 };
    lines.push(match proto.unwrap_or("udp").starts_with("tcp") {
        true => format!("proto tcp{version}-client"),
        false => format!("proto udp{version}"),
    });
    lines.push(format!("remote {} {port}", at.gateway.ip()));
    lines.push(format!("nobind\ndev-type tun\ndev {}", at.label));
    lines.push("persist-key\npersist-tun\nscript-security 1".to_owned());
    if given.client {
        lines.push("route-nopull".to_owned());
        lines.extend(UNHEARD.map(|push| format!("pull-filter ignore \"{push}\"")));
    }
    if login {
        lines.push(format!("auth-user-pass {}", path("login")?));
        lines.push("auth-nocache\nauth-retry none".to_owned());
    }
    lines.push(format!("daemon {}", at.label));
    lines.push(format!("writepid {}\nlog {}", path("pid")?, path("log")?));
    lines.push("suppress-timestamps\nverb 3\n".to_owned());
    Ok(lines.join("\n"))
}
