// SPDX-License-Identifier: MIT OR Apache-2.0
//! Children that work on command: a line is asked over a pipe, a line comes back. What they measure
//! they measure themselves, so the pipe is in no figure.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

use crate::Result;

pub struct Peer {
    name: String,
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// Several rows may ask one child.
pub type Shared = Rc<RefCell<Peer>>;

impl Peer {
    pub fn start(name: &str, command: &mut Command) -> Result<Peer> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("{name}: {error}"))?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("{name}: no pipes").into());
        };
        let answers = BufReader::new(answers);
        Ok(Peer { name: name.to_owned(), child, requests: Some(requests), answers })
    }

    /// A process of this very program.
    pub fn worker() -> Result<Peer> {
        Peer::start("worker", Command::new(std::env::current_exe()?).arg("worker"))
    }

    pub fn shared(self) -> Shared {
        Rc::new(RefCell::new(self))
    }

    pub fn request(&mut self, words: &[&OsStr]) -> Result<()> {
        use std::os::unix::ffi::OsStrExt;
        let mut line = Vec::new();
        for word in words {
            line.extend_from_slice(word.as_bytes());
            line.push(b'\t');
        }
        line.pop();
        line.push(b'\n');
        let Some(requests) = &mut self.requests else { return Err("the child has ended".into()) };
        requests.write_all(&line)?;
        Ok(requests.flush()?)
    }

    /// The words after "ok".
    pub fn answer(&mut self) -> Result<Vec<String>> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(format!("{}: it ended", self.name).into());
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        match words.next().as_deref() {
            Some("ok") => Ok(words.collect()),
            _ => Err(format!("{}: {}", self.name, line.trim()).into()),
        }
    }

    pub fn ask(&mut self, words: &[&OsStr]) -> Result<Vec<String>> {
        self.request(words)?;
        self.answer()
    }

    pub fn numbers(&mut self, words: &[&OsStr]) -> Result<Vec<u64>> {
        self.ask(words)?.iter().map(|word| Ok(word.parse()?)).collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The end of its input ends it.
        self.requests = None;
        let _ = self.child.wait();
    }
}
