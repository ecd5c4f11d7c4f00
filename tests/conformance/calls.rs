// SPDX-License-Identifier: MIT OR Apache-2.0
//! The steps that call the crate.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use crtx::attestation::{self, IntentExpectation, SignedDocument};
use crtx::{
    Allow, Digest, Durability, Error, Lock, LockOptions, Marker, MarkerState, OperatorKey, Status,
    TakeoverError,
};

use crate::run::{Outcome, Run, Words};
use crate::text::to_hex;

type Results = Vec<(&'static str, Vec<u8>)>;

/// A call that went through, or the library's error; outside of it, what is wrong with the step.
type Called = Result<Result<Results, Error>, String>;

/// `None` if the verb is no call.
pub(crate) fn call(
    run: &mut Run<'_>,
    verb: &str,
    words: &Words<'_>,
) -> Option<Result<Outcome, String>> {
    let called = match verb {
        "acquire" => acquire(run, words),
        "check" => on_lock(run, words, |lock| lock.check().map(|()| vec![])),
        "leak" => on_lock(run, words, |lock| lock.leak().map(|()| vec![])),
        "release" => on_lock(run, words, |lock| lock.release().map(|()| vec![])),
        "marker" => on_lock(run, words, |lock| Ok(marker_of(lock))),
        "marker_path" => {
            on_lock(run, words, |lock| Ok(vec![("path", bytes_of(lock.marker_path()))]))
        }
        "companion_path" => {
            on_lock(run, words, |lock| Ok(vec![("path", bytes_of(&lock.companion_path()))]))
        }
        "inspect" => inspect(words),
        "read_marker" => at_path(words, |path| Ok(vec![("bytes", crtx::read_marker(path)?)])),
        "blake3_file" => {
            at_path(words, |path| Ok(vec![("digest", text(crtx::blake3_file(path)?))]))
        }
        "list_evidence" => return Some(list_evidence(words)),
        "verify_evidence" => verify_evidence(words),
        "quarantine" => quarantine(words),
        "takeover" => takeover(run, words),
        "verify_takeover" => verify_takeover(words),
        "build_takeover" => build_takeover(words),
        "build_intent" => build_intent(words),
        "verify_intent" => verify_intent(words),
        "sign" => sign(words),
        "public_key" => public_key(words),
        "operator_principal" => operator_principal(words),
        "status" => status(words),
        _ => return None,
    };
    Some(called.map(outcome))
}

fn outcome(called: Result<Results, Error>) -> Outcome {
    let (status, results) = match called {
        Ok(results) => (Status::Ok, results),
        Err(error) => (error.status(), results_of(&error)),
    };
    Outcome { status: Some(status.name()), ..Outcome::of(results) }
}

fn results_of(error: &Error) -> Results {
    vec![
        ("state", error.marker_state().map_or("", name_of).into()),
        ("os_error", text(error.os_error())),
        ("operation", error.operation().into()),
        ("message", error.message().into()),
    ]
}

fn text(value: impl std::fmt::Display) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn bytes_of(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_owned()
}

fn name_of(state: MarkerState) -> &'static str {
    match state {
        MarkerState::Absent => "ABSENT",
        MarkerState::Held => "HELD",
        MarkerState::HeldByThisProcess => "HELD_BY_THIS_PROCESS",
        MarkerState::Stale => "STALE",
        MarkerState::Malformed => "MALFORMED",
    }
}

fn at_path(words: &Words<'_>, call: impl FnOnce(&Path) -> Result<Results, Error>) -> Called {
    Ok(call(&words.path("path")?))
}

// ---- the lock ----

fn allow(words: &Words<'_>) -> Result<Allow, String> {
    let allowed = words.optional("allow")?.unwrap_or_default();
    let has = |word: &[u8]| allowed.split(|byte| *byte == b',').any(|allowed| allowed == word);
    Ok(Allow { network_filesystem: has(b"network"), shared_directory: has(b"shared") })
}

pub(crate) fn options(words: &Words<'_>) -> Result<LockOptions, String> {
    let durability = match words.optional("durability")?.as_deref() {
        Some(b"process-crash") => Durability::ProcessCrash,
        _ => Durability::Full,
    };
    Ok(LockOptions {
        durability,
        allow: allow(words)?,
        timeout: Duration::from_millis(words.number("timeout_ms")?.unsigned_abs()),
        deployment_id: words.text("deployment_id")?,
        operator_principal_id: words.text("operator_principal_id")?,
        restore_intent_blake3: words.text("restore_intent_blake3")?,
        host: words.optional("host")?.map(|_| words.text("host")).transpose()?,
    })
}

fn acquire(run: &mut Run<'_>, words: &Words<'_>) -> Called {
    let name = words.bytes("lock")?;
    let acquired = Lock::acquire(&words.path("path")?, &options(words)?);
    Ok(acquired.map(|lock| {
        run.locks.insert(name, lock);
        vec![]
    }))
}

fn on_lock(
    run: &mut Run<'_>,
    words: &Words<'_>,
    call: impl FnOnce(&mut Lock) -> Result<Results, Error>,
) -> Called {
    Ok(call(run.locks.get_mut(&words.bytes("lock")?).ok_or("no such lock was acquired")?))
}

/// What a lock says of its marker; that it is held by this process goes without saying in Rust.
fn marker_of(lock: &Lock) -> Results {
    marker(MarkerState::HeldByThisProcess, Some(lock.marker()), Some(lock.marker_digest()))
}

fn marker(state: MarkerState, marker: Option<&Marker>, digest: Option<Digest>) -> Results {
    let field = |value: fn(&Marker) -> String| marker.map(value).unwrap_or_default().into_bytes();
    // Every marker has the same scope, so that only its text has it.
    let scope = marker.map(Marker::render).unwrap_or_default();
    let scope = scope.lines().find_map(|line| line.strip_prefix("scope=")).unwrap_or_default();
    vec![
        ("state", name_of(state).into()),
        ("pid", text(marker.map_or(0, |marker| marker.pid))),
        ("acquired_at_unix_ns", text(marker.map_or(0, |marker| marker.acquired_at_unix_ns))),
        ("acquired_at", field(|marker| marker.acquired_at.clone())),
        ("host", field(|marker| marker.host.clone())),
        ("deployment_id", field(|marker| marker.deployment_id.clone())),
        ("operator_principal_id", field(|marker| marker.operator_principal_id.clone())),
        ("scope", scope.into()),
        ("restore_intent_blake3", field(|marker| marker.restore_intent_blake3.to_string())),
        ("marker_blake3", digest.map(text).unwrap_or_default()),
    ]
}

// ---- a marker on disk ----

fn inspect(words: &Words<'_>) -> Called {
    at_path(words, |path| {
        let found = crtx::inspect(path)?;
        Ok(marker(found.state, found.marker(), found.snapshot.as_ref().map(|found| found.digest)))
    })
}

fn list_evidence(words: &Words<'_>) -> Result<Outcome, String> {
    let listed = match crtx::list_evidence(&words.path("path")?) {
        Ok(listed) => listed,
        Err(error) => return Ok(outcome(Err(error))),
    };
    let mut outcome = outcome(Ok(vec![("count", text(listed.len()))]));
    let paths = listed.iter().enumerate();
    outcome.results.extend(paths.map(|(index, path)| ((index + 1).to_string(), bytes_of(path))));
    Ok(outcome)
}

fn verify_evidence(words: &Words<'_>) -> Called {
    let key = words.hex("public_key")?;
    at_path(words, |path| crtx::verify_evidence(path, &key).map(|()| vec![]))
}

/// The bytes of a signed document, which the document itself only borrows.
struct OwnedDocument {
    payload: Vec<u8>,
    signature: Vec<u8>,
    public_key: Vec<u8>,
    deployment_id: String,
    now_unix_ns: i64,
}

impl OwnedDocument {
    fn take(words: &Words<'_>) -> Result<OwnedDocument, String> {
        Ok(OwnedDocument {
            payload: words.bytes("payload")?,
            signature: words.hex("signature")?,
            public_key: words.hex("public_key")?,
            deployment_id: words.text("deployment_id")?,
            now_unix_ns: words.number("now")?,
        })
    }

    fn document(&self) -> SignedDocument<'_> {
        SignedDocument {
            payload: &self.payload,
            signature: &self.signature,
            public_key: &self.public_key,
            deployment_id: &self.deployment_id,
            now_unix_ns: self.now_unix_ns,
        }
    }
}

fn quarantine(words: &Words<'_>) -> Called {
    let (owned, allow) = (OwnedDocument::take(words)?, allow(words)?);
    at_path(words, |path| {
        let stale_path = crtx::quarantine(path, &owned.document(), allow)?;
        Ok(vec![("stale_path", bytes_of(&stale_path))])
    })
}

fn takeover(run: &mut Run<'_>, words: &Words<'_>) -> Called {
    let name = words.bytes("lock")?;
    let (owned, allow, options) = (OwnedDocument::take(words)?, allow(words)?, options(words)?);
    at_path(words, |path| {
        let taken = crtx::takeover(path, &owned.document(), allow, &options);
        let (lock, stale_path) = taken.map_err(|TakeoverError { error, .. }| error)?;
        run.locks.insert(name, lock);
        Ok(vec![("stale_path", bytes_of(&stale_path))])
    })
}

fn verify_takeover(words: &Words<'_>) -> Called {
    let (owned, allow) = (OwnedDocument::take(words)?, allow(words)?);
    at_path(words, |path| crtx::verify_takeover(path, &owned.document(), allow).map(|()| vec![]))
}

// ---- documents and keys ----

fn seconds(words: &Words<'_>) -> Result<u32, String> {
    u32::try_from(words.number("valid_for")?).map_err(|error| error.to_string())
}

fn build_takeover(words: &Words<'_>) -> Called {
    let deployment = words.optional("deployment_id")?.map(|_| words.text("deployment_id"));
    let (deployment, key) = (deployment.transpose()?, words.hex("public_key")?);
    let (why, seconds, now) = (words.text("justification")?, seconds(words)?, words.number("now")?);
    at_path(words, |path| {
        let built = crtx::build_takeover(path, deployment.as_deref(), &key, &why, seconds, now)?;
        Ok(vec![("payload", built)])
    })
}

fn with_intent<T>(
    words: &Words<'_>,
    call: impl FnOnce(&IntentExpectation<'_>) -> T,
) -> Result<T, String> {
    Ok(call(&IntentExpectation {
        active_db_path: &words.text("active_db_path")?,
        active_event_log_path: &words.text("active_event_log_path")?,
        backup_manifest_blake3: &words.text("backup_manifest_blake3")?,
        staged_sqlite_blake3: &words.text("staged_sqlite_blake3")?,
        staged_jsonl_blake3: &words.text("staged_jsonl_blake3")?,
    }))
}

fn build_intent(words: &Words<'_>) -> Called {
    let (deployment, key) = (words.text("deployment_id")?, words.hex("public_key")?);
    let (seconds, now) = (seconds(words)?, words.number("now")?);
    with_intent(words, |intent| {
        let built = attestation::build_intent(&deployment, intent, &key, seconds, now)?;
        Ok(vec![("payload", built)])
    })
}

fn verify_intent(words: &Words<'_>) -> Called {
    let owned = OwnedDocument::take(words)?;
    with_intent(words, |intent| {
        let digest = attestation::verify_intent(&owned.document(), intent)?;
        Ok(vec![("digest", text(digest))])
    })
}

fn sign(words: &Words<'_>) -> Called {
    let signed = crtx::sign(&words.hex("seed")?, &words.bytes("payload")?);
    Ok(signed.map(|signature| vec![("signature", to_hex(&signature))]))
}

fn public_key(words: &Words<'_>) -> Called {
    let key = crtx::public_key(&words.hex("seed")?);
    Ok(key.map(|key| vec![("public_key", to_hex(&key))]))
}

fn operator_principal(words: &Words<'_>) -> Called {
    let key = OperatorKey::from_bytes(&words.hex("public_key")?);
    Ok(key.map(|key| vec![("principal", key.principal().into_bytes())]))
}

fn status(words: &Words<'_>) -> Called {
    let number = i32::try_from(words.number("number")?).map_err(|error| error.to_string())?;
    let status = Status::from_number(number).ok_or("there is no such status")?;
    Ok(Ok(vec![("name", status.name().into()), ("message", status.message().into())]))
}
