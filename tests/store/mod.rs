// SPDX-License-Identifier: MIT OR Apache-2.0
//! A directory with a marker path in it, and an operator who signs what is asked.

#![allow(dead_code)] // Not every test program uses all of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crtx::attestation::SignedDocument;
use crtx::{Allow, Digest, Durability, Lock, LockOptions, MarkerState, TakeoverError};

pub(crate) const DEPLOYMENT: &str = "deployment:test";
const SEED: [u8; 32] = [9; 32];

pub(crate) struct Store {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) marker: PathBuf,
}

impl Store {
    pub(crate) fn new() -> Store {
        let directory = tempfile::tempdir().unwrap();
        let marker = directory.path().join("store.lock");
        Store { directory, marker }
    }

    pub(crate) fn entries(&self) -> usize {
        self.directory.path().read_dir().unwrap().count()
    }

    pub(crate) fn state(&self) -> MarkerState {
        crtx::inspect(&self.marker).unwrap().state
    }

    pub(crate) fn quarantine(&self) -> crtx::Result<PathBuf> {
        let attestation = Attestation::new(&self.marker)?;
        crtx::quarantine(&self.marker, &attestation.document(), Allow::default())
    }
}

pub(crate) struct Attestation {
    payload: Vec<u8>,
    signature: [u8; 64],
    public_key: [u8; 32],
}

impl Attestation {
    pub(crate) fn new(marker: &Path) -> crtx::Result<Attestation> {
        let public_key = public_key();
        let why = "the holder was seen dead";
        let payload = crtx::build_takeover(marker, Some(DEPLOYMENT), &public_key, why, 600, 0)?;
        let signature = crtx::sign(&SEED, &payload)?;
        Ok(Attestation { payload, signature, public_key })
    }

    pub(crate) fn document(&self) -> SignedDocument<'_> {
        SignedDocument {
            payload: &self.payload,
            signature: &self.signature,
            public_key: &self.public_key,
            deployment_id: DEPLOYMENT,
            now_unix_ns: 0,
        }
    }

    pub(crate) fn takeover(&self, marker: &Path) -> Result<(Lock, PathBuf), TakeoverError> {
        crtx::takeover(marker, &self.document(), Allow::default(), &options())
    }
}

pub(crate) fn public_key() -> [u8; 32] {
    crtx::public_key(&SEED).unwrap()
}

pub(crate) fn options() -> LockOptions {
    LockOptions {
        durability: Durability::Full,
        allow: Allow::default(),
        timeout: Duration::ZERO,
        deployment_id: DEPLOYMENT.to_owned(),
        operator_principal_id: "operator:test".to_owned(),
        restore_intent_blake3: Digest::of(b"the intent").to_string(),
        host: None,
    }
}
