// SPDX-License-Identifier: MIT OR Apache-2.0
//! Link options of the shared library; with the feature `header`, the C header in `OUT_DIR`.

use std::env;

include!("src/abi.rs");

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/abi.rs");
    let is_elf = matches!(
        env::var("CARGO_CFG_TARGET_OS").as_deref(),
        Ok("linux" | "android" | "freebsd" | "netbsd" | "openbsd" | "dragonfly")
    );
    if is_elf {
        // Fork handlers cannot be taken back, so the library must never be unloaded.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        // cargo-c sets a SONAME of its own.
        if env::var_os("CARGO_FEATURE_CAPI").is_none() {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libcrtx.so.{CRTX_ABI_VERSION}");
        }
    }
    #[cfg(feature = "header")]
    write_header();
}

#[cfg(feature = "header")]
fn write_header() {
    println!("cargo::rerun-if-changed=cbindgen.toml");
    println!("cargo::rerun-if-changed=src/ffi");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let target = std::path::PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    let config =
        cbindgen::Config::from_file(format!("{root}/cbindgen.toml")).expect("cbindgen.toml");
    let header = cbindgen::Builder::new()
        .with_config(config)
        .with_src(format!("{root}/src/abi.rs"))
        .with_src(format!("{root}/src/ffi/status.rs"))
        .with_src(format!("{root}/src/ffi/types.rs"))
        .with_src(format!("{root}/src/ffi/lock.rs"))
        .with_src(format!("{root}/src/ffi/marker.rs"))
        .with_src(format!("{root}/src/ffi/stale.rs"))
        .with_src(format!("{root}/src/ffi/documents.rs"))
        .with_src(format!("{root}/src/ffi/about.rs"))
        .generate()
        .expect("the header can be generated");
    header.write_to_file(target.join("crtx.h"));
}
