//! The `mroom` program: parse, run, set the exit code; nothing else.

fn main() -> std::process::ExitCode {
    machineroom::cli::main()
}
