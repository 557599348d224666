//! All integration tests in one binary: one link instead of many.

#![allow(clippy::unwrap_used)]

mod suite {
    mod binary;
    mod files;
    mod layers;
    mod sandbox;
    mod ssh_exec;
}

#[path = "support/mod.rs"]
mod support;
