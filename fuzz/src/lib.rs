// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bodies of the fuzz targets. Each compares the library with something that was written
//! without looking at its code: a second parser, `serde_json`, or a model.

pub mod abi;
pub mod documents;
mod input;
pub mod marker;
mod memory;
mod oracle;
pub mod sequence;
pub mod times;

/// The operator's seed: the fixtures' own.
const SEED: [u8; 32] = {
    let mut seed = [0; 32];
    let mut index = 0;
    while index < 32 {
        seed[index] = index as u8 + 1;
        index += 1;
    }
    seed
};

fn public_key() -> [u8; 32] {
    crtx::public_key(&SEED).expect("the seed has 32 bytes")
}
