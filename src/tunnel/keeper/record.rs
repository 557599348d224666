//! What is written down of a tunnel while it is there, so that another process, or the next one after a
//! crash, can use it or take it down. Pure; holds no secret.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::tunnel::held;
use crate::tunnel::plan::{At, Plan, Routing, Step};

/// The version of the format that this program writes.
const VERSION: u32 = 1;

/// What makes tunnels that are connections of one process.
const ALONE: &str = "builtin";

/// A step without what it reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    argv: Vec<String>,
    may_fail: bool,
    as_self: bool,
    /// Milliseconds.
    patience: u64,
    /// In the tunnel's namespace, when it has one.
    inside: bool,
}

impl Kept {
    /// Keeps a step of a plan, which belongs into the namespace.
    pub fn inside(step: &Step) -> Self {
        Kept {
            argv: step.argv.clone(),
            may_fail: step.may_fail,
            as_self: step.as_self,
            patience: u64::try_from(step.patience.as_millis()).unwrap_or(u64::MAX),
            inside: true,
        }
    }

    /// Keeps a step that is done outside of it.
    pub fn outside(step: &Step) -> Self {
        Kept {
            inside: false,
            ..Kept::inside(step)
        }
    }

    /// The step.
    pub fn step(&self) -> Step {
        Step {
            argv: self.argv.clone(),
            stdin: None,
            may_fail: self.may_fail,
            as_self: self.as_self,
            patience: Duration::from_millis(self.patience),
        }
    }

    /// Whether it belongs into the namespace.
    pub fn is_inside(&self) -> bool {
        self.inside
    }
}

/// The record of one tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// The profile's name.
    pub name: String,
    /// The profile's type, as it is written.
    pub kind: String,
    /// The backend's name.
    pub backend: String,
    /// [`At::label`].
    pub label: String,
    /// [`At::folder`].
    pub folder: PathBuf,
    /// [`At::namespace`].
    pub namespace: Option<String>,
    /// The wire to it from outside.
    #[serde(default)]
    pub wire: Option<IpNet>,
    /// [`At::gateway`].
    pub gateway: SocketAddr,
    /// Its server as a person wrote it, where it has no address of its own.
    #[serde(default)]
    pub place: Option<String>,
    /// [`At::ranges`].
    pub ranges: Vec<IpNet>,
    /// The interface that routes go to, when there is one.
    pub interface: Option<String>,
    /// The backend's own policies say what goes through: no route of ours.
    pub is_own: bool,
    /// What it was made of ([`super::mark`]).
    #[serde(default)]
    pub mark: Option<String>,
    /// Seconds since 1970 when it was up; zero before.
    pub since: u64,
    /// It stays when nobody holds it.
    pub keep: bool,
    /// Somebody else brought it up, and it is left up.
    pub foreign: bool,
    /// Who wrote this.
    pub pid: u32,
    /// How its state is asked for.
    pub status: Kept,
    /// How it is taken down.
    pub down: Vec<Kept>,
}

impl Record {
    /// A tunnel that is about to be brought up. `around` is done after the plan's own steps: it takes
    /// away what was made for them.
    pub fn new(
        (name, kind): (&str, &str),
        backend: &str,
        at: &At,
        plan: &Plan,
        around: &[Step],
    ) -> Self {
        let down = plan.down.iter().map(Kept::inside);
        Record {
            version: VERSION,
            name: name.to_owned(),
            kind: kind.to_owned(),
            backend: backend.to_owned(),
            label: at.label.clone(),
            folder: at.folder.clone(),
            namespace: at.namespace.clone(),
            wire: None,
            gateway: at.gateway,
            place: None,
            ranges: at.ranges.clone(),
            interface: match &plan.routing {
                Routing::Interface(name) => Some(name.clone()),
                Routing::Own | Routing::Service => None,
            },
            is_own: plan.routing == Routing::Own,
            mark: None,
            since: 0,
            keep: false,
            foreign: false,
            pid: std::process::id(),
            status: Kept::inside(&plan.status),
            down: down.chain(around.iter().map(Kept::outside)).collect(),
        }
    }

    /// One over SSH: connections to `place`, and nothing that could be taken down.
    pub fn of_connections(name: &str, place: &str) -> Self {
        Record {
            version: VERSION,
            name: name.to_owned(),
            kind: "SSH".to_owned(),
            backend: ALONE.to_owned(),
            label: String::new(),
            folder: PathBuf::new(),
            namespace: None,
            wire: None,
            gateway: SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0),
            place: Some(place.to_owned()),
            ranges: Vec::new(),
            interface: None,
            is_own: false,
            mark: None,
            since: super::now(),
            keep: false,
            foreign: false,
            pid: std::process::id(),
            status: Kept::inside(&Step::new(["true"]).as_self()),
            down: Vec::new(),
        }
    }

    /// Whether each process has its own, and no other has a part in that.
    pub fn is_alone(&self) -> bool {
        self.backend == ALONE
    }

    /// As it stands in the file.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads the file; `None` for anything that this program did not write.
    pub fn read(text: &str) -> Option<Record> {
        let record: Record = serde_json::from_str(text).ok()?;
        (record.version == VERSION).then_some(record)
    }

    /// Whether a process of `mroom` has it, rather than programs of this machine.
    pub fn is_held(&self) -> bool {
        self.backend == held::NAME
    }

    /// Where its plan was made for.
    pub fn at(&self) -> At {
        At {
            folder: self.folder.clone(),
            label: self.label.clone(),
            namespace: self.namespace.clone(),
            gateway: self.gateway,
            ranges: self.ranges.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use proptest::prelude::*;

    fn record() -> Record {
        let at = At {
            folder: "/run/mroom/mr00000001".into(),
            label: "mr00000001".into(),
            namespace: Some("mr00000001".into()),
            gateway: "198.51.100.7:1194".parse().unwrap(),
            ranges: vec!["10.0.0.0/8".parse().unwrap()],
        };
        let plan = Plan {
            up: vec![Step::file(
                "/run/mroom/mr00000001/c",
                Secret::new("hunter2000"),
            )],
            status: Step::new(["ip", "-j", "link"]).as_self(),
            down: vec![
                Step::new(["kill", "1"])
                    .stdin(Secret::new("hunter2000"))
                    .may_fail(),
            ],
            routing: Routing::Interface("mr00000001".into()),
        };
        let around = [Step::new(["ip", "netns", "del", "mr00000001"])];
        Record::new(("office", "OpenVPN"), "openvpn", &at, &plan, &around)
    }

    #[test]
    fn comes_back_and_holds_no_secret() {
        let record = record();
        let text = record.to_text();
        assert!(!text.contains("hunter"), "{text}");
        assert_eq!(Record::read(&text).as_ref(), Some(&record));
        assert_eq!(
            record.down.iter().map(Kept::is_inside).collect::<Vec<_>>(),
            [true, false]
        );
        assert!(record.down[0].step().may_fail && record.status.step().as_self);
        assert_eq!(record.at().ranges, record.ranges);
    }

    #[test]
    fn what_is_not_ours_is_no_record() {
        let text = record().to_text();
        for bad in [
            "",
            "{}",
            "[]",
            "null",
            &text.replace("\"version\": 1", "\"version\": 2"),
            &text[..200],
        ] {
            assert_eq!(Record::read(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            prop_assert_eq!(Record::read(&text), None);
        }
    }
}
