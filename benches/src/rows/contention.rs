// SPDX-License-Identifier: MIT OR Apache-2.0
//! 2 to 64 processes that take the same lock, give it back, pause for 100 us, and want it again. A time is
//! that of one call of acquire; the ratio is of the window's time per acquire.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::rc::Rc;
use std::time::Duration;

use crate::Result;
use crate::child::Peer;
use crate::place::Place;
use crate::row::{BARE_FLOCK, LIBCRTX, Rows, Sample};
use crate::rows::lock::word;
use crate::stats::fairness;
use crate::worker::clock;

const PROCESSES: [usize; 6] = [2, 4, 8, 16, 32, 64];
const START: Duration = Duration::from_millis(15);

pub fn add(rows: &mut Rows, place: &Place, window: Duration, every: usize) -> Result<()> {
    let most = PROCESSES[PROCESSES.len() - 1];
    let crowd = (0..most).map(|_| Peer::worker()).collect::<Result<Vec<_>>>()?;
    let crowd = Rc::new(RefCell::new(crowd));
    let path = place.marker("contended")?;
    let file = place.marker("contended-flock")?;
    for count in PROCESSES {
        let name = format!("contention, {count} processes");
        let mut operation =
            rows.operation(&name, &place.name).against(&name, BARE_FLOCK).every(every);
        let (its, own) = (Rc::clone(&crowd), path.clone());
        operation.add(LIBCRTX, None, move || {
            contend(&mut its.borrow_mut()[..count], word(&own), window)
        });
        let (its, own) = (Rc::clone(&crowd), file.clone());
        operation.add(BARE_FLOCK, None, move || {
            let processes = &mut its.borrow_mut()[..count];
            for process in processes.iter_mut() {
                process.ask(&["flock-open".as_ref(), word(&own)])?;
            }
            let sample = contend(processes, word(&own), window);
            for process in processes {
                process.ask(&["flock-close".as_ref()])?;
            }
            sample
        });
    }
    Ok(())
}

fn contend(processes: &mut [Peer], path: &OsStr, window: Duration) -> Result<Sample> {
    let start = clock(libc::CLOCK_MONOTONIC) + START.as_nanos() as u64;
    let end = start + window.as_nanos() as u64;
    let (start, last) = (start.to_string(), end.to_string());
    for process in processes.iter_mut() {
        process.request(&["contend".as_ref(), path, start.as_ref(), last.as_ref()])?;
    }
    let (mut counts, mut waits, mut handed_over, mut longest) = (vec![], vec![], 0, 0);
    for process in processes {
        let answer = process.answer()?;
        let numbers = answer.iter().map(|word| word.parse());
        let numbers = numbers.collect::<std::result::Result<Vec<u64>, _>>()?;
        let [count, after_another, max, rest @ ..] = &numbers[..] else {
            return Err("no counts".into());
        };
        counts.push(*count as f64);
        handed_over += after_another;
        longest = longest.max(*max);
        waits.extend_from_slice(rest);
    }
    let taken: f64 = counts.iter().sum();
    let seconds = window.as_secs_f64();
    Ok(Sample {
        times: waits,
        figure: Some(1e9 * seconds / taken),
        notes: vec![
            ("acquired per second", taken / seconds),
            ("hand-offs per second", handed_over as f64 / seconds),
            ("longest wait, ms", longest as f64 / 1e6),
            ("fairness (Jain)", fairness(&counts)),
        ],
    })
}
