// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the shared library is linked, and the text of the C header.

use std::env;

include!("src/abi.rs");

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/abi.rs");
    if target_is_elf() {
        // The fork handlers and the panic hook point into the library for as long as the process
        // lives, so dlclose must not unmap it.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        // cargo-c sets a SONAME of its own.
        if env::var_os("CARGO_FEATURE_CAPI").is_none() {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libcrtx.so.{CRTX_ABI_VERSION}");
        }
    }
    #[cfg(feature = "header")]
    write_header();
}

fn target_is_elf() -> bool {
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    target("FAMILY").split(',').any(|family| family == "unix") && target("VENDOR") != "apple"
}

/// Writes the header into OUT_DIR, never into the source tree: `scripts/header.sh` takes it there.
#[cfg(feature = "header")]
fn write_header() {
    /// In the order of the header.
    const SOURCES: [&str; 8] = [
        "src/abi.rs",
        "src/ffi/status.rs",
        "src/ffi/types.rs",
        "src/ffi/lock.rs",
        "src/ffi/marker.rs",
        "src/ffi/stale.rs",
        "src/ffi/documents.rs",
        "src/ffi/about.rs",
    ];
    println!("cargo::rerun-if-changed=cbindgen.toml");
    let config = cbindgen::Config::from_file("cbindgen.toml").expect("cbindgen.toml is valid");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
        builder = builder.with_src(source);
    }
    let directory = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let header = builder.generate().expect("cbindgen reads the sources");
    header.write_to_file(std::path::Path::new(&directory).join("crtx.h"));
}
