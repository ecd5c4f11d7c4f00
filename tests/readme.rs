// SPDX-License-Identifier: MIT OR Apache-2.0
//! The pages tell the truth: the README's statuses are the library's, docs/embedding.md has an answer
//! to each, and the tests that docs/protocol.md names exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crtx::Status;

const README: &str = include_str!("../README.md");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The cells of a Markdown table's row.
fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.strip_prefix("| ")?.strip_suffix(" |")?;
    Some(row.split(" | ").collect())
}

#[test]
fn the_readme_has_the_status_table_of_the_library() {
    let rows: Vec<&str> = README.lines().filter(|line| line.starts_with("| `CRTX_")).collect();
    let wanted: Vec<String> = Status::ALL
        .iter()
        .map(|status| {
            format!("| `{}` | {} | {} |", status.name(), status.number(), status.message())
        })
        .collect();
    assert_eq!(rows, wanted);
}

#[test]
fn the_embedding_guide_says_what_to_do_on_every_status() {
    let page = fs::read_to_string(root().join("docs/embedding.md")).unwrap();
    let mut found = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `CRTX_")) {
        let row = cells(line).filter(|row| row.len() == 4);
        let row = row.unwrap_or_else(|| panic!("not a row of the table: {line}"));
        let (name, state) = row[0][1..].split_once('`').unwrap();
        assert!(["go on", "retry", "stop", "ask", "fix"].contains(&row[2]), "{name}: {}", row[2]);
        assert!(!row[3].trim().is_empty(), "{name}: how?");
        let earlier = found.insert(name, row[1]);
        // What to do on a marker that is there depends on its state, so that status has two rows.
        let again = name == "CRTX_E_MARKER_EXISTS" && state.starts_with(", ");
        assert!(earlier.is_none_or(|number| again && number == row[1]), "{name} is there twice");
    }
    let numbers: Vec<String> = Status::ALL.iter().map(|it| it.number().to_string()).collect();
    let wanted: BTreeMap<&str, &str> =
        Status::ALL.iter().zip(&numbers).map(|(it, number)| (it.name(), number.as_str())).collect();
    assert_eq!(found, wanted);
}

/// Every file with this ending below a directory.
fn files_below(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path, ending));
        } else if path.extension().is_some_and(|found| found == ending) {
            files.push(path);
        }
    }
    files
}

/// The name in `prefix NAME suffix`, if the line is one.
fn name_between<'a>(line: &'a str, prefix: &str, suffix: char) -> Option<&'a str> {
    let (name, _) = line.trim_start().strip_prefix(prefix)?.split_once(suffix)?;
    Some(name)
}

/// The tests that run: functions under `#[test]`, and cases in a table of the C or C++ tests.
fn existing_tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for directory in ["src", "tests"] {
        for file in files_below(&root().join(directory), "rs") {
            let text = fs::read_to_string(file).unwrap();
            let mut is_test = false;
            for line in text.lines() {
                if let Some(name) = name_between(line, "fn ", '(').filter(|_| is_test) {
                    names.insert(name.to_owned());
                }
                is_test = line.trim() == "#[test]";
            }
        }
    }
    for (ending, prefix) in [("c", "CASE("), ("cpp", "TEST(")] {
        for file in files_below(&root().join("ctests"), ending) {
            let text = fs::read_to_string(file).unwrap();
            let cases = text.lines().filter_map(|line| name_between(line, prefix, ')'));
            names.extend(cases.map(str::to_owned));
        }
    }
    names
}

/// Holds a table whose last column names tests, in backquotes, against the tests that there are.
fn check_table_of_tests(page: &str, heading: &str, least: usize) {
    let page = fs::read_to_string(root().join(page)).unwrap();
    let columns = heading.matches('|').count() - 1;
    let rule = format!("{heading}\n|{}\n", " --- |".repeat(columns));
    let (_, rows) = page.split_once(&rule).unwrap();
    let existing = existing_tests();
    let mut count = 0;
    for line in rows.lines().take_while(|line| !line.is_empty()) {
        let row = cells(line).filter(|row| row.len() == columns);
        let row = row.unwrap_or_else(|| panic!("not a row of the table: {line}"));
        for test in row[columns - 1].split(", ") {
            let name = test.strip_prefix('`').and_then(|test| test.strip_suffix('`'));
            let name = name.unwrap_or_else(|| panic!("{}: {test} is no name of a test", row[0]));
            assert!(existing.contains(name), "{}: there is no test {name}", row[0]);
        }
        count += 1;
    }
    assert!(count >= least, "{count} rows");
}

#[test]
fn every_promise_of_the_protocol_names_tests_that_exist() {
    check_table_of_tests("docs/protocol.md", "| promise | test |", 40);
}

#[test]
fn every_threat_names_tests_that_exist() {
    check_table_of_tests("docs/security.md", "| threat | what stops it | test |", 30);
}
