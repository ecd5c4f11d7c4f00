// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lock itself, in every place: acquire and release, refusals, inspection, check.

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use crate::child::Peer;
use crate::crtx::{self, FULL, PROCESS_CRASH};
use crate::floor::{self, Block, Site, c_path};
use crate::place::Place;
use crate::row::{BARE, LIBCRTX, Rows, Sample, Target, timed, times};
use crate::{Result, worker};

pub const REFERENCE: &str = "reference protocol";
/// Operations of one round, if they do not sync; of those that do, one.
const FAST: usize = 12;

pub const DURABLE_ACQUIRE: &str = "durable acquire";
pub const DURABLE_CYCLE: &str = "durable acquire+release";
pub const CRASH_ONLY_CYCLE: &str = "crash-only acquire+release";
pub const REFUSED_HELD: &str = "refusal, held";
pub const REFUSED_STALE: &str = "refusal, stale";

/// The bare cycle with one check and no other; the numbers are benches/floor/floor.h's.
const LOOKS: [(&str, std::ffi::c_int); 6] = [
    ("bare C, directory's check only", 1),
    ("bare C, file system's check only", 2),
    ("bare C, companion's checks only", 4),
    ("bare C, look for a marker only", 8),
    ("bare C, new marker's checks only", 16),
    ("bare C, release's checks only", 32),
];

/// The text of a marker as the library writes it here.
pub fn marker_text(place: &Place) -> Result<Vec<u8>> {
    let path = place.marker("text")?;
    let lock = crtx::acquire(&path, PROCESS_CRASH, 0)?;
    let text = crtx::read(&path)?;
    crtx::release(lock)?;
    Ok(text)
}

pub fn add(rows: &mut Rows, place: &Place, is_main: bool) -> Result<()> {
    let text = marker_text(place)?;
    let bare = Rc::new(Site::new(&place.subject("bare")?, "marker", &text)?);
    let reference = Rc::new(Site::new(&place.subject("reference")?, "marker", &text)?);
    let crtx = Rc::new(place.marker("crtx")?);
    add_acquire(rows, place, &crtx, &bare, &reference);
    add_durable(rows, place, &crtx, &bare, &reference)?;
    add_crash_only(rows, place, &crtx, &bare, &reference, is_main);
    add_refusals(rows, place, &text)?;
    add_inspections(rows, place, &text)?;
    add_check(rows, place, &text)
}

/// Acquire alone; the release after it is not timed.
fn add_acquire(
    rows: &mut Rows,
    place: &Place,
    crtx: &Rc<CString>,
    bare: &Rc<Site>,
    reference: &Rc<Site>,
) {
    let mut operation = rows.operation(DURABLE_ACQUIRE, &place.name);
    let (path, settled) = (Rc::clone(crtx), place.c_path.clone());
    operation.add(LIBCRTX, Some(Target::Ratio(1.15)), move || {
        synced(&settled, || {
            let (took, lock) = timed(|| crtx::acquire(&path, FULL, 0))?;
            crtx::release(lock).map(|()| took)
        })
    });
    let (site, settled) = (Rc::clone(bare), place.c_path.clone());
    operation.add(BARE, None, move || {
        synced(&settled, || {
            let (took, mut lock) = timed(|| site.acquire(true))?;
            site.release(&mut lock, true).map(|()| took)
        })
    });
    let (site, settled) = (Rc::clone(reference), place.c_path.clone());
    operation.add(REFERENCE, None, move || {
        synced(&settled, || {
            let (took, mut lock) = timed(|| site.reference_acquire(true))?;
            site.reference_release(&mut lock).map(|()| took)
        })
    });
}

/// One that syncs; what earlier rows left to be written is written first.
pub fn synced(settled: &CStr, one: impl FnOnce() -> Result<u64>) -> Result<Sample> {
    floor::settle(settled)?;
    Ok(Sample::of(vec![one()?]))
}

fn add_durable(
    rows: &mut Rows,
    place: &Place,
    crtx: &Rc<CString>,
    bare: &Rc<Site>,
    reference: &Rc<Site>,
) -> Result<()> {
    let mut operation = rows.operation(DURABLE_CYCLE, &place.name);
    let (path, settled) = (Rc::clone(crtx), place.c_path.clone());
    operation.add(LIBCRTX, Some(Target::Ratio(1.15)), move || {
        synced(&settled, || Ok(timed(|| crtx::release(crtx::acquire(&path, FULL, 0)?))?.0))
    });
    let (site, settled) = (Rc::clone(bare), place.c_path.clone());
    operation.add(BARE, None, move || {
        synced(&settled, || Ok(timed(|| site.release(&mut site.acquire(true)?, true))?.0))
    });
    let (site, settled) = (Rc::clone(reference), place.c_path.clone());
    operation.add(REFERENCE, None, move || {
        synced(&settled, || {
            Ok(timed(|| site.reference_release(&mut site.reference_acquire(true)?))?.0)
        })
    });
    let block = Block::open(&place.subject("block")?.join("block"))?;
    let settled = place.c_path.clone();
    operation.add("one pwrite+fdatasync", None, move || {
        synced(&settled, || Ok(timed(|| block.write_and_sync())?.0))
    });
    Ok(())
}

fn add_crash_only(
    rows: &mut Rows,
    place: &Place,
    crtx: &Rc<CString>,
    bare: &Rc<Site>,
    reference: &Rc<Site>,
    is_main: bool,
) {
    let mut operation = rows.operation(CRASH_ONLY_CYCLE, &place.name);
    let path = Rc::clone(crtx);
    operation.add(LIBCRTX, Some(Target::Ratio(1.3)), move || {
        times(FAST, || crtx::release(crtx::acquire(&path, PROCESS_CRASH, 0)?))
    });
    let site = Rc::clone(bare);
    operation
        .add(BARE, None, move || times(FAST, || site.release(&mut site.acquire(false)?, false)));
    let site = Rc::clone(bare);
    operation.add("bare C, no checks", None, move || times(FAST, || site.cycle_with(0)));
    if is_main {
        for (subject, looks) in LOOKS {
            let site = Rc::clone(bare);
            operation.add(subject, None, move || times(FAST, || site.cycle_with(looks)));
        }
    }
    let site = Rc::clone(reference);
    operation.add(REFERENCE, None, move || {
        times(FAST, || site.reference_release(&mut site.reference_acquire(false)?))
    });
}

/// Another process holds the one marker, as it is in life; the other is stale.
fn add_refusals(rows: &mut Rows, place: &Place, text: &[u8]) -> Result<()> {
    let (directory, path) = (place.subject("held")?, place.marker("held")?);
    let mut holder = Peer::worker()?;
    holder.ask(&["hold".as_ref(), directory.join("marker").as_os_str(), "1".as_ref()])?;
    if !worker::is_held(&path)? {
        return Err("the worker does not hold its lock".into());
    }
    let holder = holder.shared();
    let site = Site::new(&directory, "marker", text)?;
    let mut operation = rows.operation(REFUSED_HELD, &place.name);
    operation.add(LIBCRTX, Some(Target::Ratio(2.0)), move || {
        let _holder = &holder;
        times(FAST, || crtx::be_refused(&path))
    });
    operation.add(BARE, None, move || times(FAST, || site.be_refused_by_a_holder()));

    let (directory, path) = (place.subject("stale")?, place.marker("stale")?);
    crtx::leave_stale(&path)?;
    let site = Site::new(&directory, "marker", text)?;
    let mut operation = rows.operation(REFUSED_STALE, &place.name);
    operation
        .add(LIBCRTX, Some(Target::Ratio(2.0)), move || times(FAST, || crtx::be_refused(&path)));
    operation.add(BARE, None, move || times(FAST, || site.be_refused_by_a_stale_marker()));
    Ok(())
}

fn add_inspections(rows: &mut Rows, place: &Place, text: &[u8]) -> Result<()> {
    let cases = [
        ("inspect, held", "held", crtx::STATE_HELD),
        ("inspect, stale", "stale", crtx::STATE_STALE),
        ("inspect, absent", "absent", crtx::STATE_ABSENT),
    ];
    for (name, subject, state) in cases {
        let path = place.marker(subject)?;
        let site = Site::new(&place.subject(subject)?, "marker", text)?;
        let mut marker = crtx::empty_marker();
        let mut operation = rows.operation(name, &place.name);
        operation.add(LIBCRTX, Some(Target::Ratio(2.0)), move || {
            times(FAST, || {
                let found = crtx::inspect(&path, &mut marker)?;
                if found == state { Ok(()) } else { Err(format!("state {found}").into()) }
            })
        });
        operation.add(BARE, None, move || times(FAST, || site.inspect()));
    }
    Ok(())
}

fn add_check(rows: &mut Rows, place: &Place, text: &[u8]) -> Result<()> {
    let path = c_path(&place.subject("checked")?.join("marker"))?;
    let lock = crtx::acquire(&path, PROCESS_CRASH, 0)?;
    let site = Site::new(&place.subject("checked-bare")?, "marker", text)?;
    let bare = site.acquire(false)?;
    let mut operation = rows.operation("check", &place.name);
    operation.add(LIBCRTX, Some(Target::Ratio(2.0)), move || times(FAST, || crtx::check(lock)));
    operation.add(BARE, None, move || times(FAST, || site.check(&bare)));
    Ok(())
}

/// A path as a word for a child.
pub fn word(path: &CStr) -> &std::ffi::OsStr {
    std::ffi::OsStr::from_bytes(path.to_bytes())
}
