// SPDX-License-Identifier: MIT OR Apache-2.0
//! One case: its variables, its locks, its child process, and what the last step gave.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crtx::Lock;

use crate::process::Holder;
use crate::suite::NETWORK;
use crate::table::{Block, Pair, Step, Table};
use crate::text::{Variable, Variables, contains, escaped, from_hex};
use crate::{calls, neutral, process, system};

/// What a step gave: its status, if it has one, and its outputs by name.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) status: Option<&'static str>,
    pub(crate) results: Vec<(String, Vec<u8>)>,
}

impl Outcome {
    pub(crate) fn of(results: Vec<(&str, Vec<u8>)>) -> Outcome {
        let results = results.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Outcome { status: None, results }
    }

    fn get(&self, name: &str) -> Option<&[u8]> {
        self.results.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
    }
}

/// The words of one step, expanded: its own, or else the verb's defaults.
pub(crate) struct Words<'a> {
    own: &'a [Pair],
    defaults: &'a [Pair],
    variables: &'a Variables,
    used: RefCell<HashSet<&'a str>>,
}

impl<'a> Words<'a> {
    pub(crate) fn new(own: &'a [Pair], defaults: &'a [Pair], variables: &'a Variables) -> Self {
        Words { own, defaults, variables, used: RefCell::default() }
    }

    pub(crate) fn optional(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        let find = |pairs: &'a [Pair]| pairs.iter().find(|pair| pair.name == name);
        let Some(pair) = find(self.own).or_else(|| find(self.defaults)) else { return Ok(None) };
        self.used.borrow_mut().insert(&pair.name);
        self.variables.expand(&pair.value).map(Some)
    }

    pub(crate) fn bytes(&self, name: &str) -> Result<Vec<u8>, String> {
        self.optional(name)?.ok_or_else(|| format!("there is no {name}"))
    }

    pub(crate) fn text(&self, name: &str) -> Result<String, String> {
        String::from_utf8(self.bytes(name)?).map_err(|_| format!("{name} is not UTF-8"))
    }

    pub(crate) fn path(&self, name: &str) -> Result<PathBuf, String> {
        Ok(OsStr::from_bytes(&self.bytes(name)?).into())
    }

    pub(crate) fn hex(&self, name: &str) -> Result<Vec<u8>, String> {
        from_hex(&self.bytes(name)?).ok_or_else(|| format!("{name} is not hex"))
    }

    /// 0 if it is not given.
    pub(crate) fn number(&self, name: &str) -> Result<i64, String> {
        if self.optional(name)?.is_none() {
            return Ok(0);
        }
        self.text(name)?.parse().map_err(|_| format!("{name} is not a number"))
    }

    fn unused(&self) -> Option<&str> {
        let used = self.used.borrow();
        self.own.iter().map(|pair| pair.name.as_str()).find(|name| !used.contains(name))
    }
}

pub(crate) struct Run<'a> {
    pub(crate) table: &'a Table,
    pub(crate) variables: Variables,
    pub(crate) locks: HashMap<Vec<u8>, Lock>,
    pub(crate) holder: Option<Holder>,
    pub(crate) transcript: &'a mut dyn Write,
    complaints: Vec<String>,
}

/// What went wrong: nothing, if all is well.
pub(crate) fn run_case(
    table: &Table,
    case: &Block,
    fixtures: &Path,
    transcript: &mut dyn Write,
) -> Vec<String> {
    let directory = tempfile::Builder::new().prefix("crtx-conformance-").tempdir();
    let directory = directory.expect("there is a directory for temporary files");
    let path = directory.path().canonicalize().expect("the new directory is there");
    std::env::set_current_dir(&path).expect("the new directory is there");
    let mut variables = table.variables.clone();
    let pid = std::process::id().to_string();
    let network = std::env::var_os(NETWORK).unwrap_or_default();
    for (name, value) in [
        ("dir", path.as_os_str().as_bytes()),
        ("self", pid.as_bytes()),
        ("fixtures", fixtures.as_os_str().as_bytes()),
        ("network", network.as_bytes()),
    ] {
        variables.set(name, Variable::Literal(value.to_owned()));
    }
    writeln!(transcript, "case {}\ndir {}\nself {pid}", case.name, path.display())
        .and_then(|()| transcript.flush())
        .expect("the transcript can be written");
    system::set_watchdog();
    let (locks, complaints) = (HashMap::new(), vec![]);
    let mut run = Run { table, variables, locks, holder: None, transcript, complaints };
    if let Err(why) = run.steps(&case.steps) {
        run.complaints.push(why);
    }
    let complaints = std::mem::take(&mut run.complaints);
    drop(run);
    std::env::set_current_dir("/").expect("there is a root");
    complaints
}

impl Run<'_> {
    fn steps(&mut self, steps: &[Step]) -> Result<(), String> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let table = self.table;
        match step.verb.as_str() {
            "let" => {
                let Pair { name, value, .. } = &step.arguments[0];
                self.variables.set(name, Variable::Template(value.clone()));
                Ok(())
            }
            "do" => {
                let name = String::from_utf8_lossy(&step.arguments[0].value).into_owned();
                let block = table.steps.get(&name);
                self.steps(&block.ok_or_else(|| format!("there are no steps {name}"))?.steps)
            }
            _ => {
                let outcome = self
                    .act(step)
                    .map_err(|why| format!("{}: {}: {why}", step.place, step.verb))?;
                self.write(&step.verb, &outcome);
                self.check(step, &outcome)
            }
        }
    }

    fn act(&mut self, step: &Step) -> Result<Outcome, String> {
        let variables = self.variables.clone();
        let defaults = self.table.defaults.get(&step.verb).map_or(&[][..], Vec::as_slice);
        let words = Words::new(&step.arguments, defaults, &variables);
        let verb = step.verb.as_str();
        let outcome = match calls::call(self, verb, &words) {
            Some(outcome) => outcome?,
            None => match neutral::act(verb, &words) {
                Some(outcome) => outcome?,
                None => process::act(self, verb, &words)?,
            },
        };
        if let Some(name) = words.optional("save")? {
            let name = String::from_utf8_lossy(&name).into_owned();
            for (key, value) in &outcome.results {
                self.variables.set(&format!("{name}.{key}"), Variable::Literal(value.clone()));
            }
        }
        match words.unused() {
            Some(name) => Err(format!("{name} has no meaning here")),
            None => Ok(outcome),
        }
    }

    fn write(&mut self, verb: &str, outcome: &Outcome) {
        if outcome.status.is_none() && outcome.results.is_empty() {
            return;
        }
        let mut text = format!("step {verb} {}\n", outcome.status.unwrap_or("-"));
        let mut results: Vec<_> = outcome.results.iter().collect();
        results.sort();
        for (name, value) in results {
            text.push_str(&format!("  {name} {}\n", escaped(value)));
        }
        self.transcript.write_all(text.as_bytes()).expect("the transcript can be written");
    }

    fn check(&mut self, step: &Step, outcome: &Outcome) -> Result<(), String> {
        let expected = match &step.status {
            Some(status) => self.variables.expand(status)?,
            None => b"CRTX_OK".to_vec(),
        };
        let found = outcome.status.map_or(expected.as_slice(), str::as_bytes);
        if found != expected {
            self.complaints.push(format!(
                "{}: {} answered {}, not {}: {}",
                step.place,
                step.verb,
                escaped(found),
                escaped(&expected),
                escaped(outcome.get("message").unwrap_or_default())
            ));
            return Ok(());
        }
        for pair in &step.expected {
            self.check_result(step, pair, outcome)?;
        }
        Ok(())
    }

    fn check_result(&mut self, step: &Step, pair: &Pair, outcome: &Outcome) -> Result<(), String> {
        let Pair { name, relation, value } = pair;
        let mut wanted = self.variables.expand(value)?;
        let (key, relation) = match name.as_str() {
            // The message names a path.
            "names" => {
                wanted = [b"\"", wanted.as_slice(), b"\""].concat();
                ("message", '~')
            }
            name => (name, *relation),
        };
        let Some(found) = outcome.get(key) else {
            self.complaints.push(format!("{}: there is no {key}", step.place));
            return Ok(());
        };
        let holds = if relation == '~' { contains(found, &wanted) } else { found == wanted };
        if !holds {
            let (found, wanted) = (escaped(found), escaped(&wanted));
            self.complaints.push(format!(
                "{}: {key}\n  expected {relation} {wanted}\n  is         {found}",
                step.place
            ));
        }
        Ok(())
    }
}
