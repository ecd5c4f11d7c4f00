// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of cases as it is written: ctests/conformance/README.md has its form.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use crate::text::{Variable, Variables, unescaped};

/// `NAME=VALUE`, or in an expectation also `NAME~VALUE`.
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) relation: char,
    pub(crate) value: Vec<u8>,
}

pub(crate) struct Step {
    /// Or "let", or "do"; those have one pair, `NAME=TEXT`.
    pub(crate) verb: String,
    /// FILE:LINE
    pub(crate) place: String,
    pub(crate) arguments: Vec<Pair>,
    /// Success, if none is written.
    pub(crate) status: Option<Vec<u8>>,
    pub(crate) expected: Vec<Pair>,
}

/// A case, or steps that several cases do.
pub(crate) struct Block {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
    /// The languages that cannot do it.
    pub(crate) unless: Vec<String>,
    pub(crate) needs_network: bool,
}

#[derive(Default)]
pub(crate) struct Table {
    pub(crate) variables: Variables,
    pub(crate) defaults: HashMap<String, Vec<Pair>>,
    pub(crate) steps: HashMap<String, Block>,
    pub(crate) cases: Vec<Block>,
    pub(crate) exempt: BTreeSet<String>,
}

impl Table {
    /// Reads the files of a directory in the order of their names.
    pub(crate) fn read(directory: &Path) -> Result<Table, String> {
        let entries = directory.read_dir().map_err(|error| format!("{directory:?}: {error}"))?;
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
        paths.sort();
        let mut table = Table::default();
        for path in paths {
            let text =
                std::fs::read_to_string(&path).map_err(|error| format!("{path:?}: {error}"))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let mut reader = Reader { table: &mut table, block: None };
            for (index, line) in text.lines().enumerate() {
                let place = format!("{name}:{}", index + 1);
                reader.take_line(line, &place).map_err(|why| format!("{place}: {why}"))?;
            }
            reader.end_block()?;
        }
        Ok(table)
    }

    /// Every status that the table writes down.
    pub(crate) fn expected_statuses(&self) -> BTreeSet<&[u8]> {
        let blocks = self.cases.iter().chain(self.steps.values());
        let steps = blocks.flat_map(|block| &block.steps);
        let written = steps.flat_map(|step| {
            let set = step.verb == "let" && step.arguments[0].name == "status";
            let set = set.then(|| &step.arguments[0].value);
            step.status.iter().chain(set).map(Vec::as_slice)
        });
        written.chain([b"CRTX_OK".as_slice()]).collect()
    }
}

struct Reader<'a> {
    table: &'a mut Table,
    /// The block that is being read, and whether it is a case.
    block: Option<(Block, bool)>,
}

impl Reader<'_> {
    fn take_line(&mut self, line: &str, place: &str) -> Result<(), String> {
        let line = line.trim_start();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word, &mut self.block) {
            ("" | "#", _) => Ok(()),
            (comment, _) if comment.starts_with('#') => Ok(()),
            ("case" | "steps", _) => self.begin_block(word == "case", rest),
            ("let", None) => {
                let (name, value) = take_let(rest)?;
                self.table.variables.set(&name, Variable::Template(value));
                Ok(())
            }
            ("default", None) => {
                let (verb, pairs) = rest.split_once(' ').ok_or("a default has words")?;
                let known = self.table.defaults.insert(verb.to_owned(), take_pairs(pairs)?);
                known.map_or(Ok(()), |_| Err("the verb has defaults already".into()))
            }
            ("exempt", None) => {
                let (status, _) = rest.split_once(' ').ok_or("an exemption has a reason")?;
                self.table.exempt.insert(status.to_owned());
                Ok(())
            }
            (_, None) => Err("a step belongs to a case".into()),
            ("unless", Some((block, _))) => {
                let (languages, _) = rest.split_once(": ").ok_or("an exception has a reason")?;
                block.unless = languages.split(' ').map(str::to_owned).collect();
                Ok(())
            }
            ("needs", Some((block, _))) => {
                block.needs_network = rest == "network";
                if block.needs_network { Ok(()) } else { Err("that need is not known".into()) }
            }
            ("=", Some((block, _))) => {
                let step = block.steps.last_mut().ok_or("an expectation belongs to a step")?;
                take_expectation(step, rest)
            }
            (verb, Some((block, _))) => {
                let arguments = match verb {
                    "let" => take_let(rest).map(|(name, value)| vec![pair(&name, '=', value)])?,
                    "do" => vec![pair("steps", '=', rest.into())],
                    _ => take_pairs(rest)?,
                };
                let (verb, place) = (verb.to_owned(), place.to_owned());
                block.steps.push(Step { verb, place, arguments, status: None, expected: vec![] });
                Ok(())
            }
        }
    }

    fn begin_block(&mut self, is_case: bool, name: &str) -> Result<(), String> {
        self.end_block()?;
        let (name, steps, unless) = (name.to_owned(), vec![], vec![]);
        self.block = Some((Block { name, steps, unless, needs_network: false }, is_case));
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), String> {
        let Some((block, is_case)) = self.block.take() else { return Ok(()) };
        let name = block.name.clone();
        let is_new = if is_case {
            let is_new = self.table.cases.iter().all(|case| case.name != name);
            self.table.cases.push(block);
            is_new
        } else {
            self.table.steps.insert(name.clone(), block).is_none()
        };
        if is_new { Ok(()) } else { Err(format!("{name} is there twice")) }
    }
}

fn pair(name: &str, relation: char, value: Vec<u8>) -> Pair {
    Pair { name: name.to_owned(), relation, value }
}

fn take_let(rest: &str) -> Result<(String, Vec<u8>), String> {
    let (name, text) = rest.split_once(' ').unwrap_or((rest, ""));
    Ok((name.to_owned(), unescaped(text).ok_or("an escape is not known")?))
}

fn take_expectation(step: &mut Step, rest: &str) -> Result<(), String> {
    let mut words = rest.trim_start();
    if words.starts_with("CRTX_") || words.starts_with("${") {
        let (status, more) = words.split_once(' ').unwrap_or((words, ""));
        step.status = Some(status.into());
        words = more;
    }
    step.expected.extend(take_pairs(words)?);
    Ok(())
}

fn take_pairs(words: &str) -> Result<Vec<Pair>, String> {
    let mut pairs = vec![];
    let mut rest = words.trim_start();
    while !rest.is_empty() {
        let end = rest.find(['=', '~']).ok_or("a word is not NAME=VALUE")?;
        let (name, relation) = (&rest[..end], rest[end..].chars().next().unwrap_or_default());
        let (value, after) = take_value(&rest[end + 1..])?;
        pairs.push(pair(name, relation, unescaped(value).ok_or("an escape is not known")?));
        rest = after.trim_start();
    }
    Ok(pairs)
}

/// Up to the next blank, or in quotes.
fn take_value(text: &str) -> Result<(&str, &str), String> {
    let Some(quoted) = text.strip_prefix('"') else {
        return Ok(text.split_at(text.find(' ').unwrap_or(text.len())));
    };
    let mut escape = false;
    let end = quoted.find(|letter| {
        let ends = letter == '"' && !escape;
        escape = letter == '\\' && !escape;
        ends
    });
    let end = end.ok_or("a quote is not closed")?;
    Ok((&quoted[..end], &quoted[end + 1..]))
}
