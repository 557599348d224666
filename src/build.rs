//! Tells cargo about the Lua that is bundled into the binary: `include_dir!` alone does not
//! notice a file that is added.

fn main() {
    println!("cargo:rerun-if-changed=scripts");
    println!("cargo:rerun-if-changed=stdlib");
    println!("cargo:rerun-if-changed=src/build.rs");
}
