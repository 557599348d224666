use super::super::testing::{Made, profile};
use super::*;

fn linux() -> Made {
    Made {
        os: "linux",
        ..Made::default()
    }
}

fn name(choice: &Choice) -> &'static str {
    match choice {
        Choice::Plan(backend) => backend.name(),
        Choice::Userspace => "userspace",
        Choice::Builtin => "builtin",
    }
}

#[test]
fn the_first_that_can() {
    let machine = Made {
        programs: vec!["openvpn", "ip"],
        files: vec!["/dev/net/tun"],
        root: true,
        ..linux()
    };
    let of = profile(TunnelKind::OpenVpn, &[]);
    assert_eq!(name(&choose(&of, &machine).unwrap()), "openvpn");
    let of = profile(TunnelKind::Ssh, &[]);
    assert_eq!(name(&choose(&of, &linux()).unwrap()), "builtin");
    let of = profile(TunnelKind::WireGuard, &[]);
    assert_eq!(name(&choose(&of, &linux()).unwrap()), "userspace");
}

#[test]
fn what_is_missing_is_told_with_its_package() {
    let of = profile(TunnelKind::OpenVpn, &[]);
    let error = choose(&of, &linux()).err().unwrap();
    assert_eq!(error.kind(), Kind::Tunnel);
    assert_eq!(error.reason_word(), Some("missing"));
    assert_eq!(
        error.message(),
        "the tunnel `office` cannot be made here: openvpn lacks openvpn, ip, \
         /dev/net/tun, root, or sudo"
    );
    assert_eq!(
        error.hint_text(),
        Some("sudo apt-get install -y iproute2 openvpn")
    );

    let machine = Made {
        programs: vec!["openvpn", "ip"],
        files: vec!["/dev/net/tun"],
        ..linux()
    };
    let error = choose(&of, &machine).err().unwrap();
    assert_eq!(error.reason_word(), Some("rights"));
    assert!(error.hint_text().unwrap().contains("sudo"));
    // A sudo that wants a password is better than nothing, and worse than what needs none.
    let machine = Made {
        programs: vec!["openvpn", "ip", "wg", "sudo"],
        modules: vec!["wireguard"],
        files: vec!["/dev/net/tun"],
        ..linux()
    };
    assert_eq!(name(&choose(&of, &machine).unwrap()), "openvpn");
    let of = profile(TunnelKind::WireGuard, &[]);
    assert_eq!(name(&choose(&of, &machine).unwrap()), "userspace");
}

#[test]
fn a_namespace_has_needs_of_its_own() {
    let machine = Made {
        programs: vec!["openvpn", "ip"],
        files: vec!["/dev/net/tun"],
        root: true,
        ..linux()
    };
    let of = profile(TunnelKind::OpenVpn, &[("isolate", "true")]);
    let error = choose(&of, &machine).err().unwrap();
    assert!(error.message().ends_with("openvpn lacks nft"), "{error}");
    assert_eq!(error.hint_text(), Some("sudo apt-get install -y nftables"));
}

#[test]
fn what_is_asked_for_is_taken_or_refused() {
    for (kind, backend) in [
        (TunnelKind::OpenVpn, "swanctl"),
        (TunnelKind::Ikev2, "scutil"),
        (TunnelKind::Ssh, "userspace"),
    ] {
        let of = profile(kind, &[("backend", backend)]);
        let error = choose(&of, &linux()).err().unwrap();
        assert_eq!(error.kind(), Kind::Usage, "{backend}");
        assert!(error.message().contains(backend), "{error}");
        assert!(error.hint_text().unwrap().contains("backend=auto"));
    }
    for kind in [TunnelKind::Sstp, TunnelKind::Dae, TunnelKind::IpVanish] {
        let error = choose(&Tunnel::new("old", kind, "h"), &linux())
            .err()
            .unwrap();
        assert_eq!(error.kind(), Kind::Usage);
    }
}

#[test]
fn what_no_package_has() {
    let machine = Made {
        programs: vec!["wg", "ip"],
        root: true,
        ..linux()
    };
    let error = choose(
        &profile(TunnelKind::WireGuard, &[("backend", "wg")]),
        &machine,
    )
    .err()
    .unwrap();
    assert!(
        error
            .message()
            .ends_with("wg lacks the kernel module wireguard"),
        "{error}"
    );
    assert_eq!(
        error.hint_text(),
        Some("mroom tunnel set office backend=auto")
    );
}

#[test]
fn a_mac_has_its_own() {
    let machine = |programs: &[&'static str]| Made {
        os: "macos",
        programs: programs.to_vec(),
        ..Made::default()
    };
    let of = profile(TunnelKind::Ikev2, &[]);
    let both = machine(&["vpnutil", "scutil"]);
    assert_eq!(name(&choose(&of, &both).unwrap()), "vpnutil");
    let bare = machine(&["scutil"]);
    assert_eq!(name(&choose(&of, &bare).unwrap()), "scutil");
    let error = choose(
        &profile(TunnelKind::Ikev2, &[("backend", "vpnutil")]),
        &bare,
    )
    .err()
    .unwrap();
    assert_eq!(
        error.hint_text(),
        Some("brew install timac/vpnstatus/vpnutil")
    );
    // WireGuard needs none of it, unless a service is named.
    assert_eq!(
        name(&choose(&profile(TunnelKind::WireGuard, &[]), &both).unwrap()),
        "userspace"
    );
    let of = profile(TunnelKind::WireGuard, &[("service", "Home")]);
    assert_eq!(name(&choose(&of, &both).unwrap()), "vpnutil");
}

#[test]
fn a_named_connection_goes_first() {
    let machine = Made {
        programs: vec!["nmcli"],
        files: vec!["/run/NetworkManager"],
        ..linux()
    };
    let of = profile(TunnelKind::OpenVpn, &[("service", "Office")]);
    assert_eq!(name(&choose(&of, &machine).unwrap()), "networkmanager");
    let of = profile(TunnelKind::OpenVpn, &[("backend", "networkmanager")]);
    assert_eq!(name(&choose(&of, &machine).unwrap()), "networkmanager");
    let error = choose(&profile(TunnelKind::OpenVpn, &[]), &machine)
        .err()
        .unwrap();
    assert!(!error.message().contains("networkmanager"), "{error}");
}

/// Every backend that an order names is there and calls itself so.
#[test]
fn names_are_names() {
    for kind in TunnelKind::usable() {
        for os in ["linux", "macos"] {
            for wanted in order(kind, os) {
                let found = choice(wanted).unwrap_or_else(|| panic!("no backend {wanted}"));
                assert_eq!(name(&found), *wanted);
            }
        }
    }
}
