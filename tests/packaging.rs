// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is installed beside the library tells the truth: the man page's functions are the header's and
//! its statuses the library's (ctests/install/run.sh compiles its example), and versions agree.

use crtx::Status;
use crtx::ffi::crtx_abi_version;

const MANIFEST: &str = include_str!("../Cargo.toml");
const CMAKE_VERSION: &str = include_str!("../packaging/crtx-config-version.cmake");
const PAGE: &str = include_str!("../man/crtx.3");
const HEADER: &str = include_str!("../include/crtx.h");

/// Text without any white space, so that only the words count.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The header's declarations, as `result name(parameters)`, squeezed.
fn declared() -> Vec<String> {
    let mut found = Vec::new();
    for statement in HEADER.split(';') {
        let Some(start) = statement.rfind("\n\n").or_else(|| statement.rfind("*/\n")) else {
            continue;
        };
        let declaration = statement[start..].trim_start_matches("*/").trim();
        let lines: Vec<&str> = declaration.lines().filter(|line| !line.starts_with('#')).collect();
        let text = lines.join(" ");
        let text = text.rsplit("*/").next().unwrap_or_default();
        let names_ours = text.contains(" crtx_") || text.contains(" *crtx_");
        if names_ours && text.trim_end().ends_with(')') {
            found.push(squeezed(&text.replace("struct ", "")));
        }
    }
    found
}

/// The same from the page's `.Ft` and `.Fn`.
fn described() -> Vec<String> {
    let mut result = "";
    let mut found = Vec::new();
    for line in PAGE.lines().take_while(|line| *line != ".Sh DESCRIPTION") {
        if let Some(text) = line.strip_prefix(".Ft ") {
            result = text;
        } else if let Some(text) = line.strip_prefix(".Fn ") {
            let (name, parameters) = text.split_once(' ').unwrap();
            let parameters: Vec<&str> = parameters.trim_matches('"').split("\" \"").collect();
            found.push(squeezed(&format!("{result} {name}({})", parameters.join(","))));
        }
    }
    found
}

#[test]
fn the_man_page_has_every_function_of_the_header_with_its_parameters() {
    let declared = declared();
    assert!(declared.len() >= 25, "only {} declarations were found", declared.len());
    assert_eq!(described(), declared);
}

#[test]
fn the_man_page_has_the_status_table_of_the_library() {
    let (_, rest) = PAGE.split_once(".\\\" statuses: begin\n.Bl -tag -width Ds\n").unwrap();
    let (table, _) = rest.split_once(".El\n.\\\" statuses: end").unwrap();
    let wanted: String = Status::ALL
        .iter()
        .map(|status| {
            format!(".It Dv {} Pq {}\n{}\n", status.name(), status.number(), status.message())
        })
        .collect();
    assert_eq!(table, wanted);
}

#[test]
fn the_cmake_package_has_the_version_of_the_crate() {
    let wanted = format!("set(PACKAGE_VERSION {})", env!("CARGO_PKG_VERSION"));
    assert!(CMAKE_VERSION.lines().any(|line| line == wanted), "there is no line {wanted}");
}

#[test]
fn the_shared_librarys_file_version_begins_with_the_abi_version() {
    let (_, section) = MANIFEST.split_once("[package.metadata.capi.library]\n").unwrap();
    let (_, version) = section.split_once("version = \"").unwrap();
    assert_eq!(version.split('.').next().unwrap(), crtx_abi_version().to_string());
}
