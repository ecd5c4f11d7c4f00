// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the shared library is linked, and the text of the C header.

use std::env;

include!("src/abi.rs");

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/abi.rs");
    // cargo-c names the library itself.
    let names_itself = env::var_os("CARGO_FEATURE_CAPI").is_none();
    // The fork handlers and the panic hook point into the library for as long as the process lives,
    // so dlclose must not unmap it. (dyld never unmaps a library with thread-local variables.)
    if target_is_elf() {
        link_with("-z,nodelete");
    }
    if target_is_elf() && names_itself {
        link_with(&format!("-soname,libcrtx.so.{CRTX_ABI_VERSION}"));
    }
    if target("VENDOR") == "apple" && names_itself {
        link_with(&format!("-install_name,@rpath/libcrtx.{CRTX_ABI_VERSION}.dylib"));
        link_with(&format!("-compatibility_version,{CRTX_ABI_VERSION}.0.0"));
        link_with(&format!("-current_version,{CRTX_ABI_VERSION}.0.0"));
    }
    #[cfg(feature = "header")]
    write_header();
}

fn link_with(argument: &str) {
    println!("cargo::rustc-cdylib-link-arg=-Wl,{argument}");
}

fn target(what: &str) -> String {
    env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default()
}

fn target_is_elf() -> bool {
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
