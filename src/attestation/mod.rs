// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signed documents: what an operator permits, verified and written.
//!
//! A document is a JSON object, signed as raw bytes with Ed25519. This module holds what the two
//! kinds of document have in common, above all the order in which they are verified: nothing of a
//! document is believed, or shown to anyone, before its signature holds.

mod intent;
mod json;
mod takeover;
#[cfg(test)]
mod tests;

use self::json::{Object, Written};
use crate::error::{Error, Result, Status, quote_text};
use crate::marker::check_deployment_id;
use crate::principal::OperatorKey;
use crate::time;
use chrono::{DateTime, TimeDelta, Utc};

pub use self::intent::{IntentExpectation, build_intent, verify_intent};
pub use self::takeover::{TakeoverAttestation, takeover_payload};

/// A new document is valid from this long before it is written, for clocks that are behind.
const BACKDATED: TimeDelta = TimeDelta::seconds(300);

/// The longest time ahead for which a document is written: 24 hours.
const MAX_VALID_FOR_SECONDS: u32 = 86_400;

/// The longest window that is accepted: 86,700 seconds.
const MAX_WINDOW: TimeDelta = TimeDelta::seconds(86_700);

/// The only version of every schema so far.
const VERSION: u32 = 1;

const VERIFICATION: &str = "document verification";

/// A document, its detached signature, and what the caller knows without them.
#[derive(Debug, Clone, Copy)]
pub struct SignedDocument<'a> {
    /// The raw bytes of the document, at most 64 KiB.
    pub payload: &'a [u8],
    /// The 64 raw bytes of the signature.
    pub signature: &'a [u8],
    /// The 32 raw bytes of the operator's public key that the caller trusts.
    pub public_key: &'a [u8],
    /// This deployment, 1 to 255 bytes.
    pub deployment_id: &'a str,
    /// The time to check validity at, in nanoseconds since 1970; 0 is the system clock's.
    pub now_unix_ns: i64,
}

/// What tells one kind of document from another.
struct Kind {
    name: &'static str,
    /// The keys of its schema versions.
    versions: &'static [&'static str],
    /// The keys that it has besides those of every document.
    own_keys: &'static [&'static str],
}

const KINDS: [&Kind; 2] = [&takeover::KIND, &intent::KIND];

impl Kind {
    fn has_key(&self, key: &str) -> bool {
        const COMMON: [&str; 5] =
            ["kind", "deployment_id", "operator_principal_id", "not_before", "not_after"];
        COMMON.contains(&key) || self.versions.contains(&key) || self.own_keys.contains(&key)
    }

    fn check(&self, object: &mut Object) -> Result<()> {
        let kind = object.take_text("kind")?;
        if kind != self.name {
            let message = format!("the document is a {}, not a {:?}", quote_text(&kind), self.name);
            return Err(refused(Status::KindMismatch, message));
        }
        for key in self.versions {
            let version = object.take_integer(key)?;
            if version != VERSION.to_string() {
                let message = format!("{key} is {}, not {VERSION}", quote_text(&version));
                return Err(refused(Status::SchemaMismatch, message));
            }
        }
        Ok(())
    }
}

/// What every document says: who permits something, for which deployment, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Authorization {
    deployment_id: String,
    operator_principal_id: String,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
}

impl Authorization {
    fn take(object: &mut Object) -> Result<Authorization> {
        let mut take_time = |key: &str| {
            time::parse_rfc3339(&object.take_text(key)?)
                .ok_or_else(|| malformed(format!("{key} is not an RFC 3339 time")))
        };
        let (not_before, not_after) = (take_time("not_before")?, take_time("not_after")?);
        Ok(Authorization {
            deployment_id: object.take_text("deployment_id")?,
            operator_principal_id: object.take_text("operator_principal_id")?,
            not_before,
            not_after,
        })
    }

    fn check_principal(&self, key: &OperatorKey) -> Result<()> {
        let (named, principal) = (&self.operator_principal_id, key.principal());
        if *named == principal {
            return Ok(());
        }
        let message =
            format!("the document names {}, but the key is {principal}'s", quote_text(named));
        Err(refused(Status::PrincipalMismatch, message))
    }

    fn check_deployment(&self, deployment_id: &str) -> Result<()> {
        if self.deployment_id == deployment_id {
            return Ok(());
        }
        let (named, wanted) = (quote_text(&self.deployment_id), quote_text(deployment_id));
        let message = format!("the document is for the deployment {named}, not for {wanted}");
        Err(refused(Status::DeploymentMismatch, message))
    }

    /// Checks the window as such, without regard to the time of day.
    fn check_window(&self) -> Result<()> {
        let length = self.not_after - self.not_before;
        if (TimeDelta::zero()..=MAX_WINDOW).contains(&length) {
            return Ok(());
        }
        let (from, to) = (self.not_before.to_rfc3339(), self.not_after.to_rfc3339());
        let message = format!(
            "the document's window, {from} to {to}, is not between 0 and {} s long",
            MAX_WINDOW.num_seconds()
        );
        Err(refused(Status::WindowInvalid, message))
    }

    /// Both ends belong to the window.
    fn check_time(&self, now: DateTime<Utc>) -> Result<()> {
        if now < self.not_before {
            let (from, now) = (self.not_before.to_rfc3339(), now.to_rfc3339());
            let message = format!("the document is valid from {from}, and it is {now}");
            return Err(refused(Status::NotYetValid, message));
        }
        if now > self.not_after {
            let (to, now) = (self.not_after.to_rfc3339(), now.to_rfc3339());
            let message = format!("the document was valid until {to}, and it is {now}");
            return Err(refused(Status::Expired, message));
        }
        Ok(())
    }

    /// What a new document says, from the given time on.
    fn starting(
        now: DateTime<Utc>,
        valid_for_seconds: u32,
        deployment_id: &str,
        key: &OperatorKey,
    ) -> Result<Authorization> {
        if !(1..=MAX_VALID_FOR_SECONDS).contains(&valid_for_seconds) {
            return Err(Error::argument(format!(
                "valid_for_seconds is {valid_for_seconds}, not from 1 to {MAX_VALID_FOR_SECONDS}"
            )));
        }
        check_deployment_id(deployment_id)?;
        Ok(Authorization {
            deployment_id: deployment_id.to_owned(),
            operator_principal_id: key.principal(),
            not_before: now - BACKDATED,
            not_after: now + TimeDelta::seconds(valid_for_seconds.into()),
        })
    }

    /// A whole document: minified, its keys sorted.
    fn render<const N: usize>(
        &self,
        kind: &Kind,
        own: [(&'static str, Written<'_>); N],
    ) -> Vec<u8> {
        let mut members = Vec::from(own);
        members.extend(kind.versions.iter().map(|key| (*key, Written::from(VERSION))));
        members.extend([
            ("kind", kind.name.into()),
            ("deployment_id", self.deployment_id.as_str().into()),
            ("operator_principal_id", self.operator_principal_id.as_str().into()),
            ("not_before", self.not_before.to_rfc3339().into()),
            ("not_after", self.not_after.to_rfc3339().into()),
        ]);
        json::write(members)
    }
}

/// Verifies everything that all documents have in common but deployment and time: key, sizes,
/// signature, form, kind, versions, principal. `take_own` takes what only this kind has.
fn open<T>(
    payload: &[u8],
    signature: &[u8],
    public_key: &[u8],
    kind: &Kind,
    take_own: impl FnOnce(&mut Object) -> Result<T>,
) -> Result<(Authorization, T)> {
    let key = OperatorKey::from_bytes(public_key)?;
    key.verify(payload, signature)?;
    let mut object = Object::parse(payload)?;
    object.refuse_unknown_keys(|key| KINDS.iter().any(|kind| kind.has_key(key)))?;
    kind.check(&mut object)?;
    let authorization = Authorization::take(&mut object)?;
    let own = take_own(&mut object)?;
    object.finish()?;
    authorization.check_principal(&key)?;
    Ok((authorization, own))
}

/// Like [`open`], and then deployment and window: what holds here and now.
fn open_here_and_now<T>(
    document: &SignedDocument<'_>,
    kind: &Kind,
    take_own: impl FnOnce(&mut Object) -> Result<T>,
) -> Result<(Authorization, T)> {
    check_deployment_id(document.deployment_id)?;
    let SignedDocument { payload, signature, public_key, .. } = *document;
    let (authorization, own) = open(payload, signature, public_key, kind, take_own)?;
    authorization.check_deployment(document.deployment_id)?;
    authorization.check_window()?;
    authorization.check_time(time::or_system_clock(document.now_unix_ns))?;
    Ok((authorization, own))
}

fn refused(status: Status, message: String) -> Error {
    Error::new(status, VERIFICATION, message)
}

fn malformed(reason: impl std::fmt::Display) -> Error {
    refused(Status::PayloadMalformed, format!("the signed payload is malformed: {reason}"))
}
