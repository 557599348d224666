//! What the tests of the backends share: a profile, a place, plans as text beside golden files.

use std::path::Path;

use super::{Machine, Plan};
use crate::inventory::{Tunnel, TunnelKind};
use crate::output::Output;
use crate::secret::Secret;
use crate::tunnel::plan::{At, Step};

/// A profile `office` of somebody, with these fields.
pub fn profile(kind: TunnelKind, fields: &[(&str, &str)]) -> Tunnel {
    let mut tunnel = Tunnel::new("office", kind, "vpn.example.com");
    tunnel.user = "anna".to_owned();
    tunnel.password = Secret::new("s3cret");
    for (key, value) in fields {
        tunnel.set(key, value).unwrap();
    }
    tunnel
}

/// A place for it.
pub fn at(port: u16) -> At {
    At {
        folder: "/run/mroom/mr00000001".into(),
        label: "mr00000001".to_owned(),
        namespace: None,
        gateway: format!("203.0.113.9:{port}").parse().unwrap(),
        ranges: vec!["10.77.0.5/32".parse().unwrap()],
    }
}

/// A command's answer on standard output.
pub fn answer(stdout: &str) -> Output {
    Output {
        code: Some(0),
        stdout: stdout.as_bytes().to_vec(),
        ..Output::default()
    }
}

/// A step that ended badly and said this on standard error.
pub fn failed(stderr: &str) -> Output {
    Output {
        code: Some(1),
        stderr: stderr.as_bytes().to_vec(),
        ..Output::default()
    }
}

/// The plan as a person would read it: commands with what they are given to read.
pub fn shown(plan: &Plan) -> String {
    let mut text = String::new();
    let part = |text: &mut String, title: &str, steps: &[Step]| {
        *text += &format!("=== {title}\n");
        for step in steps {
            let command = crate::quote::words(&step.argv).unwrap();
            let may_fail = if step.may_fail { "?" } else { "" };
            *text += &format!("${may_fail} {command}\n");
            for line in step.stdin.iter().flat_map(|input| input.reveal().lines()) {
                *text += &format!("    {line}\n");
            }
        }
    };
    part(&mut text, "up", &plan.up);
    part(&mut text, "status", std::slice::from_ref(&plan.status));
    part(&mut text, "down", &plan.down);
    text + &format!("=== routing\n{:?}\n", plan.routing)
}

/// Holds a text to the file of this name below `tests/golden/tunnels`; `BLESS=1` writes it.
pub fn golden(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tunnels");
    let path = folder.join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, kept, "{name} differs; BLESS=1 writes it anew");
}

/// No secret of a profile is in a command, and nothing that is asked or undone later has one to read.
pub fn keeps_secrets(plan: &Plan, secrets: &[&str]) {
    let later = plan.down.iter().chain([&plan.status]);
    assert!(later.clone().all(|step| step.stdin.is_none()));
    for step in plan.up.iter().chain(later) {
        for word in &step.argv {
            assert!(
                !secrets.iter().any(|secret| word.contains(secret)),
                "{word}"
            );
        }
    }
}

/// A machine made of lists.
#[derive(Default)]
pub struct Made {
    pub os: &'static str,
    pub programs: Vec<&'static str>,
    pub modules: Vec<&'static str>,
    pub files: Vec<&'static str>,
    pub root: bool,
}

impl Machine for Made {
    fn os(&self) -> &str {
        self.os
    }
    fn program(&self, name: &str) -> Option<std::path::PathBuf> {
        let there = self.programs.contains(&name);
        there.then(|| Path::new("/usr/bin").join(name))
    }
    fn module(&self, name: &str) -> bool {
        self.modules.contains(&name)
    }
    fn file(&self, path: &str) -> bool {
        self.files.contains(&path)
    }
    fn is_root(&self) -> bool {
        self.root
    }
    fn may_root(&self) -> bool {
        self.root
    }
}
