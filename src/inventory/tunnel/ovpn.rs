//! OpenVPN's configuration file (openvpn(8)): what of it a profile may keep. Pure but for the files that
//! it names, which are asked for.
//!
//! OpenVPN runs as root and its options can run programs, load libraries and write files; whoever
//! gives somebody a file must not become root on that machine. So only known options pass, read the
//! way OpenVPN reads them: quotes, backslashes, a leading `--`, `setenv opt`, blocks.

use crate::error::{Error, Result};

/// Options that may stand in a file: those of a client that neither run nor load nor write anything.
const ALLOWED: &str = "allow-compression allow-pull-fqdn allow-recursive-routing auth auth-nocache \
    auth-retry auth-user-pass bind block-ipv6 block-outside-dns cipher client client-nat comp-lzo \
    comp-noadapt compat-mode compress connect-retry connect-retry-max connect-timeout \
    data-ciphers data-ciphers-fallback dev dev-type dhcp-option disable-dco disable-occ dns \
    ecdh-curve explicit-exit-notify fast-io float fragment group hand-window http-proxy \
    http-proxy-option http-proxy-retry ifconfig ifconfig-ipv6 ifconfig-noexec ifconfig-nowarn \
    ignore-unknown-option inactive keepalive key-direction keysize link-mtu local lport mark \
    max-routes mlock mssfix mtu-disc mtu-test mute mute-replay-warnings ncp-ciphers ncp-disable \
    nice no-replay nobind ns-cert-type passtos peer-fingerprint persist-key persist-local-ip \
    persist-remote-ip persist-tun ping ping-exit ping-restart ping-timer-rem port prng proto \
    proto-force pull pull-filter push-peer-info rcvbuf redirect-gateway redirect-private \
    register-dns remap-usr1 remote remote-cert-eku remote-cert-ku remote-cert-tls remote-random \
    remote-random-hostname reneg-bytes reneg-pkts reneg-sec replay-window resolv-retry route \
    route-delay route-gateway route-ipv6 route-method route-metric route-noexec route-nopull \
    rport server-poll-timeout setenv-safe single-session sndbuf socket-flags socks-proxy \
    suppress-timestamps tls-cert-profile tls-cipher tls-ciphersuites tls-client tls-exit \
    tls-groups tls-timeout tls-version-max tls-version-min topology tran-window tun-mtu \
    tun-mtu-extra txqueuelen user verb verify-hash verify-x509-name x509-username-field";

/// Options that name a file whose content may stand in their place, between `<x>` and `</x>`.
const FILES: [&str; 9] = [
    "ca",
    "cert",
    "key",
    "dh",
    "extra-certs",
    "tls-auth",
    "tls-crypt",
    "tls-crypt-v2",
    "secret",
];

/// Other blocks that may stand in a file.
const BLOCKS: [&str; 3] = ["pkcs12", "crl-verify", "peer-fingerprint"];

/// Options that run a program or load a library.
const PROGRAMS: [&str; 20] = [
    "up",
    "down",
    "route-up",
    "route-pre-down",
    "ipchange",
    "tls-verify",
    "auth-user-pass-verify",
    "client-connect",
    "client-disconnect",
    "client-crresponse",
    "learn-address",
    "tls-crypt-v2-verify",
    "script-security",
    "plugin",
    "iproute",
    "engine",
    "providers",
    "pkcs11-providers",
    "up-delay",
    "up-restart",
];

/// Longest line: OpenVPN reads no longer one in one piece (256 bytes), and takes the rest for the next.
const LONGEST_LINE: usize = 250;

/// A file that may be kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its text, with the content of the files that it named in it.
    pub text: String,
    /// Its first `remote`, as `host:port`.
    pub server: Option<String>,
}

/// Reads a file; `load` gives the content of one that it names.
///
/// # Errors
/// [`crate::error::Kind::Usage`] with the line's number: an option that is not allowed, a line that
/// OpenVPN would not understand; those of `load`.
pub(super) fn read(text: &str, load: &dyn Fn(&str) -> Result<String>) -> Result<Found> {
    let mut found = Found {
        text: String::new(),
        server: None,
    };
    let mut lines = (1..).zip(text.trim_start_matches('\u{feff}').lines());
    let mut remotes = Remotes::default();
    while let Some((number, line)) = lines.next() {
        let at = |e: Error| e.context(format!("line {number}"));
        let words = split(line).map_err(at)?;
        let Some((option, arguments)) = option(&words) else {
            continue;
        };
        let tag = option.strip_prefix('<').and_then(|o| o.strip_suffix('>'));
        if let Some(tag) = tag.filter(|_| arguments.is_empty()) {
            if matches!(tag, "connection" | "/connection") {
                found.keep(option);
                continue;
            }
            if !FILES.contains(&tag) && !BLOCKS.contains(&tag) {
                return Err(at(refusal(tag)));
            }
            found.keep(&format!("<{tag}>"));
            let end = format!("</{tag}>");
            loop {
                let Some((number, line)) = lines.next() else {
                    return Err(at(Error::usage(format!("`<{tag}>` has no end"))));
                };
                let line = whole(line).map_err(|e| e.context(format!("line {number}")))?;
                let line = line.trim_matches([' ', '\t', '\r']);
                // As OpenVPN does: what follows the end on its line is nothing.
                if line.starts_with(&end) {
                    break;
                }
                found.keep(line);
            }
            found.keep(&end);
            continue;
        }
        check(option, arguments).map_err(at)?;
        remotes.see(option, arguments);
        match arguments.first() {
            Some(path) if FILES.contains(&option) => {
                let content = load(path).map_err(at)?;
                found.keep(&format!("<{option}>"));
                for line in content.lines() {
                    let line = whole(line.trim()).map_err(at)?;
                    if line.starts_with('<') {
                        let message = format!("the file of `{option}` holds more than a key");
                        return Err(at(Error::usage(message)));
                    }
                    found.keep(line);
                }
                found.keep(&format!("</{option}>"));
                if let Some(direction) = arguments.get(1).filter(|a| matches!(&a[..], "0" | "1")) {
                    found.keep(&format!("key-direction {direction}"));
                }
            }
            _ => found.keep(line.trim()),
        }
    }
    found.server = remotes.first();
    match found.text.is_empty() {
        true => Err(Error::usage("is no OpenVPN configuration")),
        false => Ok(found),
    }
}

impl Found {
    fn keep(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}

/// Where the file says that it goes.
#[derive(Default)]
struct Remotes {
    host: Option<String>,
    port: Option<String>,
    other_port: Option<String>,
}

impl Remotes {
    fn see(&mut self, option: &str, arguments: &[String]) {
        match (option, arguments) {
            ("remote", [host, rest @ ..]) if self.host.is_none() => {
                self.host = Some(host.clone());
                self.port = rest.first().cloned();
            }
            ("port" | "rport", [port]) => self.other_port = Some(port.clone()),
            _ => {}
        }
    }

    fn first(self) -> Option<String> {
        let port = self.port.or(self.other_port);
        self.host.map(|host| match (host.contains(':'), port) {
            (true, Some(port)) => format!("[{host}]:{port}"),
            (false, Some(port)) => format!("{host}:{port}"),
            (_, None) => host,
        })
    }
}

/// The option of a line and its arguments; `None` for an empty line.
fn option(words: &[String]) -> Option<(&str, &[String])> {
    let (first, rest) = words.split_first()?;
    let first = match first.strip_prefix("--") {
        Some(bare) if !bare.is_empty() => bare,
        _ => first,
    };
    match (first, rest) {
        // An option that may be unknown to OpenVPN, and is one like any other if it is not.
        ("setenv", [opt, inner @ ..]) if opt == "opt" => option(inner),
        _ => Some((first, rest)),
    }
}

fn check(option: &str, arguments: &[String]) -> Result<()> {
    let word = |at: usize| arguments.get(at).map_or("", String::as_str);
    match (option, arguments.len()) {
        ("auth-user-pass", 1..) => Err(Error::usage(
            "`auth-user-pass` names a file with a password",
        )
        .hint("take the file's name out; the profile has user and password itself")),
        // What graphical clients show; OpenVPN itself makes nothing of it.
        ("setenv", _) if matches!(word(0), "CLIENT_CERT" | "FRIENDLY_NAME") => Ok(()),
        ("http-proxy", 3..) if matches!(word(2), "auto" | "auto-nct" | "none") => Ok(()),
        ("http-proxy" | "socks-proxy", 3..) => Err(Error::usage(format!(
            "`{option}` names a file with a password"
        ))),
        _ if FILES.contains(&option) && arguments.is_empty() => {
            Err(Error::usage(format!("`{option}` names no file")))
        }
        _ if FILES.contains(&option) || ALLOWED.split_whitespace().any(|o| o == option) => Ok(()),
        _ => Err(refusal(option)),
    }
}

fn refusal(option: &str) -> Error {
    let shown: String = option.chars().take(40).collect();
    let shown = shown.escape_debug();
    match PROGRAMS.contains(&option) {
        true => Error::usage(format!(
            "`{shown}` makes OpenVPN run a program or load a library as root, which a profile may not"
        ))
        .hint("take the line out; routes and name servers are seen to"),
        false => Error::usage(format!("`{shown}` is no option that a profile may hold"))
            .hint("take the line out"),
    }
}

/// A line that OpenVPN reads in one piece, and in which it sees no blanks that we do not.
fn whole(line: &str) -> Result<&str> {
    if line.contains(|c: char| c.is_control() && c != '\t') {
        return Err(Error::usage("holds a control character"));
    }
    match line.len() > LONGEST_LINE {
        true => Err(Error::usage(format!(
            "is longer than {LONGEST_LINE} bytes, which OpenVPN does not read as one line"
        ))),
        false => Ok(line),
    }
}

/// The words of a line, as OpenVPN takes it apart.
fn split(line: &str) -> Result<Vec<String>> {
    let line = whole(line.strip_suffix('\r').unwrap_or(line))?;
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => {
                // A closing quote ends the word.
                quote = None;
                words.push(word.take().unwrap_or_default());
            }
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (_, '\\') => {
                let escaped = chars.next();
                let escaped = escaped.filter(|c| matches!(c, '\\' | '"' | ' ' | '\t'));
                word.get_or_insert_default().push(
                    escaped
                        .ok_or_else(|| Error::usage("a backslash before an ordinary character"))?,
                );
            }
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '#' | ';') if word.is_none() => break,
            (None, '"' | '\'') if word.is_none() => {
                quote = Some(c);
                word = Some(String::new());
            }
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    match quote {
        Some(_) => Err(Error::usage("a quote is not closed")),
        None => {
            words.extend(word);
            Ok(words)
        }
    }
}

/// A piece of a file that a profile keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// An option and its arguments.
    Option(String, Vec<String>),
    /// What stands between `<name>` and `</name>`.
    Block(String, String),
}

/// Takes the text of a profile's `config` apart, for whoever writes another one from it. What stands in
/// `<connection>` counts as if it stood outside.
///
/// # Errors
/// Those of [`read`]: also a text that came in on another way is looked at again.
pub fn parts(text: &str) -> Result<Vec<Part>> {
    let load = |_: &str| Err(Error::usage("names a file that was not read"));
    let text = read(text, &load)?.text;
    let mut parts = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let words = split(line)?;
        let Some((name, arguments)) = option(&words) else {
            continue;
        };
        match name.strip_prefix('<').and_then(|n| n.strip_suffix('>')) {
            Some("connection" | "/connection") => {}
            Some(tag) => {
                let end = format!("</{tag}>");
                let inside = lines.by_ref().take_while(|line| *line != end);
                let inside: Vec<&str> = inside.collect();
                parts.push(Part::Block(tag.to_owned(), inside.join("\n")));
            }
            None => parts.push(Part::Option(name.to_owned(), arguments.to_vec())),
        }
    }
    Ok(parts)
}

#[cfg(test)]
#[path = "ovpn_tests.rs"]
mod tests;
