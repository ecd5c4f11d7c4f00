// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a caller says when it acquires, and the marker that is made of it.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::digest::Digest;
use crate::error::{Error, Result, quote_text};
use crate::marker::{self, Marker};
use crate::publish::Durability;
use crate::site::Allow;
use crate::sys::{self, fork::Process};
use crate::time;

/// Who acquires, for what, and how.
#[derive(Debug, Clone)]
pub struct LockOptions {
    /// What the lock is to survive.
    pub durability: Durability,
    /// Which dangers are accepted.
    pub allow: Allow,
    /// How long to wait for a holder; zero makes one attempt. A stale marker is never waited for.
    pub timeout: Duration,
    /// The deployment, 1 to 255 bytes without control characters.
    pub deployment_id: String,
    /// The operator, 1 to 255 bytes without control characters.
    pub operator_principal_id: String,
    /// The digest of the verified restore intent: `blake3:` and 64 hex.
    pub restore_intent_blake3: String,
    /// The host to name, up to 255 bytes; `None` for this machine's name.
    pub host: Option<String>,
}

impl LockOptions {
    /// Refuses what would not read back, before anything is touched.
    pub(crate) fn draft(&self) -> Result<MarkerDraft<'_>> {
        marker::check_deployment_id(&self.deployment_id)?;
        marker::check_operator_principal_id(&self.operator_principal_id)?;
        let Some(restore_intent_blake3) = Digest::parse(&self.restore_intent_blake3) else {
            return Err(Error::argument(format!(
                "restore_intent_blake3 {} is not \"blake3:\" and 64 lowercase hex digits",
                quote_text(&self.restore_intent_blake3)
            )));
        };
        marker::check_host(self.host.as_deref().unwrap_or_default())?;
        unix_ns(time::now())?;
        Ok(MarkerDraft { options: self, restore_intent_blake3 })
    }
}

/// A marker to be written, but for its time and what the system is asked for.
#[derive(Debug)]
pub(crate) struct MarkerDraft<'a> {
    options: &'a LockOptions,
    restore_intent_blake3: Digest,
}

impl MarkerDraft<'_> {
    pub(crate) fn options(&self) -> &LockOptions {
        self.options
    }

    /// The marker of a holder, as of now.
    pub(crate) fn marker(&self, holder: Process) -> Result<Marker> {
        let now = time::now();
        Ok(Marker {
            pid: holder.pid(),
            host: self.options.host.clone().unwrap_or_else(sys::host_name),
            deployment_id: self.options.deployment_id.clone(),
            operator_principal_id: self.options.operator_principal_id.clone(),
            acquired_at: now.to_rfc3339(),
            acquired_at_unix_ns: unix_ns(now)?,
            restore_intent_blake3: self.restore_intent_blake3,
        })
    }
}

fn unix_ns(time: DateTime<Utc>) -> Result<i64> {
    time.timestamp_nanos_opt()
        .ok_or_else(|| Error::argument("the system clock is outside the years 1677 to 2262"))
}
