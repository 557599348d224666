//! What a program that keeps an interface of ours looks like from outside: its pid file, the interface,
//! its log. Shared by the backends that start such a program; pure, as they are.

use std::net::IpAddr;

use serde_json::Value;

use crate::output::Output;

use crate::tunnel::plan::{At, Facts, Step};

/// Says in three parts: `running` or `gone`, the interface as one line of JSON, the end of the log.
/// `$1` is the tunnel's folder, `$2` its interface, `$3` the program: another one may have got the number.
const LOOK: &str = r#"pid=$(cat "$1/pid" 2>/dev/null)
if [ "$(cat "/proc/${pid:-0}/comm" 2>/dev/null)" = "$3" ]; then echo running; else echo gone; fi
echo "$(ip -s -j address show dev "$2" 2>/dev/null)"
tail -c 20000 "$1/log" 2>/dev/null || true"#;

/// Ends the process of the pid file and waits until it is gone, by force after five seconds.
/// `$1` is the tunnel's folder, `$2` the program.
const END: &str = r#"pid=$(cat "$1/pid" 2>/dev/null) || exit 0
is() { [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ]; }
is "$2" || exit 0
kill "$pid" 2>/dev/null
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do is "$2" || exit 0; sleep 0.25; done
kill -9 "$pid" 2>/dev/null; exit 0"#;

/// Looks at a tunnel whose `program` writes `pid` and `log` into its folder and whose interface has the
/// tunnel's label. `program` is a process's name in `/proc/PID/comm`.
pub fn look(at: &At, program: &str) -> Step {
    let folder = at.folder.display().to_string();
    Step::new(["sh", "-c", LOOK, "sh", &folder, &at.label, program])
}

/// Ends that program.
pub fn end(at: &At, program: &str) -> Step {
    let folder = at.folder.display().to_string();
    Step::new(["sh", "-c", END, "sh", &folder, program]).may_fail()
}

/// What [`look`] saw.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Look {
    /// The process of the pid file lives.
    pub running: bool,
    /// The interface, when it is up and has an address.
    pub facts: Option<Facts>,
    /// The end of the log, as it is: the other side may have written into it.
    pub log: String,
}

impl Look {
    /// Reads the answer.
    pub fn read(answer: &Output) -> Look {
        let text = String::from_utf8_lossy(&answer.stdout);
        let mut parts = text.splitn(3, '\n');
        let running = parts.next() == Some("running");
        let facts = parts.next().and_then(|json| interfaces(json).pop());
        Look {
            running,
            facts: facts.filter(|facts| facts.address.is_some()),
            log: parts.next().unwrap_or("").to_owned(),
        }
    }
}

/// The interfaces that are up, as `ip -s -j address show` tells of them.
pub fn interfaces(json: &str) -> Vec<Facts> {
    let Ok(Value::Array(all)) = serde_json::from_str(json.trim()) else {
        return Vec::new();
    };
    all.iter().filter_map(facts).collect()
}

fn facts(interface: &Value) -> Option<Facts> {
    let name = interface["ifname"].as_str()?;
    let flags = interface["flags"].as_array()?;
    flags.iter().find(|flag| *flag == "UP")?;
    let addresses = interface["addr_info"].as_array();
    let address = |family: &str, scope: &str| -> Option<IpAddr> {
        let of = |a: &&Value| a["family"] == family && a["scope"] == scope;
        let found = addresses?.iter().find(of)?;
        found["local"].as_str()?.parse().ok()
    };
    let counted = |way: &str| {
        // The older name of the counters is that of iproute2 before 5.0.
        let counters = [&interface["stats64"], &interface["stats"]];
        counters.iter().find_map(|c| c[way]["bytes"].as_u64())
    };
    Some(Facts {
        address: address("inet", "global").or_else(|| address("inet6", "global")),
        interface: Some(name.to_owned()),
        received: counted("rx"),
        sent: counted("tx"),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::answer;
    use super::*;

    const UP: &str = r#"[{"ifindex":5,"ifname":"mr00000001","flags":["POINTOPOINT","MULTICAST","NOARP","UP","LOWER_UP"],"mtu":1500,"operstate":"UNKNOWN","addr_info":[{"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link"},{"family":"inet","local":"10.8.0.6","prefixlen":24,"scope":"global"}],"stats64":{"rx":{"bytes":4242,"packets":3},"tx":{"bytes":96,"packets":2}}}]"#;

    #[test]
    fn a_running_one() {
        let look = Look::read(&answer(&format!("running\n{UP}\nline 1\nline 2\n")));
        assert!(look.running);
        let facts = look.facts.unwrap();
        assert_eq!(facts.address, Some("10.8.0.6".parse().unwrap()));
        assert_eq!(facts.interface.as_deref(), Some("mr00000001"));
        assert_eq!((facts.received, facts.sent), (Some(4242), Some(96)));
        assert_eq!(look.log, "line 1\nline 2\n");
    }

    #[test]
    fn others() {
        assert_eq!(Look::read(&answer("gone\n\n")), Look::default());
        assert_eq!(Look::read(&answer("")), Look::default());
        let down = UP.replace("\"UP\",", "");
        assert_eq!(
            Look::read(&answer(&format!("running\n{down}\n"))).facts,
            None
        );
        let bare = UP.replace("\"global\"", "\"link\"");
        assert_eq!(
            Look::read(&answer(&format!("running\n{bare}\n"))).facts,
            None
        );
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in any::<String>(), json in "[\\[\\]{}\":,a-z0-9]{0,60}") {
            let _ = Look::read(&answer(&text));
            let _ = interfaces(&json);
        }
    }
}
