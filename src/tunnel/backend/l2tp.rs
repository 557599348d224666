//! L2TP over IPsec: strongSwan protects the path to the gateway ([`daemon`]), a private xl2tpd opens the
//! tunnel on it, and pppd makes the interface. Nothing of the system's xl2tpd is read or touched. Pure.

use crate::error::Result;
use crate::inventory::Tunnel;
use crate::output::Output;
use crate::secret::Secret;
use crate::tunnel::plan::{At, Needs, Plan, Routing, State, Step};

use super::swanctl::daemon;
use super::{Backend, look, ppp};

/// Starts xl2tpd in the background, in a session of its own; `$1` is the tunnel's folder, `$2` the gateway. It
/// listens on one address, since the system's may have the port on all; two on the same address
/// would share it without a word, and one of them hear nothing (0x06a5 is 1701).
const START: &str = r#"address=$(ip -o route get "$2" | sed -n 's/.* src \([0-9a-f.:]*\).*/\1/p')
if awk '$2 ~ /:06A5$/ && $2 !~ /^0+:/ { found = 1 } END { exit !found }' /proc/net/udp; then
    echo 'UDP port 1701 is taken by another L2TP program' >&2
    exit 1
fi
: >"$1/log"
sed -i "s/^port = .*/&\nlisten-addr = $address/" "$1/xl2tpd.conf"
setsid xl2tpd -D -c "$1/xl2tpd.conf" -C "$1/control" -p "$1/xl2tpd.pid" </dev/null >>"$1/log" 2>&1 &
echo $! >"$1/pid"
for i in 1 2 3 4 5 6 7 8 9 10; do
    [ "$(cat "/proc/$!/comm" 2>/dev/null)" != xl2tpd ] || exit 0
    sleep 0.2
done
tail -n 3 "$1/log" >&2
exit 1"#;

/// Waits until pppd, which xl2tpd ends, has taken its interface `$1` away; ends it by force after ten seconds.
const GONE: &str = r#"i=0
while [ -e "/run/$1.pid" ] || ip link show dev "$1" >/dev/null 2>&1; do
    i=$((i + 1))
    [ "$i" -ne 40 ] || kill -9 "$(cat "/run/$1.pid")"
    [ "$i" -lt 50 ] || exit 1
    sleep 0.25
done"#;

/// L2TP over IPsec.
pub struct L2tp;

impl Backend for L2tp {
    fn name(&self) -> &'static str {
        "l2tp"
    }

    fn needs(&self, _profile: &Tunnel) -> Needs {
        let mut needs = daemon::needs();
        needs.tools.extend([("xl2tpd", "xl2tpd"), ("pppd", "ppp")]);
        needs.modules = vec!["ppp_generic", "l2tp_ppp", "esp4"];
        needs
    }

    fn plan(&self, profile: &Tunnel, at: &At) -> Result<Plan> {
        let mut up = daemon::up(profile, at)?;
        up.extend(daemon::initiate(profile, at));
        // When it ends, xl2tpd has told the other side, and nobody is left to answer pppd's farewell.
        let options = ppp::options(profile, at, &["noccp", "lcp-max-terminate 0"])?;
        let folder = at.folder.display().to_string();
        up.extend([
            look::end(at, "xl2tpd"),
            Step::file(daemon::path(at, "options"), options),
            Step::file(daemon::path(at, "xl2tpd.conf"), Secret::new(config(at))),
            Step::new([
                "sh",
                "-c",
                START,
                "sh",
                &folder,
                &at.gateway.ip().to_string(),
            ]),
        ]);
        Ok(Plan {
            up,
            status: look::look(at, "xl2tpd"),
            down: vec![
                look::end(at, "xl2tpd"),
                Step::new(["sh", "-c", GONE, "sh", &at.label]).may_fail(),
                daemon::stop(at),
            ],
            routing: Routing::Interface(at.label.clone()),
        })
    }

    fn read(&self, _profile: &Tunnel, _at: &At, answer: &Output) -> State {
        let look = look::Look::read(answer);
        if let (true, Some(facts)) = (look.running, look.facts) {
            return State::Up(facts);
        }
        match failure(&look.log) {
            Some(failed) => failed,
            None if look.running => State::Coming,
            None => State::Down,
        }
    }

    fn failure(&self, _profile: &Tunnel, _at: &At, answer: &Output) -> Option<State> {
        let text = String::from_utf8_lossy(&answer.stderr);
        failure(&text).or_else(|| daemon::failure(answer))
    }
}

/// What xl2tpd and pppd say when it does not come up.
fn failure(log: &str) -> Option<State> {
    let failed = |reason, message: &str| Some(State::failed(reason, message));
    match log {
        _ if log.contains("UDP port 1701 is taken") => failed(
            "conflict",
            "another L2TP program of this machine has the UDP port 1701 (see `isolate`)",
        ),
        _ if log.contains("Maximum retries exceeded") => failed(
            "gateway",
            "its server protects the path, but does not answer to L2TP",
        ),
        _ => ppp::failure(log).or_else(|| match log {
            // The first time; one that was up and is lost may come again.
            _ if log.contains("pppd exited for call") && !log.contains("local  IP address") => {
                failed("config", "pppd ended before the tunnel was up")
            }
            _ => None,
        }),
    }
}

/// The file of xl2tpd: nothing in it comes from the profile.
fn config(at: &At) -> String {
    let (label, gateway) = (&at.label, at.gateway.ip());
    let options = daemon::path(at, "options");
    format!(
        "[global]\nport = 1701\naccess control = no\n\n\
         [lac {label}]\nlns = {gateway}\nautodial = yes\nredial = no\nlength bit = yes\n\
         pppoptfile = {options}\n"
    )
}

#[cfg(test)]
mod tests;
