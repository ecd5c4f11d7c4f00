// SPDX-License-Identifier: MIT OR Apache-2.0
//! Quarantine and takeover. The marker to be moved, the attestation, and what is removed afterwards are
//! not timed; the verification is, in the library's rows alone.

use std::ffi::CString;
use std::fs;
use std::path::Path;

use crate::Result;
use crate::crtx::{self, Key};
use crate::floor::{self, Evidence, Site};
use crate::place::Place;
use crate::row::{BARE, LIBCRTX, Rows, Sample, timed};
use crate::rows::lock::marker_text;

pub const QUARANTINE: &str = "quarantine";

pub fn add(rows: &mut Rows, place: &Place) -> Result<()> {
    let text = marker_text(place)?;
    let key = Key::of(0)?;
    let path = place.marker("quarantined")?;
    let settled = place.c_path.clone();
    rows.operation(QUARANTINE, &place.name).add(LIBCRTX, None, move || {
        floor::settle(&settled)?;
        quarantine(&path, &key)
    });
    let (directory, settled) = (place.subject("bare-quarantined")?, place.c_path.clone());
    let (site, evidence) = (Site::new(&directory, "marker", &text)?, evidence()?);
    rows.operation(QUARANTINE, &place.name).add(BARE, None, move || {
        leave_stale(&directory, site.text())?;
        floor::settle(&settled)?;
        let (took, ()) = timed(|| site.quarantine(&evidence))?;
        remove_evidence(&directory.join(STALE))?;
        Ok(Sample::of(vec![took]))
    });

    let key = Key::of(0)?;
    let (path, settled) = (place.marker("taken-over")?, place.c_path.clone());
    rows.operation("takeover", &place.name).add(LIBCRTX, None, move || {
        crtx::leave_stale(&path)?;
        let (document, mut stale) = (key.attest(&path)?, crtx::stale_path_buffer(&path));
        floor::settle(&settled)?;
        let (took, lock) = timed(|| crtx::take_over(&path, &document, &mut stale))?;
        crtx::release(lock)?;
        remove_evidence(Path::new(&*crtx::text(&stale).to_string_lossy()))?;
        Ok(Sample::of(vec![took]))
    });
    let (directory, settled) = (place.subject("bare-taken-over")?, place.c_path.clone());
    let (site, evidence) = (Site::new(&directory, "marker", &text)?, self::evidence()?);
    rows.operation("takeover", &place.name).add(BARE, None, move || {
        leave_stale(&directory, site.text())?;
        floor::settle(&settled)?;
        let (took, mut lock) = timed(|| site.take_over(&evidence))?;
        site.release(&mut lock, false)?;
        remove_evidence(&directory.join(STALE))?;
        Ok(Sample::of(vec![took]))
    });
    Ok(())
}

/// One quarantine by the library of a marker made for it.
pub fn quarantine(path: &CString, key: &Key) -> Result<Sample> {
    crtx::leave_stale(path)?;
    let (document, mut stale) = (key.attest(path)?, crtx::stale_path_buffer(path));
    let (took, ()) = timed(|| crtx::quarantine(path, &document, &mut stale))?;
    remove_evidence(Path::new(&*crtx::text(&stale).to_string_lossy()))?;
    Ok(Sample::of(vec![took]))
}

const STALE: &str = "marker.stale-20260101T000000Z";

/// A document of the size that an attestation has.
fn evidence() -> Result<Evidence> {
    Evidence::new(STALE, &[b'x'; 480], [0; 64])
}

fn leave_stale(directory: &Path, text: &[u8]) -> Result<()> {
    fs::write(directory.join("marker"), text)?;
    Ok(fs::write(directory.join("marker.flock"), b"")?)
}

fn remove_evidence(stale: &Path) -> Result<()> {
    for ending in ["", ".attestation.json", ".attestation.sig"] {
        let mut path = stale.as_os_str().to_owned();
        path.push(ending);
        fs::remove_file(path)?;
    }
    Ok(())
}
