// SPDX-License-Identifier: MIT OR Apache-2.0
//! A row of the table: one operation by one subject in one place, and how to measure it once.

use std::time::Instant;

use crate::Result;

/// The subjects that others are compared with.
pub const LIBCRTX: &str = "libcrtx";
pub const BARE: &str = "bare C";
/// The kernel's lock on an open file, and nothing else: no marker, no name, no check.
pub const BARE_FLOCK: &str = "bare flock";

/// Nothing is promised where a sync costs nothing; it is measured for what it shows.
const NO_TARGETS: &str = "tmpfs";

/// What is asked of a row of the library.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// At most so many times what it is compared with.
    Ratio(f64),
    /// A median of at most so many nanoseconds.
    Median(f64),
    /// A median of at most so many nanoseconds more than what it is compared with.
    Above(f64),
}

/// What one round gives.
#[derive(Debug, Default)]
pub struct Sample {
    /// Nanoseconds, one for each operation.
    pub times: Vec<u64>,
    /// What the round's ratio is made of, if it is not the median of the times.
    pub figure: Option<f64>,
    /// Further figures, by name.
    pub notes: Vec<(&'static str, f64)>,
}

impl Sample {
    pub fn of(times: Vec<u64>) -> Sample {
        Sample { times, ..Sample::default() }
    }
}

pub type Action = Box<dyn FnMut() -> Result<Sample>>;

pub struct Row {
    pub operation: String,
    pub subject: &'static str,
    pub place: String,
    /// The subject, of the same place, that the ratio is to, and its operation if it is another.
    pub against: Option<(String, &'static str)>,
    pub target: Option<Target>,
    /// It is measured in every round, or in every fifth, and so on.
    pub every: usize,
    pub action: Action,
}

/// A row that cannot be measured here, and why.
pub struct Skipped {
    pub operation: String,
    pub subject: &'static str,
    pub place: String,
    pub reason: String,
}

#[derive(Default)]
pub struct Rows {
    pub rows: Vec<Row>,
    pub skipped: Vec<Skipped>,
}

/// An operation in one place, to which rows are added; all are compared with `against`.
pub struct Operation<'a> {
    rows: &'a mut Rows,
    name: String,
    place: String,
    every: usize,
    against: Option<(String, &'static str)>,
}

impl Rows {
    pub fn operation(&mut self, name: &str, place: &str) -> Operation<'_> {
        let against = Some((name.to_owned(), BARE));
        Operation { rows: self, name: name.into(), place: place.into(), every: 1, against }
    }
}

impl Operation<'_> {
    /// Compares with another subject than the bare calls, perhaps of another operation.
    pub fn against(mut self, operation: &str, subject: &'static str) -> Self {
        self.against = Some((operation.to_owned(), subject));
        self
    }

    pub fn every(mut self, rounds: usize) -> Self {
        self.every = rounds;
        self
    }

    pub fn add<F>(&mut self, subject: &'static str, target: Option<Target>, action: F)
    where
        F: FnMut() -> Result<Sample> + 'static,
    {
        let own = (self.name.clone(), subject);
        self.rows.rows.push(Row {
            operation: self.name.clone(),
            subject,
            place: self.place.clone(),
            against: self.against.clone().filter(|against| *against != own),
            target: target.filter(|_| self.place != NO_TARGETS),
            every: self.every,
            action: Box::new(action),
        });
    }

    /// The action may not be possible here: then the row is skipped, with the reason.
    pub fn add_if<F>(&mut self, subject: &'static str, target: Option<Target>, action: Result<F>)
    where
        F: FnMut() -> Result<Sample> + 'static,
    {
        match action {
            Ok(action) => self.add(subject, target, action),
            Err(reason) => self.rows.skipped.push(Skipped {
                operation: self.name.clone(),
                subject,
                place: self.place.clone(),
                reason: reason.to_string(),
            }),
        }
    }
}

/// The nanoseconds that `work` takes, and what it gives.
pub fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(u64, T)> {
    let start = Instant::now();
    let done = work();
    let took = start.elapsed();
    Ok((u64::try_from(took.as_nanos())?, done?))
}

/// The times of so many calls of `work`.
pub fn times(count: usize, mut work: impl FnMut() -> Result<()>) -> Result<Sample> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        times.push(timed(&mut work)?.0);
    }
    Ok(Sample::of(times))
}
