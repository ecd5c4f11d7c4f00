// SPDX-License-Identifier: MIT OR Apache-2.0
//! Takeover attestations: an operator's word that the process which a marker names is dead.

use super::json::Object;
use super::{Authorization, Kind, SignedDocument, malformed, open, open_here_and_now, refused};
use crate::digest::Digest;
use crate::error::{Error, Result, Status, quote_text};
use crate::marker::{Marker, MarkerSnapshot, has_control_character};
use crate::principal::OperatorKey;
use crate::time;

pub(super) const KIND: Kind = Kind {
    name: "cortex_restore_lock_takeover",
    versions: &["schema_version"],
    own_keys: &["stale_pid", "stale_acquired_at", "stale_marker_blake3", "justification"],
};

/// How a marker is named that has no readable process and time.
const NO_PID: u32 = 0;
const NO_TIME: &str = "1970-01-01T00:00:00+00:00";

const MAX_JUSTIFICATION_BYTES: usize = 1024;

const BINDING: &str = "marker binding";

/// An attestation whose signature holds: whoever has one has a verified one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakeoverAttestation {
    authorization: Authorization,
    stale: StaleMarker,
    justification: String,
}

/// The marker that an attestation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
struct StaleMarker {
    pid: u32,
    /// Compared as text: another way to write the same time is another time.
    acquired_at: String,
    digest: Option<Digest>,
}

impl TakeoverAttestation {
    /// Verifies all of an attestation that can be verified without its marker.
    ///
    /// # Errors
    ///
    /// The first that applies, in this order: [`Status::InvalidArgument`],
    /// [`Status::UntrustedKey`], [`Status::TooLarge`], [`Status::SignatureLength`],
    /// [`Status::BadSignature`], [`Status::PayloadMalformed`], [`Status::KindMismatch`],
    /// [`Status::SchemaMismatch`], [`Status::PayloadMalformed`] again for what its kind demands,
    /// [`Status::PrincipalMismatch`], [`Status::DeploymentMismatch`], [`Status::WindowInvalid`],
    /// [`Status::NotYetValid`], [`Status::Expired`], [`Status::JustificationInvalid`].
    pub fn verify(document: &SignedDocument<'_>) -> Result<TakeoverAttestation> {
        Self::new(open_here_and_now(document, &KIND, take_own)?)
    }

    /// Verifies the attestation of evidence: whether it could be valid at some time, for whatever
    /// deployment.
    pub(crate) fn verify_at_any_time(
        payload: &[u8],
        signature: &[u8],
        public_key: &[u8],
    ) -> Result<TakeoverAttestation> {
        let (authorization, own) = open(payload, signature, public_key, &KIND, take_own)?;
        authorization.check_window()?;
        Self::new((authorization, own))
    }

    fn new(
        (authorization, (stale, justification)): (Authorization, (StaleMarker, String)),
    ) -> Result<TakeoverAttestation> {
        check_justification(&justification)?;
        Ok(TakeoverAttestation { authorization, stale, justification })
    }

    /// The deployment whose marker may be taken over.
    #[must_use]
    pub fn deployment_id(&self) -> &str {
        &self.authorization.deployment_id
    }

    /// The operator who attests.
    #[must_use]
    pub fn operator_principal_id(&self) -> &str {
        &self.authorization.operator_principal_id
    }

    /// The operator's reason, at most 1,024 bytes without control characters.
    #[must_use]
    pub fn justification(&self) -> &str {
        &self.justification
    }

    /// Checks the time once more, for a caller who had to wait. 0 is the system clock's.
    pub(crate) fn check_still_valid(&self, now_unix_ns: i64) -> Result<()> {
        self.authorization.check_time(time::or_system_clock(now_unix_ns))
    }

    /// Checks that the marker is the one that the operator attested to be stale, and that it is of
    /// the same deployment.
    pub(crate) fn check_names(&self, snapshot: &MarkerSnapshot) -> Result<()> {
        match &snapshot.parsed {
            Ok(marker) => {
                self.check_pid(marker.pid)?;
                self.check_acquired_at(&marker.acquired_at)?;
                self.check_digest(snapshot.digest)?;
                self.check_deployment_of(marker)
            }
            Err(_) if self.stale.names_a_malformed_marker() => self.check_digest(snapshot.digest),
            Err(reason) => {
                let message = format!(
                    "the marker is malformed: {reason}; it is taken over only with an attestation \
                     of its digest, process {NO_PID} and time {NO_TIME}"
                );
                Err(Error::new(Status::MarkerMalformed, BINDING, message))
            }
        }
    }

    fn check_pid(&self, pid: u32) -> Result<()> {
        if self.stale.pid == pid {
            return Ok(());
        }
        let message = format!("the attestation names process {}, the marker {pid}", self.stale.pid);
        Err(Error::new(Status::StalePidMismatch, BINDING, message))
    }

    fn check_acquired_at(&self, acquired_at: &str) -> Result<()> {
        if self.stale.acquired_at == acquired_at {
            return Ok(());
        }
        let (attested, found) = (quote_text(&self.stale.acquired_at), quote_text(acquired_at));
        let message = format!("the attestation names the time {attested}, the marker {found}");
        Err(Error::new(Status::StaleTimeMismatch, BINDING, message))
    }

    fn check_digest(&self, found: Digest) -> Result<()> {
        match self.stale.digest {
            Some(attested) if attested != found => {
                let message =
                    format!("the attestation names a marker of {attested}, this one is {found}");
                Err(Error::new(Status::StaleDigestMismatch, BINDING, message))
            }
            _ => Ok(()),
        }
    }

    fn check_deployment_of(&self, marker: &Marker) -> Result<()> {
        if self.deployment_id() == marker.deployment_id {
            return Ok(());
        }
        let (attested, found) =
            (quote_text(self.deployment_id()), quote_text(&marker.deployment_id));
        let message =
            format!("the attestation is for the deployment {attested}, the marker of {found}");
        Err(Error::new(Status::DeploymentMismatch, BINDING, message))
    }
}

impl StaleMarker {
    fn of(snapshot: &MarkerSnapshot) -> StaleMarker {
        let (pid, acquired_at) = match &snapshot.parsed {
            Ok(marker) => (marker.pid, marker.acquired_at.clone()),
            Err(_) => (NO_PID, NO_TIME.to_owned()),
        };
        StaleMarker { pid, acquired_at, digest: Some(snapshot.digest) }
    }

    fn names_a_malformed_marker(&self) -> bool {
        self.pid == NO_PID && self.acquired_at == NO_TIME && self.digest.is_some()
    }
}

fn take_own(object: &mut Object) -> Result<(StaleMarker, String)> {
    const DIGEST: &str = "stale_marker_blake3";
    let pid = object.take_integer("stale_pid")?;
    let pid = pid.parse().map_err(|_| malformed("stale_pid is not a 32-bit number"))?;
    let acquired_at = object.take_text("stale_acquired_at")?;
    let digest = if object.has(DIGEST) { Some(object.take_digest(DIGEST)?) } else { None };
    Ok((StaleMarker { pid, acquired_at, digest }, object.take_text("justification")?))
}

fn check_justification(text: &str) -> Result<()> {
    let problem = if text.trim().is_empty() {
        "is blank".to_owned()
    } else if text.len() > MAX_JUSTIFICATION_BYTES {
        format!("is {} bytes long, over {MAX_JUSTIFICATION_BYTES}", text.len())
    } else if has_control_character(text) {
        "has a control character".to_owned()
    } else {
        return Ok(());
    };
    Err(refused(Status::JustificationInvalid, format!("the justification {problem}")))
}

/// Writes the attestation for a marker as it stands, for the operator to sign.
///
/// `deployment_id` may be left out for a marker that can be parsed. The document is valid from 300
/// seconds before `now_unix_ns` (nanoseconds since 1970; 0 is the system clock's) to
/// `valid_for_seconds` (1 to 86,400) after it.
///
/// # Errors
///
/// [`Status::InvalidArgument`], [`Status::UntrustedKey`], [`Status::JustificationInvalid`], or
/// [`Status::DeploymentMismatch`] if the marker is of another deployment.
pub fn takeover_payload(
    snapshot: &MarkerSnapshot,
    deployment_id: Option<&str>,
    public_key: &[u8],
    justification: &str,
    valid_for_seconds: u32,
    now_unix_ns: i64,
) -> Result<Vec<u8>> {
    let deployment_id = match (deployment_id, &snapshot.parsed) {
        (Some(deployment_id), _) => deployment_id,
        (None, Ok(marker)) => &marker.deployment_id,
        (None, Err(reason)) => {
            return Err(Error::argument(format!(
                "deployment_id is required, because the marker is malformed: {reason}"
            )));
        }
    };
    let key = OperatorKey::from_bytes(public_key)?;
    let now = time::or_system_clock(now_unix_ns);
    let authorization = Authorization::starting(now, valid_for_seconds, deployment_id, &key)?;
    check_justification(justification)?;
    let stale = StaleMarker::of(snapshot);
    let attestation =
        TakeoverAttestation { authorization, stale, justification: justification.to_owned() };
    // What is written would also be accepted.
    attestation.check_names(snapshot)?;
    let own = [
        ("stale_pid", attestation.stale.pid.into()),
        ("stale_acquired_at", attestation.stale.acquired_at.into()),
        ("stale_marker_blake3", snapshot.digest.to_string().into()),
        ("justification", justification.into()),
    ];
    Ok(attestation.authorization.render(&KIND, own))
}
