//! The backends of macOS, whose programs are not here: stand-ins that answer as the real ones' source says.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use machineroom::inventory::{Tunnel, TunnelKind};
use machineroom::output::Output;
use machineroom::tunnel::backend::choose::named;
use machineroom::tunnel::plan::{At, State, Step};

/// Keeps the state of the service `Office VPN` in `$0.state`; `list` in the format of the file's name.
const VPNUTIL: &str = r#"#!/bin/sh
state=$(cat "$0.state" 2>/dev/null || echo Disconnected)
case "$1 $2" in
"start Office VPN") echo Connected >"$0.state" ;;
"stop Office VPN") echo Disconnected >"$0.state" ;;
"list ") case $0 in
    */json/*) printf '{\n  "VPNs" : [\n    {\n      "name" : "Home",\n      "status" : "Disconnected"\n    },\n    {\n      "name" : "Office VPN",\n      "status" : "%s"\n    }\n  ]\n}\n' "$state" ;;
    *) printf 'Home Disconnected\nOffice VPN %s\n' "$state" ;;
    esac ;;
*) echo "Could not find $2" >&2 ;;
esac
"#;

const SCUTIL: &str = r#"#!/bin/sh
state=$(cat "$0.state" 2>/dev/null || echo Disconnected)
case "$1 $2 $3" in
"--nc start Office VPN") echo Connected >"$0.state" ;;
"--nc stop Office VPN") echo Disconnected >"$0.state" ;;
"--nc status Office VPN") printf '%s\nExtended Status <dictionary> {\n  IPv4 : <dictionary> {\n    Addresses : <array> {\n      0 : 10.77.1.4\n    }\n    InterfaceName : ppp0\n  }\n  Status : 2\n}\n' "$state" ;;
"--nc status "*) echo "No service" ;;
"--nc list ") printf 'Available network connection services in the current set (*=enabled):\n* (%s)   940C2D07-8CF4-492C-A7DE-DD50C337149F PPP --> L2TP       "Office VPN"     [PPP:L2TP]\n' "$state" ;;
*) exit 1 ;;
esac
"#;

#[test]
fn services_of_macos() {
    let dir = tempfile::tempdir().unwrap();
    for (folder, program, script) in [
        ("json", "vpnutil", VPNUTIL),
        ("text", "vpnutil", VPNUTIL),
        ("own", "scutil", SCUTIL),
    ] {
        let folder = dir.path().join(folder);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(program), script).unwrap();
        fs::set_permissions(folder.join(program), fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", folder.display());
        let step = |step: &Step| {
            assert!(step.as_self && step.stdin.is_none());
            let output = Command::new("env")
                .arg(format!("PATH={path}"))
                .args(&step.argv)
                .output()
                .unwrap();
            Output {
                code: output.status.code(),
                stdout: output.stdout,
                stderr: output.stderr,
                ..Output::default()
            }
        };
        let at = At {
            folder: folder.clone(),
            label: "mr00000001".to_owned(),
            namespace: None,
            gateway: "192.0.2.1:500".parse().unwrap(),
            ranges: vec!["10.77.0.5/32".parse().unwrap()],
        };
        let backend = named(program).unwrap();
        let mut profile = Tunnel::new("office", TunnelKind::L2tpIpsec, "192.0.2.1");
        profile.set("service", "Office VPN").unwrap();
        let plan = backend.plan(&profile, &at).unwrap();
        let state = || backend.read(&profile, &at, &step(&plan.status));
        assert_eq!(state(), State::Down, "{folder:?}");
        assert!(step(&plan.up[0]).is_success());
        assert!(matches!(state(), State::Up(_)), "{folder:?}");
        let seen = step(&backend.elsewhere(&profile, &at).unwrap());
        assert!(backend.is_elsewhere(&profile, &at, &seen).is_some());
        assert!(step(&plan.down[0]).is_success());
        assert_eq!(state(), State::Down, "{folder:?}");

        let mut other = profile.clone();
        other.set("service", "Nowhere").unwrap();
        let plan = backend.plan(&other, &at).unwrap();
        step(&plan.up[0]);
        let State::Failed { reason, message } = backend.read(&other, &at, &step(&plan.status))
        else {
            panic!("{folder:?}");
        };
        assert_eq!(reason, "config");
        assert!(message.contains("Office VPN"), "{message}");
    }
}
