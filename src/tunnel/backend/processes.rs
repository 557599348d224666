//! Tunnels that somebody else's program keeps up: is there a process of it that goes to our gateway, and do
//! this machine's routes to what we want go through an interface as it makes them?

use serde_json::Value;

use crate::inventory::Tunnel;
use crate::output::Output;

use super::look::interfaces;
use crate::tunnel::plan::{At, Facts, Step};

/// Words of the command lines of a program's processes, and the `remote` lines of the configurations that
/// they name; then where each address would go; then all interfaces. `$1` is the program, the rest are addresses.
const ASK: &str = r#"name=$1; shift
for p in /proc/[0-9]*; do
  [ "$(cat "$p/comm" 2>/dev/null)" = "$name" ] || continue
  tr '\0' '\n' <"$p/cmdline" | while IFS= read -r word; do
    printf 'word %s\n' "$word"
    [ "$name" = openvpn ] && case $word in
    -*) ;;
    *) (cd "$p/cwd" 2>/dev/null && [ -f "$word" ] &&
      sed -n 's/^[[:space:]]*remote[[:space:]]\{1,\}\([^[:space:]]*\).*/word \1/p' "$word") ;;
    esac
  done
done
for address; do printf 'route %s\n' "$(ip -j route get "$address" 2>/dev/null)"; done
printf 'links %s\n' "$(ip -s -d -j address show 2>/dev/null)""#;

/// Asks for the tunnels of `program` (as in `/proc/PID/comm`) and for our routes.
pub fn ask(program: &str, at: &At) -> Step {
    let addresses = at.ranges.iter().map(|range| range.addr().to_string());
    let fixed = ["sh", "-c", ASK, "sh", program].map(str::to_owned);
    Step::new(fixed.into_iter().chain(addresses))
}

/// The interface through which somebody else's tunnel to our gateway carries all that we want; it is one
/// of these kinds.
pub fn carries(profile: &Tunnel, at: &At, answer: &Output, kinds: &[&str]) -> Option<Facts> {
    let text = String::from_utf8_lossy(&answer.stdout);
    let after = |title: &'static str| {
        text.lines()
            .filter_map(move |line| line.strip_prefix(title))
    };
    let host = profile
        .endpoint(0)
        .map(|(host, _)| host)
        .unwrap_or_default();
    let address = at.gateway.ip().to_string();
    let ours = |word: &str| !host.is_empty() && word == host || word == address;
    after("word ").find(|word| ours(word))?;

    let mut through = after("route ").map(|json| -> Option<String> {
        let route: Value = serde_json::from_str(json).ok()?;
        Some(route[0]["dev"].as_str()?.to_owned())
    });
    let device = through.next()??;
    if is_ours(&device) || !through.all(|other| other.as_deref() == Some(&device)) {
        return None;
    }
    let json = after("links ").next()?;
    let links: Value = serde_json::from_str(json).ok()?;
    let link = links
        .as_array()?
        .iter()
        .find(|link| link["ifname"] == *device)?;
    let kind = link["linkinfo"]["info_kind"].as_str()?;
    kinds.iter().find(|known| **known == kind)?;
    let mut all = interfaces(json).into_iter();
    all.find(|facts| facts.interface.as_deref() == Some(&device))
}

/// Whether an interface has a name as our tunnels have. It belongs to another run, which takes it down
/// when it likes.
pub fn is_ours(interface: &str) -> bool {
    let digits = interface.strip_prefix("mr");
    digits.is_some_and(|rest| rest.len() == 8 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}
