// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs the conformance cases through the crate's safe API: ctests/conformance/README.md says what
//! they are. On Linux, whose errno they have; without libtest, because the cases fork and change the
//! working directory.
//!
//! `cargo test --test conformance -- [--transcript FILE] [PART-OF-A-NAME]`

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod neutral;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod system;
#[cfg(target_os = "linux")]
mod table;
#[cfg(target_os = "linux")]
mod text;

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--hold") {
        return process::be_a_holder(&arguments[1..]);
    }
    match suite::run(&arguments) {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
mod suite {
    use std::ffi::OsString;
    use std::fs::File;
    use std::io::{BufWriter, Write};
    use std::path::{Path, PathBuf};

    use crtx::Status;

    use crate::run::run_case;
    use crate::system;
    use crate::table::{Block, Table};

    pub(crate) const NETWORK: &str = "CRTX_CONFORMANCE_NETWORK";

    #[derive(Default)]
    struct Counts {
        passed: u32,
        failed: u32,
        skipped: u32,
    }

    impl Counts {
        fn count(&mut self, name: &str, complaints: &[String]) {
            if complaints.is_empty() {
                self.passed += 1;
                return;
            }
            self.failed += 1;
            println!("{}\nFAIL {name}", complaints.join("\n"));
        }
    }

    /// libtest's options that have a value.
    const WITH_VALUE: [&str; 6] =
        ["--test-threads", "--skip", "--color", "--format", "--logfile", "-Z"];

    /// libtest's options are ignored; a word is a part of the names of the cases to run.
    fn options(arguments: &[OsString]) -> (PathBuf, String) {
        let (mut transcript, mut only) = (PathBuf::from("/dev/null"), String::new());
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let argument = argument.to_string_lossy();
            if argument == "--transcript" {
                transcript = rest.next().map_or(transcript, PathBuf::from);
            } else if WITH_VALUE.contains(&argument.as_ref()) {
                rest.next();
            } else if !argument.starts_with('-') {
                only = argument.into_owned();
            }
        }
        (transcript, only)
    }

    /// Whether all went well.
    pub(crate) fn run(arguments: &[OsString]) -> Result<bool, String> {
        let (transcript, only) = options(arguments);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let table = Table::read(&root.join("ctests/conformance/cases"))?;
        let fixtures = root.join("tests/fixtures/cortex-0.1.2");
        let transcript_error = |error| format!("{}: {error}", transcript.display());
        let mut written = BufWriter::new(File::create(&transcript).map_err(transcript_error)?);
        let mut counts = Counts::default();
        system::set_umask();
        for case in table.cases.iter().filter(|case| case.name.contains(&only)) {
            if case.unless.iter().any(|language| language == "rust") {
                continue;
            }
            if case.needs_network && std::env::var_os(NETWORK).is_none() {
                println!("skip {}: needs a network filesystem", case.name);
                counts.skipped += 1;
                continue;
            }
            counts.count(&case.name, &run_case(&table, case, &fixtures, &mut written));
        }
        written.flush().map_err(transcript_error)?;
        if only.is_empty() {
            counts.count("every_status_is_expected_by_a_case", &statuses_without_a_case(&table));
        }
        let Counts { passed, failed, skipped } = counts;
        let skips = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
        println!("{passed} passed, {failed} failed{skips}");
        // A word may have been meant for another test program.
        Ok(failed == 0 && (passed > 0 || !only.is_empty()))
    }

    fn statuses_without_a_case(table: &Table) -> Vec<String> {
        let expected = table.expected_statuses();
        let wrong = Status::ALL.iter().filter(|status| {
            expected.contains(status.name().as_bytes()) == table.exempt.contains(status.name())
        });
        let mut complaints: Vec<String> = wrong
            .map(|status| format!("{} is expected nowhere, or is exempt too", status.name()))
            .collect();
        let nowhere: Vec<&Block> =
            table.cases.iter().filter(|case| case.unless.len() > 3).collect();
        complaints.extend(nowhere.iter().map(|case| format!("{} runs nowhere", case.name)));
        complaints
    }
}
