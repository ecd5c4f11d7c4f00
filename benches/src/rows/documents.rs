// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verification of a signed document, and of its bare signature by the same Ed25519 implementation.

use std::hint::black_box;

use ed25519_dalek::{Signature, VerifyingKey};

use crate::Result;
use crate::crtx::{self, Key};
use crate::row::{LIBCRTX, Rows, Target, times};

const COUNT: usize = 10;
/// More than a library would remember, if it remembered keys.
const KEYS: u8 = 32;
const OPERATION: &str = "document verification";
const STRICT: &str = "ed25519-dalek verify_strict";

pub fn add(rows: &mut Rows) -> Result<()> {
    let document = Key::of(0)?.intend()?;
    let of_many = (1..=KEYS).map(|seed| Key::of(seed)?.intend()).collect::<Result<Vec<_>>>()?;
    crtx::verify(&document)?;
    let (payload, signature) = (document.payload.clone(), document.signature);
    let public = document.public_key;
    let mut operation = rows.operation(OPERATION, "memory").against(OPERATION, STRICT);
    operation
        .add(LIBCRTX, Some(Target::Ratio(1.2)), move || times(COUNT, || crtx::verify(&document)));
    let mut next = 0;
    operation.add("libcrtx, another key each time", Some(Target::Ratio(1.2)), move || {
        times(COUNT, || {
            next = (next + 1) % of_many.len();
            crtx::verify(&of_many[next])
        })
    });
    // The key comes as bytes with each document, so decoding it is part of the work.
    let bytes = payload.clone();
    operation.add(STRICT, None, move || {
        times(COUNT, || {
            let key = VerifyingKey::from_bytes(black_box(&public))?;
            Ok(key.verify_strict(black_box(&bytes), &Signature::from_bytes(&signature))?)
        })
    });
    let key = VerifyingKey::from_bytes(&public)?;
    operation.add("ed25519-dalek, key decoded before", None, move || {
        times(COUNT, || {
            Ok(key.verify_strict(black_box(&payload), &Signature::from_bytes(&signature))?)
        })
    });
    Ok(())
}
