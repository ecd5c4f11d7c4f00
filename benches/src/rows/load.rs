// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loading the library in a fresh process, beside one that has nothing in it.

use std::path::PathBuf;
use std::process::Command;

use crate::row::{LIBCRTX, Rows, Sample, Target};
use crate::{Programs, Result};

const EMPTY: &str = "empty library";

pub fn add(rows: &mut Rows, programs: &Programs) {
    let mut operation = rows.operation("library load", "memory").against("library load", EMPTY);
    let load = |library: &PathBuf| {
        let (loader, library) = (programs.loader.clone(), library.clone());
        move || -> Result<Sample> {
            let output = Command::new(&loader).arg(&library).output()?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
            }
            Ok(Sample::of(vec![String::from_utf8(output.stdout)?.trim().parse()?]))
        }
    };
    operation.add(LIBCRTX, Some(Target::Above(2e6)), load(&programs.library));
    operation.add(EMPTY, None, load(&programs.empty_library));
}
