//! A machine that is not there, for tests of what runs on one: it knows a program `fake` that makes
//! tunnels, and of `ip` what is asked here.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use super::backend::Backend;
use super::keeper::{Backends, Choice, Tools};
use super::plan::{At, Facts, Needs, Plan, Routing, State, Step};
use super::runner::Runner;
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::events::{Events, Level};
use crate::inventory::{Tunnel, TunnelKind};
use crate::output::Output;

/// What the machine is like at the moment.
#[derive(Default)]
pub struct World {
    /// The tunnels that are up, by label.
    pub up: BTreeSet<String>,
    /// Routes: a range and its interface.
    pub routes: BTreeMap<String, String>,
    /// All that was run, one line each.
    pub ran: Vec<String>,
    /// What `fake up` does: nothing for well, else how it ends and what it says.
    pub fails: Option<(i32, String)>,
    /// What `fake status` says of one that is up, instead of `up`.
    pub says: Option<String>,
    /// `fake up` takes so long.
    pub slow: Duration,
    /// The interface of a tunnel that somebody else has brought up.
    pub foreign: Option<String>,
    /// Root is not to be had.
    pub no_root: bool,
}

/// The machine.
#[derive(Clone, Default)]
pub struct Fake(Arc<Mutex<World>>);

impl Fake {
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// How often something was run.
    pub fn count(&self, begin: &str) -> usize {
        self.world()
            .ran
            .iter()
            .filter(|line| line.starts_with(begin))
            .count()
    }
}

fn ended(code: i32, stdout: &str, stderr: &str) -> Result<Output> {
    Ok(Output {
        code: Some(code),
        stdout: stdout.into(),
        stderr: stderr.into(),
        ..Output::default()
    })
}

impl Runner for Fake {
    fn ready(&self, name: &str, _steps: &[String]) -> Result<()> {
        match self.world().no_root {
            true => Err(super::fault(name, "rights", "needs root")),
            false => Ok(()),
        }
    }

    fn run(
        &self,
        step: &Step,
        _namespace: Option<&str>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Output> {
        let words: Vec<&str> = step.argv.iter().map(String::as_str).collect();
        let slow = {
            let mut world = self.world();
            world.ran.push(words.join(" "));
            world.slow
        };
        let stdin = step
            .stdin
            .as_ref()
            .map(|s| s.reveal().to_owned())
            .unwrap_or_default();
        match words[..] {
            ["fake", "up", label] => {
                let begun = Instant::now();
                while begun.elapsed() < slow {
                    if stop() {
                        return Err(Error::new(Kind::Cancelled, "given up"));
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
                let mut world = self.world();
                if let Some((code, text)) = world.fails.clone() {
                    return ended(code, "", &text);
                }
                world.up.insert(label.to_owned());
                ended(0, "", "")
            }
            ["fake", "status", label] => {
                let world = self.world();
                let says = world.says.clone().unwrap_or_else(|| "up".to_owned());
                let said = if world.up.contains(label) {
                    says
                } else {
                    "down".to_owned()
                };
                ended(0, &said, "")
            }
            ["fake", "down", label] => {
                let mut world = self.world();
                world.routes.retain(|_, interface| interface != label);
                world.up.remove(label);
                ended(0, "", "")
            }
            ["fake", "elsewhere"] => {
                ended(0, self.world().foreign.as_deref().unwrap_or_default(), "")
            }
            ["ip", "-force", "-batch", "-"] => {
                let mut world = self.world();
                for line in stdin.lines() {
                    if let ["route", "add", range, "dev", interface] =
                        line.split(' ').collect::<Vec<_>>()[..]
                    {
                        world
                            .routes
                            .entry(range.to_owned())
                            .or_insert_with(|| interface.to_owned());
                    }
                }
                ended(0, "", "")
            }
            ["ip", "route", "del", range, "dev", _] => {
                self.world().routes.remove(range);
                ended(0, "", "")
            }
            ["ip", "-json", "-force", "-batch", "-"] => {
                let world = self.world();
                let answers = stdin.lines().map(|line| {
                    let end = line.trim_start_matches("route get ");
                    let ip: std::net::IpAddr = end.parse().unwrap();
                    let leads = |range: &&String| {
                        let range: ipnet::IpNet = range.parse().unwrap();
                        range.contains(&ip)
                    };
                    let found = world
                        .routes
                        .keys()
                        .find(leads)
                        .map(|r| world.routes[r].as_str());
                    format!(
                        "[{{\"dst\":\"{end}\",\"dev\":\"{}\"}}]\n",
                        found.unwrap_or("eth0")
                    )
                });
                ended(0, &answers.collect::<String>(), "")
            }
            ["install" | "sh", ..] => ended(0, "", ""),
            _ => ended(127, "", "not found"),
        }
    }

    fn fetch(&self, _: &Step, _: &str, _: &dyn Fn() -> bool) -> Result<(Output, Option<OwnedFd>)> {
        Err(Error::local("no sockets here"))
    }
}

/// Tunnels by the program `fake`.
struct FakeBackend;

impl Backend for FakeBackend {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn needs(&self, _: &Tunnel) -> Needs {
        Needs {
            root: true,
            ..Needs::default()
        }
    }

    fn plan(&self, _: &Tunnel, at: &At) -> Result<Plan> {
        Ok(Plan {
            up: vec![Step::new(["fake", "up", &at.label])],
            status: Step::new(["fake", "status", &at.label]),
            down: vec![Step::new(["fake", "down", &at.label]).may_fail()],
            routing: Routing::Interface(at.label.clone()),
        })
    }

    fn read(&self, _: &Tunnel, at: &At, answer: &Output) -> State {
        match &answer.stdout_trimmed()[..] {
            "up" => State::Up(Facts {
                interface: Some(at.label.clone()),
                ..Facts::default()
            }),
            "coming" => State::Coming,
            "refused" => State::Failed {
                reason: "auth",
                message: "the gateway refused the password".to_owned(),
            },
            _ => State::Down,
        }
    }

    fn failure(&self, _: &Tunnel, _: &At, answer: &Output) -> Option<State> {
        let said = String::from_utf8_lossy(&answer.stderr);
        said.contains("no proposal").then(|| State::Failed {
            reason: "proposal",
            message: "the gateway takes none of the proposals".to_owned(),
        })
    }

    fn elsewhere(&self, _: &Tunnel, _: &At) -> Option<Step> {
        Some(Step::new(["fake", "elsewhere"]))
    }

    fn is_elsewhere(&self, _: &Tunnel, _: &At, answer: &Output) -> Option<Facts> {
        let interface = answer.stdout_trimmed();
        (!interface.is_empty()).then(|| Facts {
            interface: Some(interface),
            ..Facts::default()
        })
    }
}

struct Table;

impl Backends for Table {
    fn choose(&self, _: &Tunnel) -> Result<Choice> {
        Ok(Choice::Plan(Arc::new(FakeBackend)))
    }

    fn named(&self, name: &str) -> Option<Arc<dyn Backend>> {
        (name == "fake").then(|| Arc::new(FakeBackend) as Arc<dyn Backend>)
    }
}

/// Backends that are all `fake`.
pub fn backends() -> Arc<dyn Backends> {
    Arc::new(Table)
}

/// Remembers what was told.
#[derive(Default)]
pub struct Told(pub Mutex<Vec<String>>);

impl Events for Told {
    fn note(&self, level: Level, _server: Option<&str>, message: &str) {
        self.0.lock().unwrap().push(format!("{level:?} {message}"));
    }
}

impl Told {
    pub fn has(&self, text: &str) -> bool {
        self.0
            .lock()
            .unwrap()
            .iter()
            .any(|line| line.contains(text))
    }
}

/// The tools of one process on that machine.
pub fn tools(folder: &Path, fake: &Fake, told: &Arc<Told>) -> Tools {
    Tools {
        folder: folder.to_owned(),
        runner: Arc::new(fake.clone()),
        backends: backends(),
        events: told.clone(),
        cancel: Cancel::new(),
        program: PathBuf::from("mroom"),
        serial: false,
        look: Duration::from_millis(20),
        wall: SystemTime::now,
    }
}

/// A profile whose server is nobody's address (RFC 5737).
pub fn profile(name: &str) -> Tunnel {
    let mut profile = Tunnel::new(name, TunnelKind::OpenVpn, "198.51.100.7");
    profile.set("timeout", "2").unwrap();
    profile
}
