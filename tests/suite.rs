//! All integration tests in one binary: one link instead of many.

#![allow(clippy::unwrap_used)]

mod suite {
    mod add;
    mod bad_database;
    mod bad_hosts;
    mod bad_keys;
    mod bad_list;
    mod bad_lua;
    mod bad_output;
    mod bad_signals;
    mod binary;
    mod certs;
    mod certs_login;
    mod cli;
    mod cli_cp;
    mod cli_exec;
    mod cli_secrets;
    mod cli_terminal;
    mod connect;
    mod connect_ends;
    mod doc;
    mod doctor;
    mod edit;
    mod errors;
    mod facts;
    mod files;
    mod golden;
    mod help;
    mod import_ansible;
    mod import_ansible_oracle;
    mod import_formats;
    mod import_ssh_oracle;
    mod import_tables;
    mod inventory;
    mod inventory_export;
    mod inventory_original;
    mod inventory_secrets;
    mod jump;
    mod layers;
    mod log;
    mod log_writing;
    mod looks;
    mod ls;
    mod lua_check;
    mod lua_commands;
    mod lua_limits;
    mod lua_specs;
    mod lua_test;
    mod many;
    mod new_user;
    mod ops_data;
    mod ops_files;
    mod ops_system;
    mod original;
    mod public_key;
    mod readme;
    mod recipes;
    mod repl;
    mod repl_completion;
    mod repl_keys;
    mod repl_lines;
    mod retire_home;
    mod sandbox;
    mod shell;
    mod shows;
    mod ssh_auth;
    mod ssh_dial;
    mod ssh_exec;
    mod ssh_files;
    mod ssh_hostile;
    mod ssh_hostkey;
    mod ssh_kept;
    mod ssh_silence;
    mod stage_cert;
    mod stage_env;
    mod status;
    mod sudo;
    mod sudo_doas;
    mod sudo_files;
    mod watch_profile;
    mod workflows;
}

#[path = "support/mod.rs"]
mod support;
