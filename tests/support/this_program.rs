// SPDX-License-Identifier: MIT OR Apache-2.0

/// This very program, to be started again. CRTX_TEST_RUNNER is the emulator that runs it, if one
/// does: the kernel could not.
fn this_program() -> std::process::Command {
    let program = std::env::current_exe().expect("/proc is there");
    let Some(runner) = std::env::var_os("CRTX_TEST_RUNNER") else {
        return std::process::Command::new(program);
    };
    let mut command = std::process::Command::new(runner);
    command.arg(program);
    command
}
