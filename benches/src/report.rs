// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table for people, and the JSON from which benches/report.py makes page and chart.

use serde_json::{Value, json};

use crate::row::{Row, Skipped, Target};
use crate::run::Summary;

/// One line a row, the rows of one operation and place together.
pub fn table(rows: &[Row], summaries: &[Summary], skipped: &[Skipped]) -> String {
    let mut text = String::new();
    let mut group = None;
    for (row, summary) in rows_in_order(rows, summaries) {
        if group != Some((&row.operation, &row.place)) {
            group = Some((&row.operation, &row.place));
            text.push_str(&format!("\n{} ({})\n", row.operation, row.place));
        }
        let ratio = summary.ratio.as_ref().map_or(String::new(), |(to, ratio)| {
            format!("{:>6.2} x {to} [{:.2}, {:.2}]", ratio.median, ratio.low, ratio.high)
        });
        text.push_str(&format!(
            "  {:<34} {:>7} {:>10} {:>10}  {ratio}{}\n",
            row.subject,
            summary.count,
            duration(summary.median),
            duration(summary.p99),
            verdict(row, summary),
        ));
        for (name, value) in &summary.notes {
            text.push_str(&format!("  {:<34} {value:>29.2}\n", format!("  {name}")));
        }
    }
    let head = format!("  {:<34} {:>7} {:>10} {:>10}  {}\n", "", "n", "median", "p99", "ratio");
    let skipped: String = skipped
        .iter()
        .map(|it| {
            format!("skipped: {}, {} ({}): {}\n", it.operation, it.subject, it.place, it.reason)
        })
        .collect();
    format!("{head}{text}\n{skipped}")
}

/// By operation and place in the order in which they were added first.
fn rows_in_order<'a>(rows: &'a [Row], summaries: &'a [Summary]) -> Vec<(&'a Row, &'a Summary)> {
    let mut groups: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        if !groups.contains(&(&row.operation, &row.place)) {
            groups.push((&row.operation, &row.place));
        }
    }
    let mut pairs: Vec<_> = rows.iter().zip(summaries).collect();
    pairs.sort_by_key(|(row, _)| {
        groups.iter().position(|group| *group == (row.operation.as_str(), row.place.as_str()))
    });
    pairs
}

fn verdict(row: &Row, summary: &Summary) -> String {
    let Some(met) = summary.met else { return String::new() };
    let wanted = match row.target {
        Some(Target::Ratio(limit)) => format!("at most {limit}"),
        Some(Target::Median(limit)) => format!("at most {}", duration(limit)),
        Some(Target::Above(limit)) => format!("at most {} more", duration(limit)),
        None => return String::new(),
    };
    format!("  {}: {wanted}", if met { "met" } else { "MISSED" })
}

pub fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        it if it < 1e3 => format!("{it:.0} ns"),
        it if it < 1e6 => format!("{:.1} us", it / 1e3),
        it if it < 1e9 => format!("{:.2} ms", it / 1e6),
        it => format!("{:.2} s", it / 1e9),
    }
}

pub fn rows_as_json(rows: &[Row], summaries: &[Summary]) -> Value {
    rows_in_order(rows, summaries)
        .into_iter()
        .map(|(row, summary)| {
            let mut it = json!({
                "operation": row.operation,
                "subject": row.subject,
                "place": row.place,
                "n": summary.count,
                "median_ns": rounded(summary.median, 0),
                "p99_ns": rounded(summary.p99, 0),
            });
            if let Some((to, ratio)) = &summary.ratio {
                it["ratio"] = json!({
                    "to": to,
                    "median": rounded(ratio.median, 3),
                    "low": rounded(ratio.low, 3),
                    "high": rounded(ratio.high, 3),
                });
            }
            if let (Some(target), Some(met)) = (row.target, summary.met) {
                let (kind, limit) = match target {
                    Target::Ratio(limit) => ("ratio", limit),
                    Target::Median(limit) => ("median_ns", limit),
                    Target::Above(limit) => ("above_ns", limit),
                };
                it["target"] = json!({ "kind": kind, "limit": limit, "met": met });
            }
            for (name, value) in &summary.notes {
                it["notes"][*name] = json!(rounded(*value, 3));
            }
            it
        })
        .collect()
}

pub fn skipped_as_json(skipped: &[Skipped]) -> Value {
    skipped
        .iter()
        .map(|it| {
            json!({
                "operation": it.operation,
                "subject": it.subject,
                "place": it.place,
                "reason": it.reason,
            })
        })
        .collect()
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}
