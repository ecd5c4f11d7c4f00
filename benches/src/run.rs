// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rounds: in each, every row once, in an order of chance, so that noise hits all alike. Rows that are
//! compared with each other follow each other, because noise that comes and goes is then the same for them.

use std::collections::BTreeMap;

use crate::Result;
use crate::row::Row;
use crate::stats::{Random, Ratio, median, quantile, ratio, sorted};

/// What was measured of one row.
#[derive(Default)]
struct Measured {
    times: Vec<f64>,
    figures: BTreeMap<usize, f64>,
    notes: BTreeMap<&'static str, Vec<f64>>,
}

/// What is reported of one row.
pub struct Summary {
    pub count: usize,
    pub median: f64,
    pub p99: f64,
    /// To what, and how much of it.
    pub ratio: Option<(String, Ratio)>,
    pub notes: Vec<(&'static str, f64)>,
    pub met: Option<bool>,
}

pub fn run(rows: &mut [Row], warm_up: usize, rounds: usize, seed: u64) -> Result<Vec<Summary>> {
    let mut random = Random(seed);
    let mut measured: Vec<Measured> = rows.iter().map(|_| Measured::default()).collect();
    let mut groups = groups(rows);
    for round in 0..warm_up + rounds {
        random.shuffle(&mut groups);
        groups.iter_mut().for_each(|group| random.shuffle(group));
        let counted = round.checked_sub(warm_up);
        for &index in groups.iter().flatten() {
            let row = &mut rows[index];
            if counted.unwrap_or(round) % row.every != 0 {
                continue;
            }
            let sample = (row.action)().map_err(|error| {
                format!("{}, {} ({}): {error}", row.operation, row.subject, row.place)
            })?;
            let Some(counted) = counted else { continue };
            let times: Vec<f64> = sample.times.iter().map(|&time| time as f64).collect();
            if times.is_empty() {
                return Err(format!("{}, {}: no times", row.operation, row.subject).into());
            }
            let into = &mut measured[index];
            into.figures.insert(counted, sample.figure.unwrap_or_else(|| median(&times)));
            into.times.extend(times);
            for (name, value) in sample.notes {
                into.notes.entry(name).or_default().push(value);
            }
        }
        progress(round + 1, warm_up + rounds);
    }
    summaries(rows, &measured, &mut random)
}

/// The rows with the same place and the same base.
fn groups(rows: &[Row]) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let base = row.against.as_ref().map_or(&row.operation, |(operation, _)| operation);
        groups.entry((base, &row.place)).or_default().push(index);
    }
    groups.into_values().collect()
}

fn progress(done: usize, all: usize) {
    if done == all || done % 10 == 0 {
        eprintln!("bench: {done} of {all} rounds");
    }
}

fn summaries(rows: &[Row], measured: &[Measured], random: &mut Random) -> Result<Vec<Summary>> {
    let find = |row: &Row, operation: &str, subject: &str| {
        rows.iter().position(|other| {
            other.operation == operation && other.subject == subject && other.place == row.place
        })
    };
    let mut summaries = Vec::with_capacity(rows.len());
    for (row, own) in rows.iter().zip(measured) {
        let times = sorted(&own.times);
        let mut summary = Summary {
            count: times.len(),
            median: median(&times),
            p99: quantile(&times, 0.99),
            ratio: None,
            notes: own.notes.iter().map(|(&name, values)| (name, median(values))).collect(),
            met: None,
        };
        let mut base = None;
        if let Some((operation, subject)) = &row.against {
            let Some(index) = find(row, operation, subject) else {
                return Err(format!("{}: there is no {operation}, {subject}", row.operation).into());
            };
            let against = &measured[index];
            base = Some(median(&against.times));
            let pairs: Vec<(f64, f64)> = own
                .figures
                .iter()
                .filter_map(|(round, &ours)| Some((ours, *against.figures.get(round)?)))
                .collect();
            let name = if *operation == row.operation {
                (*subject).into()
            } else {
                format!("{subject}: {operation}")
            };
            summary.ratio = Some((name, ratio(&pairs, random)));
        }
        summary.met = is_met(row, &summary, base);
        summaries.push(summary);
    }
    Ok(summaries)
}

fn is_met(row: &Row, summary: &Summary, base: Option<f64>) -> Option<bool> {
    use crate::row::Target::{Above, Median, Ratio};
    Some(match row.target? {
        Ratio(limit) => summary.ratio.as_ref()?.1.median <= limit,
        Median(limit) => summary.median <= limit,
        Above(limit) => summary.median - base? <= limit,
    })
}
