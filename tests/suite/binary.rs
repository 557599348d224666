//! The program file itself: it must need nothing but the C library.

use std::process::Command;

use crate::support::home::MROOM;

/// What `ldd` may name: the C library's own parts, the loader, the kernel's page, and the
/// unwinder that Rust's standard library takes from gcc.
const ALLOWED: &[&str] = &[
    "ld-linux",
    "libc.so",
    "libdl.so",
    "libgcc_s.so",
    "libm.so",
    "libpthread.so",
    "librt.so",
    "linux-gate.so",
    "linux-vdso.so",
];

#[test]
fn the_binary_needs_only_the_c_library() {
    let ldd = Command::new("ldd").arg(MROOM).output();
    let Ok(ldd) = ldd else {
        assert!(std::env::var_os("CI").is_none(), "no ldd on this machine");
        println!("skipped: no ldd on this machine");
        return;
    };
    let text = String::from_utf8_lossy(&ldd.stdout).into_owned();
    let libraries: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(|name| name.rsplit('/').next().unwrap_or(name))
        .collect();
    assert!(
        libraries.iter().any(|name| name.starts_with("libc.so")),
        "{text}"
    );
    for name in libraries {
        assert!(
            ALLOWED.iter().any(|allowed| name.starts_with(allowed)),
            "{name}:\n{text}"
        );
    }
}
