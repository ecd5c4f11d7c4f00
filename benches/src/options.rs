// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line. scripts/bench.sh writes it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{Programs, Result};

pub struct Options {
    /// Name and directory of each place; the first has all rows.
    pub places: Vec<(String, PathBuf)>,
    pub programs: Programs,
    pub json: Option<PathBuf>,
    pub rounds: usize,
    pub warm_up: usize,
    pub seed: u64,
    pub smoke: bool,
    pub check_targets: bool,
    pub commit: String,
    pub date: String,
    /// Versions that only the build knows.
    pub versions: Vec<(String, String)>,
}

impl Options {
    pub fn parse(arguments: &[OsString]) -> Result<Options> {
        let mut options = Options {
            places: Vec::new(),
            programs: Programs {
                library: PathBuf::new(),
                loader: PathBuf::new(),
                empty_library: PathBuf::new(),
                python: PathBuf::new(),
                python_peers: PathBuf::new(),
                go_peers: PathBuf::new(),
            },
            json: None,
            rounds: 120,
            warm_up: 5,
            seed: SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64 % 1_000_000,
            smoke: false,
            check_targets: false,
            commit: "unknown".into(),
            date: "unknown".into(),
            versions: Vec::new(),
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let name = word.to_str().ok_or("an option that is not UTF-8")?;
            match name {
                "--smoke" => {
                    options.smoke = true;
                    (options.rounds, options.warm_up) = (2, 1);
                }
                "--check-targets" => options.check_targets = true,
                _ => {
                    let value = words.next().ok_or_else(|| format!("{name} wants a value"))?;
                    options.set(name, value)?;
                }
            }
        }
        if options.rounds == 0 {
            return Err("--rounds wants at least 1".into());
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &OsString) -> Result<()> {
        let text = || value.to_str().ok_or_else(|| format!("{name}: not UTF-8"));
        let pair = || text()?.split_once('=').ok_or_else(|| format!("{name} wants NAME=VALUE"));
        let programs = &mut self.programs;
        match name {
            "--place" => {
                let (place, path) = pair()?;
                self.places.push((place.to_owned(), path.into()));
            }
            "--version-of" => {
                let (peer, version) = pair()?;
                self.versions.push((peer.to_owned(), version.to_owned()));
            }
            "--json" => self.json = Some(value.into()),
            "--rounds" => self.rounds = text()?.parse()?,
            "--warm-up" => self.warm_up = text()?.parse()?,
            "--seed" => self.seed = text()?.parse()?,
            "--commit" => self.commit = text()?.to_owned(),
            "--date" => self.date = text()?.to_owned(),
            "--library" => programs.library = value.into(),
            "--loader" => programs.loader = value.into(),
            "--empty-library" => programs.empty_library = value.into(),
            "--python" => programs.python = value.into(),
            "--python-peers" => programs.python_peers = value.into(),
            "--go-peers" => programs.go_peers = value.into(),
            _ => return Err(format!("unknown option {name}").into()),
        }
        Ok(())
    }
}
