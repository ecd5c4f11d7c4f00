// SPDX-License-Identifier: MIT OR Apache-2.0
//! Operators: their Ed25519 keys, their signatures, and the names derived from their keys.

use std::sync::{Mutex, MutexGuard};

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::error::{Error, Result, Status};

/// The longest payload that is ever signed or verified: 64 KiB.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 64 * 1024;

/// The field prime 2^255 - 19, little-endian as in a key.
const FIELD_PRIME: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0xed;
    prime[31] = 0x7f;
    prime
};

/// An operator's Ed25519 public key with nothing ambiguous about it: a canonical encoding of a
/// point of prime order, so that one operator has exactly one key and one principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperatorKey(VerifyingKey);

impl OperatorKey {
    /// Takes the 32 raw bytes of a public key.
    ///
    /// # Errors
    ///
    /// [`Status::UntrustedKey`] if these are not 32 bytes, not the canonical encoding of a point
    /// of the curve, or if the point is of small or of mixed order.
    pub fn from_bytes(bytes: &[u8]) -> Result<OperatorKey> {
        let bytes: &[u8; 32] = bytes
            .try_into()
            .map_err(|_| untrusted(format!("is {} bytes long instead of 32", bytes.len())))?;
        if let Some(known) = KNOWN_KEYS.find(bytes) {
            return Ok(known);
        }
        let key = OperatorKey::check(bytes)?;
        KNOWN_KEYS.add(key);
        Ok(key)
    }

    fn check(bytes: &[u8; 32]) -> Result<OperatorKey> {
        if !is_canonical(bytes) {
            return Err(untrusted("is not canonically encoded"));
        }
        let key = VerifyingKey::from_bytes(bytes)
            .map_err(|_| untrusted("is not a point of the curve"))?;
        if key.is_weak() {
            return Err(untrusted("is of small order"));
        }
        if !key.to_edwards().is_torsion_free() {
            return Err(untrusted("is of mixed order"));
        }
        Ok(OperatorKey(key))
    }

    /// The operator's name: `operator:` and 64 lowercase hex digits of the key's BLAKE3 digest.
    #[must_use]
    pub fn principal(&self) -> String {
        format!("operator:{}", blake3::hash(self.0.as_bytes()))
    }

    /// Verifies a detached signature over the raw bytes of a payload, by the strict rules of
    /// Ed25519: no second signature for the same payload can be made from a valid one.
    ///
    /// # Errors
    ///
    /// In this order: [`Status::TooLarge`] for a payload over 64 KiB, [`Status::SignatureLength`]
    /// for a signature that is not 64 bytes, [`Status::BadSignature`] for one that does not hold.
    pub fn verify(&self, payload: &[u8], signature: &[u8]) -> Result<()> {
        const OPERATION: &str = "signature verification";
        check_payload_length(OPERATION, payload)?;
        let signature: &[u8; 64] = signature.try_into().map_err(|_| {
            let message = format!("the signature is {} bytes long instead of 64", signature.len());
            Error::new(Status::SignatureLength, OPERATION, message)
        })?;
        self.0.verify_strict(payload, &Signature::from_bytes(signature)).map_err(|_| {
            let message = "the signature does not hold for this payload and public key";
            Error::new(Status::BadSignature, OPERATION, message)
        })
    }
}

/// The keys that were found good most recently. Whether a key is of mixed order takes as long to
/// find out as whether a signature holds, and a program trusts one key, or a few.
static KNOWN_KEYS: KnownKeys = KnownKeys(Mutex::new(([None; 4], 0)));

/// Some keys, and where the next one goes.
struct KnownKeys(Mutex<([Option<OperatorKey>; 4], usize)>);

impl KnownKeys {
    fn find(&self, bytes: &[u8; 32]) -> Option<OperatorKey> {
        let (keys, _) = *self.open()?;
        keys.into_iter().flatten().find(|key| key.0.as_bytes() == bytes)
    }

    fn add(&self, key: OperatorKey) {
        if let Some(mut open) = self.open() {
            let (keys, next) = &mut *open;
            keys[*next] = Some(key);
            *next = (*next + 1) % keys.len();
        }
    }

    /// Never waits: a thread that a forked child does not have may have the mutex for ever.
    fn open(&self) -> Option<MutexGuard<'_, ([Option<OperatorKey>; 4], usize)>> {
        self.0.try_lock().ok()
    }
}

/// Signs a payload with the 32-byte seed of an Ed25519 key; the signature is 64 raw bytes.
///
/// The seed's copies are wiped from memory before this returns; the caller wipes the seed.
///
/// # Errors
///
/// [`Status::InvalidArgument`] if the seed is not 32 bytes, [`Status::TooLarge`] if the payload is
/// over 64 KiB.
pub fn sign(seed: &[u8], payload: &[u8]) -> Result<[u8; 64]> {
    let key = signing_key(seed)?;
    check_payload_length("signing", payload)?;
    Ok(key.sign(payload).to_bytes())
}

/// The 32-byte public key of a 32-byte seed.
///
/// # Errors
///
/// [`Status::InvalidArgument`] if the seed is not 32 bytes.
pub fn public_key(seed: &[u8]) -> Result<[u8; 32]> {
    Ok(signing_key(seed)?.verifying_key().to_bytes())
}

/// The key wipes itself when it is dropped: that is ed25519-dalek's `zeroize` feature.
fn signing_key(seed: &[u8]) -> Result<SigningKey> {
    let seed: &[u8; 32] = seed.try_into().map_err(|_| {
        Error::argument(format!("the seed is {} bytes long instead of 32", seed.len()))
    })?;
    Ok(SigningKey::from_bytes(seed))
}

fn check_payload_length(operation: &'static str, payload: &[u8]) -> Result<()> {
    if payload.len() <= MAX_PAYLOAD_BYTES {
        return Ok(());
    }
    let message = format!("the payload is {} bytes long, over {MAX_PAYLOAD_BYTES}", payload.len());
    Err(Error::new(Status::TooLarge, operation, message))
}

/// Whether the y coordinate is below the field prime (RFC 8032, 5.1.3). The other encoding which
/// that section refuses, a sign bit with x = 0, belongs to points of small order only.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let mut y = *bytes;
    y[31] &= 0x7f;
    y.iter().rev().lt(FIELD_PRIME.iter().rev())
}

fn untrusted(what: impl std::fmt::Display) -> Error {
    Error::new(Status::UntrustedKey, "public key check", format!("the public key {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &[u8] = include_bytes!("../tests/fixtures/cortex-0.1.2/operator.seed");
    const PUBLIC_KEY: &[u8] = include_bytes!("../tests/fixtures/cortex-0.1.2/operator.pub");

    /// The x coordinate is the sign bit's only business; y is what the rest encodes.
    fn key_of_y(low: u8, rest: u8, top: u8) -> [u8; 32] {
        let mut bytes = [rest; 32];
        bytes[0] = low;
        bytes[31] = top;
        bytes
    }

    #[test]
    fn a_key_made_from_a_seed_is_trusted_and_verifies_what_the_seed_signs() {
        assert_eq!(public_key(SEED).unwrap(), PUBLIC_KEY);
        let key = OperatorKey::from_bytes(PUBLIC_KEY).unwrap();
        let signature = sign(SEED, b"payload").unwrap();
        assert_eq!(key.verify(b"payload", &signature), Ok(()));
        assert_eq!(key.verify(b"other", &signature).unwrap_err().status(), Status::BadSignature);
    }

    #[test]
    fn a_key_is_found_again_by_its_own_bytes_and_a_bad_one_is_refused_every_time() {
        let keys = KnownKeys(Mutex::new(([None; 4], 0)));
        let of = |seed| OperatorKey::from_bytes(&public_key(&[seed; 32]).unwrap()).unwrap();
        for seed in 1..=5 {
            assert_eq!(keys.find(of(seed).0.as_bytes()), None);
            keys.add(of(seed));
            assert_eq!(keys.find(of(seed).0.as_bytes()), Some(of(seed)));
        }
        assert_eq!(keys.find(of(1).0.as_bytes()), None, "the oldest of five has gone");
        let _in_use = keys.open().unwrap();
        assert_eq!(keys.find(of(5).0.as_bytes()), None, "nobody waits");
        for _ in 0..2 {
            let refused = OperatorKey::from_bytes(&[0; 32]).unwrap_err();
            assert_eq!(refused.status(), Status::UntrustedKey);
        }
    }

    #[test]
    fn every_encoding_of_y_from_the_prime_up_is_not_canonical() {
        for low in 0xed..=0xff {
            for top in [0x7f, 0xff] {
                assert!(!is_canonical(&key_of_y(low, 0xff, top)), "{low:#x} {top:#x}");
            }
        }
        assert!(is_canonical(&key_of_y(0xec, 0xff, 0x7f)));
        assert!(is_canonical(&key_of_y(0xff, 0xff, 0x7e)));
        assert!(is_canonical(&[0; 32]));
        let mut below = key_of_y(0xff, 0xff, 0xff);
        below[16] = 0xfe;
        assert!(is_canonical(&below));
    }

    #[test]
    fn lengths_are_checked_before_anything_is_computed() {
        for length in [0, 31, 33, 64] {
            let bytes = vec![1; length];
            assert_eq!(sign(&bytes, b"").unwrap_err().status(), Status::InvalidArgument);
            assert_eq!(public_key(&bytes).unwrap_err().status(), Status::InvalidArgument);
            let refused = OperatorKey::from_bytes(&bytes).unwrap_err();
            assert_eq!(refused.status(), Status::UntrustedKey);
        }
        let key = OperatorKey::from_bytes(PUBLIC_KEY).unwrap();
        let longest = vec![0; MAX_PAYLOAD_BYTES];
        let too_long = vec![0; MAX_PAYLOAD_BYTES + 1];
        assert_eq!(sign(SEED, &too_long).unwrap_err().status(), Status::TooLarge);
        let signature = sign(SEED, &longest).unwrap();
        assert_eq!(key.verify(&longest, &signature), Ok(()));
        assert_eq!(key.verify(&too_long, &[]).unwrap_err().status(), Status::TooLarge);
        for length in [0, 63, 65] {
            let refused = key.verify(b"", &vec![0; length]).unwrap_err();
            assert_eq!(refused.status(), Status::SignatureLength);
        }
    }

    #[test]
    fn a_signature_cannot_be_bent_into_a_second_one() {
        // The group order added to the second half satisfies the equation again, but is refused.
        const ORDER: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9,
            0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let mut signature = sign(SEED, b"payload").unwrap();
        let mut carry = 0;
        for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            *byte = sum as u8;
            carry = sum >> 8;
        }
        let key = OperatorKey::from_bytes(PUBLIC_KEY).unwrap();
        let refused = key.verify(b"payload", &signature).unwrap_err();
        assert_eq!(refused.status(), Status::BadSignature);
    }

    #[test]
    fn a_signature_of_small_order_is_refused_though_its_equation_holds() {
        // R is the neutral point, S is H(R, A, payload) times the secret scalar of the test seed.
        const S: [u8; 32] = [
            0x69, 0x2e, 0x58, 0x72, 0x49, 0x09, 0xc6, 0x60, 0xff, 0xd9, 0x39, 0x42, 0x11, 0x64,
            0xfe, 0x63, 0xd1, 0xe0, 0x95, 0xa3, 0x5c, 0x2b, 0x75, 0x75, 0x23, 0x50, 0xc9, 0x1b,
            0x3b, 0xdf, 0x5b, 0x04,
        ];
        let mut signature = [0; 64];
        signature[0] = 1;
        signature[32..].copy_from_slice(&S);
        let lax = VerifyingKey::try_from(PUBLIC_KEY).unwrap();
        let signed = Signature::from_bytes(&signature);
        assert!(ed25519_dalek::Verifier::verify(&lax, b"payload", &signed).is_ok());
        let key = OperatorKey::from_bytes(PUBLIC_KEY).unwrap();
        let refused = key.verify(b"payload", &signature).unwrap_err();
        assert_eq!(refused.status(), Status::BadSignature);
    }
}
