// SPDX-License-Identifier: MIT OR Apache-2.0
//! Measures libcrtx, the bare system calls and the locks of others side by side, in one run.
//! `make bench` builds what it needs and starts it; docs/performance.md explains the rows.

mod child;
mod crtx;
mod floor;
mod options;
mod place;
mod report;
mod row;
mod rows;
mod run;
mod stats;
mod worker;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use options::Options;
use place::Place;
use row::Rows;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What is built beside this program.
pub struct Programs {
    pub library: PathBuf,
    pub loader: PathBuf,
    pub empty_library: PathBuf,
    pub python: PathBuf,
    pub python_peers: PathBuf,
    pub go_peers: PathBuf,
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let done = if arguments.first().is_some_and(|word| word == "worker") {
        worker::run().map(|()| true)
    } else {
        Options::parse(&arguments).and_then(|options| bench(&options))
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all targets are met, if that was asked.
fn bench(options: &Options) -> Result<bool> {
    rows::peers::all_exist(&options.programs)?;
    let places = options.places.iter().map(|(name, parent)| Place::new(name, parent));
    let places: Vec<Place> = places.collect::<Result<_>>()?;
    let Some(first) = places.first() else { return Err("no --place".into()) };
    // The place with all rows: an ext4 whose make is known, if there is one.
    let main = places.iter().find(|place| place.name == "ext4").unwrap_or(first);
    let mut rows = Rows::default();
    let mut versions = vec![("libcrtx".to_owned(), crtx::version())];
    versions.extend(floor::versions().map(|(name, version)| (name.to_owned(), version)));
    versions.extend(options.versions.clone());
    for place in &places {
        rows::lock::add(&mut rows, place, place.name == main.name)?;
        rows::stale::add(&mut rows, place)?;
        if place.name == first.name || place.name == main.name {
            for version in rows::peers::add(&mut rows, place, &options.programs)? {
                if !versions.contains(&version) {
                    versions.push(version);
                }
            }
        }
    }
    rows::documents::add(&mut rows)?;
    rows::load::add(&mut rows, &options.programs);
    rows::handoff::add(&mut rows, main)?;
    rows::crowd::add_locks(&mut rows, main)?;
    rows::crowd::add_quarantined(&mut rows, main)?;
    let (window, every) = if options.smoke {
        (Duration::from_millis(60), 1)
    } else {
        (Duration::from_millis(200), 6)
    };
    rows::contention::add(&mut rows, main, window, every)?;

    eprintln!(
        "bench: {} rows, {} rounds after {} to warm up, seed {}",
        rows.rows.len(),
        options.rounds,
        options.warm_up,
        options.seed
    );
    let summaries = run::run(&mut rows.rows, options.warm_up, options.rounds, options.seed)?;
    print!("{}", report::table(&rows.rows, &summaries, &rows.skipped));
    if let Some(path) = &options.json {
        let report = json!({
            "schema": 1,
            "measured_at": options.date,
            "commit": options.commit,
            "machine": machine(),
            "seed": options.seed,
            "rounds": options.rounds,
            "warm_up": options.warm_up,
            "versions": versions.into_iter().map(|(name, it)| (name, it.into()))
                .collect::<serde_json::Map<String, Value>>(),
            "main_place": main.name,
            "places": places.iter().map(|it| json!({
                "name": it.name, "filesystem": it.filesystem(),
            })).collect::<Value>(),
            "rows": report::rows_as_json(&rows.rows, &summaries),
            "skipped": report::skipped_as_json(&rows.skipped),
        });
        fs::write(path, format!("{report:#}\n"))?;
    }
    let missed = summaries.iter().filter(|summary| summary.met == Some(false)).count();
    let targets = summaries.iter().filter(|summary| summary.met.is_some()).count();
    println!("targets: {} of {targets} met", targets - missed);
    Ok(!options.check_targets || missed == 0)
}

fn machine() -> Value {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    json!({
        "cpu": model.map_or("unknown", |(_, name)| name),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "kernel": version_of(&read("/proc/sys/kernel/osrelease")),
        "architecture": std::env::consts::ARCH,
    })
}

/// The three numbers of a kernel's release; what its maker appends is a name.
fn version_of(release: &str) -> &str {
    let mut dots = 0;
    let is_past = |it: char| {
        dots += usize::from(it == '.');
        !(it.is_ascii_digit() || it == '.' && dots < 3)
    };
    release.find(is_past).map_or(release, |end| &release[..end])
}
