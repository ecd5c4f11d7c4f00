// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many locks in one process, and many quarantined files in one directory: the cost of a call is to
//! stay what it is with one.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::rc::Rc;

use crate::child::{Peer, Shared};
use crate::crtx::{self, Key, PROCESS_CRASH};
use crate::floor::{self, Site};
use crate::place::Place;
use crate::row::{BARE, LIBCRTX, Rows, Sample, Target, times};
use crate::rows::lock::{marker_text, word};
use crate::rows::stale::{QUARANTINE, quarantine};
use crate::{Result, worker};

/// What "independent of how many there are" is held to: no more than noise and wider trees.
const FLAT: Target = Target::Ratio(1.25);
const COUNT: usize = 12;
const LOCKS: [u64; 4] = [1, 10, 1_000, 10_000];
pub const QUARANTINED: usize = 100_000;

pub fn add_locks(rows: &mut Rows, place: &Place) -> Result<()> {
    let most = worker::most_locks();
    let mut counts = LOCKS.to_vec();
    if most < LOCKS[LOCKS.len() - 1] {
        // What can be held here, beside the row that has to be skipped.
        counts.extend([most / 1000 * 1000].iter().filter(|&&count| count > 1000));
    }
    for held in counts {
        let directory = place.subject(&format!("many-{held}"))?;
        let own = place.marker(&format!("beside-many-{held}"))?;
        let worker = if most < held {
            Err(format!("the limit of open files lets a process hold {most}"))
        } else {
            let mut worker = Peer::worker()?;
            worker.ask(&["many".as_ref(), directory.as_os_str(), held.to_string().as_ref()])?;
            Ok(worker.shared())
        };
        for (operation, command) in [
            ("crash-only acquire+release", "cycle"),
            ("check", "check"),
            ("inspect, held", "inspect"),
        ] {
            let name = |held: u64| format!("{operation}, {} held", with_commas(held));
            let target = (held > 1).then_some(FLAT);
            let action = match &worker {
                Ok(worker) => Ok(asking(Rc::clone(worker), command, own.clone())),
                Err(reason) => Err(reason.clone().into()),
            };
            rows.operation(&name(held), &place.name)
                .against(&name(1), LIBCRTX)
                .add_if(LIBCRTX, target, action);
        }
    }
    Ok(())
}

fn asking(worker: Shared, command: &'static str, own: CString) -> impl FnMut() -> Result<Sample> {
    move || {
        let count = COUNT.to_string();
        let words: Vec<&OsStr> = if command == "cycle" {
            vec![command.as_ref(), word(&own), count.as_ref()]
        } else {
            vec![command.as_ref(), count.as_ref()]
        };
        Ok(Sample::of(worker.borrow_mut().numbers(&words)?))
    }
}

fn with_commas(number: u64) -> String {
    if number < 1000 {
        number.to_string()
    } else {
        format!("{},{:03}", number / 1000, number % 1000)
    }
}

/// The same calls in a directory with nothing in it and in one with 100,000 files that earlier
/// quarantines left (empty here: no call of these reads them).
pub fn add_quarantined(rows: &mut Rows, place: &Place) -> Result<()> {
    let text = marker_text(place)?;
    let full = place.subject("quarantined-full")?;
    for index in 0..QUARANTINED {
        let (day, second) = (index / 86_400 + 1, index % 86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let time = format!("202601{day:02}T{hour:02}{minute:02}{second:02}Z");
        File::create(full.join(format!("marker.stale-{time}")))?;
    }
    for (subject, what, target) in [
        ("quarantined-none", "nothing quarantined", None),
        ("quarantined-full", "100,000 quarantined files", Some(FLAT)),
    ] {
        let path = place.marker(subject)?;
        let own = path.clone();
        let site = Site::new(&place.subject(subject)?, "bare", &text)?;
        // Creating a file in a large directory takes the kernel longer: so beside the bare calls there.
        let mut operation =
            rows.operation(&format!("crash-only acquire+release, {what}"), &place.name);
        operation.add(LIBCRTX, Some(Target::Ratio(1.3)), move || {
            times(COUNT, || crtx::release(crtx::acquire(&own, PROCESS_CRASH, 0)?))
        });
        operation.add(BARE, None, move || {
            times(COUNT, || site.release(&mut site.acquire(false)?, false))
        });
        let (own, mut marker) = (path.clone(), crtx::empty_marker());
        rows.operation(&format!("inspect, absent, {what}"), &place.name)
            .against("inspect, absent, nothing quarantined", LIBCRTX)
            .add(LIBCRTX, target, move || {
                times(COUNT, || crtx::inspect(&own, &mut marker).map(drop))
            });
        let (key, settled) = (Key::of(0)?, place.c_path.clone());
        rows.operation(&format!("{QUARANTINE}, {what}"), &place.name)
            .against(&format!("{QUARANTINE}, nothing quarantined"), LIBCRTX)
            .add(LIBCRTX, target, move || {
                floor::settle(&settled)?;
                quarantine(&path, &key)
            });
    }
    Ok(())
}
