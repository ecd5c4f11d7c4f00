// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the contract says of a document whose signature holds, with `serde_json` to read it.

use std::collections::BTreeMap;
use std::fmt;

use crtx::Status;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::marker::is_digest;
use crate::times::{self, Time};

/// The members of an object as they stand, doubles and all.
struct Pairs(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Member {
    Text(String),
    /// As it is written.
    Integer(String),
}

type Members = BTreeMap<String, Member>;

fn member(raw: &RawValue) -> Option<Member> {
    match serde_json::from_str(raw.get()).ok()? {
        Value::String(text) => Some(Member::Text(text)),
        Value::Number(_) if !raw.get().contains(['.', 'e', 'E']) => {
            Some(Member::Integer(raw.get().to_owned()))
        }
        _ => None,
    }
}

fn members(payload: &[u8]) -> Option<Members> {
    // The whole must be JSON in the eyes of serde_json's own values too, but for numbers that are
    // too large for them.
    let Pairs(pairs) = serde_json::from_slice(payload).ok()?;
    let mut members = Members::new();
    for (key, raw) in pairs {
        if members.insert(key, member(&raw)?).is_some() {
            return None;
        }
    }
    Some(members)
}

const COMMON: [&str; 5] =
    ["kind", "deployment_id", "operator_principal_id", "not_before", "not_after"];
const TAKEOVER: [&str; 5] =
    ["schema_version", "stale_pid", "stale_acquired_at", "stale_marker_blake3", "justification"];
const INTENT: [&str; 7] = [
    "schema_version",
    "p_n_schema_version",
    "active_db_path",
    "active_event_log_path",
    "backup_manifest_blake3",
    "staged_sqlite_blake3",
    "staged_jsonl_blake3",
];

/// What the caller of a verification knows.
pub(crate) struct Here<'a> {
    pub(crate) now: i128,
    pub(crate) deployment_id: &'a str,
    pub(crate) principal: &'a str,
}

/// The status of the verification; `None` where the contract leaves it open (leap seconds).
type Verdict = Option<Status>;

struct Document(Members);

impl Document {
    fn text(&self, key: &str) -> Result<&str, Status> {
        match self.0.get(key) {
            Some(Member::Text(text)) => Ok(text),
            _ => Err(Status::PayloadMalformed),
        }
    }

    fn integer(&self, key: &str) -> Result<&str, Status> {
        match self.0.get(key) {
            Some(Member::Integer(digits)) => Ok(digits),
            _ => Err(Status::PayloadMalformed),
        }
    }

    fn time(&self, key: &str) -> Result<Time, Status> {
        times::parse(self.text(key)?).ok_or(Status::PayloadMalformed)
    }

    fn digest(&self, key: &str) -> Result<&str, Status> {
        self.text(key).ok().filter(|text| is_digest(text)).ok_or(Status::PayloadMalformed)
    }

    /// From the JSON to the versions.
    fn open(payload: &[u8], kind: &str, own: &[&str], versions: &[&str]) -> Result<Self, Status> {
        let document = Document(members(payload).ok_or(Status::PayloadMalformed)?);
        let known = |key: &&str| COMMON.iter().chain(&TAKEOVER).chain(&INTENT).any(|k| k == key);
        if !document.0.keys().all(|key| known(&key.as_str())) {
            return Err(Status::PayloadMalformed);
        }
        if document.text("kind")? != kind {
            return Err(Status::KindMismatch);
        }
        for version in versions {
            if document.integer(version)? != "1" {
                return Err(Status::SchemaMismatch);
            }
        }
        let foreign = |key: &String| !COMMON.iter().chain(own).any(|known| known == key);
        if document.0.keys().any(foreign) {
            return Err(Status::PayloadMalformed);
        }
        Ok(document)
    }

    /// From the principal to the time of day.
    fn check_here(&self, here: &Here<'_>) -> Result<Verdict, Status> {
        let (from, to) = (self.time("not_before")?, self.time("not_after")?);
        let deployment_id = self.text("deployment_id")?;
        if self.text("operator_principal_id")? != here.principal {
            return Err(Status::PrincipalMismatch);
        }
        if deployment_id != here.deployment_id {
            return Err(Status::DeploymentMismatch);
        }
        if from.leap || to.leap {
            return Ok(None);
        }
        if !(0..=86_700_000_000_000).contains(&(to.unix_ns - from.unix_ns)) {
            return Err(Status::WindowInvalid);
        }
        if here.now < from.unix_ns {
            return Err(Status::NotYetValid);
        }
        if here.now > to.unix_ns {
            return Err(Status::Expired);
        }
        Ok(Some(Status::Ok))
    }
}

pub(crate) fn judge_attestation(payload: &[u8], here: &Here<'_>) -> Verdict {
    let judge = || {
        let kind = "cortex_restore_lock_takeover";
        let document = Document::open(payload, kind, &TAKEOVER, &["schema_version"])?;
        let pid = document.integer("stale_pid")?;
        if pid.starts_with('-') || pid.parse::<u32>().is_err() {
            return Err(Status::PayloadMalformed);
        }
        document.text("stale_acquired_at")?;
        if document.0.contains_key("stale_marker_blake3") {
            document.digest("stale_marker_blake3")?;
        }
        let justification = document.text("justification")?;
        let Some(_) = document.check_here(here)? else { return Ok(None) };
        let blank = justification.chars().all(char::is_whitespace);
        if blank || justification.len() > 1024 || justification.chars().any(char::is_control) {
            return Err(Status::JustificationInvalid);
        }
        Ok(Some(Status::Ok))
    };
    judge().unwrap_or_else(Some)
}

/// The paths and digests that the caller expects, by key.
pub(crate) type Expected<'a> = [(&'a str, &'a str)];

pub(crate) fn judge_intent(payload: &[u8], here: &Here<'_>, expected: &Expected<'_>) -> Verdict {
    let judge = || {
        let versions = ["schema_version", "p_n_schema_version"];
        let document = Document::open(payload, "cortex_restore_intent", &INTENT, &versions)?;
        for (key, _) in expected {
            if key.ends_with("_path") {
                document.text(key)?
            } else {
                document.digest(key)?
            };
        }
        let Some(_) = document.check_here(here)? else { return Ok(None) };
        for (key, wanted) in expected {
            if document.text(key)? != *wanted {
                let is_path = key.ends_with("_path");
                return Err(if is_path { Status::PathMismatch } else { Status::DigestMismatch });
            }
        }
        Ok(Some(Status::Ok))
    };
    judge().unwrap_or_else(Some)
}
