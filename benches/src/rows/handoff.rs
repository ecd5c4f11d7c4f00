// SPDX-License-Identifier: MIT OR Apache-2.0
//! From one process to the next that waits: from the call of release to the return of acquire. And
//! what waiting costs.

use std::ffi::{CString, OsStr};
use std::rc::Rc;
use std::thread::sleep;
use std::time::Duration;

use crate::child::{Peer, Shared};
use crate::crtx::{FULL, PROCESS_CRASH};
use crate::floor::Site;
use crate::place::Place;
use crate::row::{BARE_FLOCK, LIBCRTX, Rows, Sample, Target, timed};
use crate::rows::lock::{marker_text, word};
use crate::{Result, worker};

const TARGET: Option<Target> = Some(Target::Median(2e6));
/// What has to be done between the two, by one process that need not wait.
const BARE_SEQUENCE: &str = "bare C, release then acquire";
/// Long enough for the waiter to be past its first tries.
const SHORT: Duration = Duration::from_millis(25);
const WAITING: &str = "CPU time of waiting 500 ms";
const LONG: Duration = Duration::from_millis(500);

/// One process that has it and one that waits for it.
struct Pair {
    holder: Shared,
    waiter: Shared,
    path: CString,
}

pub fn add(rows: &mut Rows, place: &Place) -> Result<()> {
    let text = marker_text(place)?;
    let pair = Rc::new(Pair {
        holder: Peer::worker()?.shared(),
        waiter: Peer::worker()?.shared(),
        path: place.marker("handoff")?,
    });
    let flocks = Rc::new(Pair {
        holder: Peer::worker()?.shared(),
        waiter: Peer::worker()?.shared(),
        path: place.marker("handoff-flock")?,
    });
    for peer in [&flocks.holder, &flocks.waiter] {
        peer.borrow_mut().ask(&["flock-open".as_ref(), word(&flocks.path)])?;
    }

    for (name, durability) in [("handoff, crash-only", PROCESS_CRASH), ("handoff, durable", FULL)] {
        let mut operation = rows.operation(name, &place.name).against(name, BARE_SEQUENCE);
        let its = Rc::clone(&pair);
        operation.add(LIBCRTX, TARGET, move || {
            let (handed_over, _) = its.hand_over(durability, SHORT)?;
            Ok(Sample::of(vec![handed_over]))
        });
        let its = Rc::clone(&flocks);
        operation
            .add(BARE_FLOCK, None, move || Ok(Sample::of(vec![its.hand_over_flock(SHORT)?.0])));
        let site = Site::new(&place.subject("handoff-bare")?, "marker", &text)?;
        let durable = durability == FULL;
        operation.add(BARE_SEQUENCE, None, move || {
            let mut lock = site.acquire(durable)?;
            let (took, mut next) = timed(|| {
                site.release(&mut lock, durable)?;
                site.acquire(durable)
            })?;
            site.release(&mut next, durable)?;
            Ok(Sample::of(vec![took]))
        });
    }
    let mut operation = rows.operation(WAITING, &place.name).against(WAITING, BARE_FLOCK).every(10);
    operation
        .add(LIBCRTX, None, move || Ok(Sample::of(vec![pair.hand_over(PROCESS_CRASH, LONG)?.1])));
    operation.add(BARE_FLOCK, None, move || Ok(Sample::of(vec![flocks.hand_over_flock(LONG)?.1])));
    Ok(())
}

impl Pair {
    /// The nanoseconds from release to acquire, and the waiter's CPU time.
    fn hand_over(&self, durability: u32, hold: Duration) -> Result<(u64, u64)> {
        let (mut holder, mut waiter) = (self.holder.borrow_mut(), self.waiter.borrow_mut());
        let durability = durability.to_string();
        let rest: [&OsStr; 2] = [word(&self.path), durability.as_ref()];
        holder.ask(&["hold".as_ref(), rest[0], rest[1]])?;
        waiter.request(&["wait".as_ref(), rest[0], rest[1]])?;
        sleep(hold);
        if !worker::is_held(&self.path)? {
            return Err("the holder does not hold its lock".into());
        }
        let released = holder.numbers(&["release".as_ref()])?;
        let waited = waiter.answer()?;
        waiter.ask(&["release".as_ref()])?;
        times_of(&released, &waited)
    }

    fn hand_over_flock(&self, hold: Duration) -> Result<(u64, u64)> {
        let (mut holder, mut waiter) = (self.holder.borrow_mut(), self.waiter.borrow_mut());
        holder.ask(&["flock-wait".as_ref()])?;
        waiter.request(&["flock-wait".as_ref()])?;
        sleep(hold);
        let released = holder.numbers(&["flock-release".as_ref()])?;
        let waited = waiter.answer()?;
        waiter.ask(&["flock-release".as_ref()])?;
        times_of(&released, &waited)
    }
}

fn times_of(released: &[u64], waited: &[String]) -> Result<(u64, u64)> {
    let called = *released.first().ok_or("no time of release")?;
    let [returned, used, _] = waited else { return Err("no times of the waiter".into()) };
    let returned: u64 = returned.parse()?;
    if returned < called {
        return Err("acquired before it was released".into());
    }
    Ok((returned - called, used.parse()?))
}
