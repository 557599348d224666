//! Tells cargo about the Lua that is bundled into the binary: files that are added would go
//! unnoticed. A debug build reads them where they are, and needs no building for them.

fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo:rerun-if-changed=scripts");
        println!("cargo:rerun-if-changed=stdlib");
    }
}
