//! The steps around one tunnel's own IPsec daemon: its files, its start, what is asked of it, its end.
//! What they run is `charon.sh`, which says how it is kept apart from the system's. Pure.

use std::time::Duration;

use crate::error::Result;
use crate::inventory::Tunnel;
use crate::output::Output;
use crate::secret::Secret;
use crate::tunnel::plan::{At, Needs, State, Step};

use super::{config, parse, patience};
use crate::tunnel::backend::words;

/// How long the daemon's start may take: it loads some forty libraries.
const START: Duration = Duration::from_secs(60);

const SCRIPT: &str = include_str!("charon.sh");

/// The plugins that the daemon loads; what would touch this machine beyond the tunnel (name servers,
/// multicast, other control sockets) is not among them.
#[rustfmt::skip]
const PLUGINS: &[&str] = &[
    "aes", "aesni", "chapoly", "cmac", "constraints", "ctr", "ccm", "curve25519", "des", "drbg",
    "eap-gtc", "eap-identity", "eap-md5", "eap-mschapv2", "eap-tls", "fips-prf", "gcm", "gcrypt",
    "gmp", "hmac", "kdf", "kernel-netlink", "md4", "md5", "mgf1", "nonce", "openssl", "pem",
    "pkcs1", "pkcs7", "pkcs8", "pubkey", "random", "revocation", "sha1", "sha2", "socket-default",
    "vici", "x509", "xauth-generic", "xcbc",
];

/// Where distributions keep a plugin of strongSwan, and Debian's package that has it.
macro_rules! plugin {
    ($name:literal, $package:literal) => {
        (
            &[
                concat!("/usr/lib/ipsec/plugins/libstrongswan-", $name, ".so"),
                concat!("/usr/lib/strongswan/plugins/libstrongswan-", $name, ".so"),
                concat!("/usr/lib64/strongswan/plugins/libstrongswan-", $name, ".so"),
            ],
            $package,
        )
    };
}
pub(in super::super) use plugin;

/// What it cannot do without. Not the kernel's ESP: where that is missing, the daemon does it itself,
/// except for [`crate::inventory::TunnelKind::L2tpIpsec`].
pub(in super::super) fn needs() -> Needs {
    Needs {
        tools: vec![
            ("swanctl", "strongswan-swanctl"),
            ("charon-systemd", "charon-systemd"),
            ("ip", "iproute2"),
            ("nsenter", "util-linux"),
        ],
        root: true,
        ..Needs::default()
    }
}

/// A file in the tunnel's folder.
pub(in super::super) fn path(at: &At, name: &str) -> String {
    at.folder.join(name).display().to_string()
}

/// Runs the script.
fn script(at: &At, words: &[&str]) -> Step {
    let script = path(at, "charon");
    Step::new(["sh", &script].into_iter().chain(words.iter().copied()))
}

/// `strongswan.conf` of the daemon. `label` makes its routing table unlike others'.
pub(super) fn settings(label: &str) -> String {
    let digits: String = label.chars().filter(char::is_ascii_hexdigit).collect();
    // Below 256 are the system's tables, and 220 is that of the system's strongSwan.
    let table = u32::from_str_radix(&digits, 16).unwrap_or(1) & 0x3fff_ffff | 0x1000;
    let mut text = format!(
        "charon-systemd {{\n\
         \tport = 0\n\tport_nat_t = 0\n\
         \trouting_table = {table}\n\
         \tretransmit_timeout = 2\n\tretransmit_base = 1.5\n\tretransmit_tries = 4\n\
         \tfilelog {{\n\t\tstderr {{\n\t\t\tdefault = 1\n\t\t}}\n\t}}\n\
         \tjournal {{\n\t\tdefault = -1\n\t}}\n\
         \tload_modular = yes\n\tplugins {{\n"
    );
    for plugin in PLUGINS {
        text.push_str(&format!("\t\t{plugin} {{ load = yes }}\n"));
    }
    text.push_str("\t\tkernel-libipsec { load = no }\n\t}\n}\n");
    text
}

/// Starts the daemon with the profile's connection.
///
/// # Errors
/// [`crate::error::Kind::Usage`], see [`config::connection`].
pub(in super::super) fn up(profile: &Tunnel, at: &At) -> Result<Vec<Step>> {
    let connection = config::connection(profile, at)?;
    let mut steps = vec![
        // No authority is trusted that an earlier profile named.
        Step::new(["rm", "-rf", &path(at, "swanctl")]),
        Step::file(path(at, "charon"), Secret::new(SCRIPT)),
        Step::file(
            path(at, "strongswan.conf"),
            Secret::new(settings(&at.label)),
        ),
        Step::file(path(at, "swanctl/swanctl.conf"), connection),
    ];
    for (file, content) in config::authorities(profile) {
        let path = path(at, &format!("swanctl/x509ca/{file}"));
        steps.push(Step::file(path, Secret::new(content)));
    }
    for (field, file) in [("cert", "x509/cert.pem"), ("key", "private/key.pem")] {
        if let Some(content) = profile.field(field) {
            steps.push(Step::file(
                path(at, &format!("swanctl/{file}")),
                content.clone(),
            ));
        }
    }
    if config::trusts_system(profile) {
        steps.push(script(at, &["trust"]));
    }
    steps.push(script(at, &["start"]).patience(START));
    steps.push(script(at, &["run", "swanctl", "--load-all", "--noprompt"]));
    Ok(steps)
}

/// Opens the connection, and waits for it.
pub(in super::super) fn initiate(profile: &Tunnel, at: &At) -> Vec<Step> {
    let seconds = patience(profile);
    let initiate = |child: &str| {
        let timeout = seconds.as_secs().to_string();
        let words = [
            "run",
            "swanctl",
            "--initiate",
            "--child",
            child,
            "--timeout",
            &timeout,
        ];
        // It ends by itself, with words that tell why.
        script(at, &words).patience(seconds + Duration::from_secs(5))
    };
    let children = config::children(profile, at);
    children.iter().map(|(child, _)| initiate(child)).collect()
}

/// Asks how the connection is.
pub(in super::super) fn sas(at: &At) -> Step {
    script(
        at,
        &[
            "run",
            "swanctl",
            "--list-sas",
            "--ike",
            &at.label,
            "--pretty",
        ],
    )
}

/// Ends it, with all that it made.
pub(in super::super) fn stop(at: &At) -> Step {
    script(at, &["stop"]).may_fail()
}

/// Why a step of these did not end well.
pub(in super::super) fn failure(answer: &Output) -> Option<State> {
    parse::failure(&words::said(answer))
}
