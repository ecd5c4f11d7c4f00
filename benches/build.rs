// SPDX-License-Identifier: MIT OR Apache-2.0
//! Links what mk/bench.mk has built: the release library, the floors and peers in C, the engines.

use std::env;
use std::process::Command;

fn main() {
    for (variable, kind) in [("CRTX_LIBDIR", "crtx"), ("CRTX_BENCH_CDIR", "the C parts")] {
        println!("cargo:rerun-if-env-changed={variable}");
        // Without them the sources can be checked, as `make lint` does, and not linked.
        let Ok(directory) = env::var(variable) else {
            println!("cargo:warning={variable} is not set: {kind} will not be found by the linker");
            continue;
        };
        println!("cargo:rustc-link-search=native={directory}");
        println!("cargo:rerun-if-changed={directory}");
        println!("cargo:rustc-link-arg=-Wl,-rpath,{directory}");
    }
    println!("cargo:rustc-link-lib=static=crtxbench");
    for library in ["crtx", "rocksdb", "stdc++", "lmdb", "sqlite3"] {
        println!("cargo:rustc-link-lib=dylib={library}");
    }
    println!("cargo:rustc-check-cfg=cfg(std_file_lock)");
    if rust_version() >= 89 {
        println!("cargo:rustc-cfg=std_file_lock");
    }
}

/// The minor version of rustc; `File::try_lock` came with 1.89.
fn rust_version() -> u32 {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("rustc --version");
    let text = String::from_utf8_lossy(&output.stdout);
    text.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or(0)
}
