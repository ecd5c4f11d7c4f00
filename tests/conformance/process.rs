// SPDX-License-Identifier: MIT OR Apache-2.0
//! Steps of other processes: one that holds a lock, and a forked one that has no part in it.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::{Child, ChildStdout, ExitCode, Stdio};
use std::time::Duration;

use crtx::{Lock, Status};

use crate::run::{Outcome, Run, Words};
use crate::table::Pair;
use crate::text::{Variable, Variables};
use crate::{calls, system};

include!("../support/this_program.rs");

/// What a holder is told of the step that started it.
const HOLDER_WORDS: [&str; 7] = [
    "path",
    "deployment_id",
    "operator_principal_id",
    "restore_intent_blake3",
    "host",
    "durability",
    "allow",
];

/// Another process of this program; it dies with its case.
pub(crate) struct Holder {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn act(run: &mut Run<'_>, verb: &str, words: &Words<'_>) -> Result<Outcome, String> {
    match verb {
        "hold" => hold(run, words),
        "free" => free(run, words),
        "await" => reap(run),
        "kill" => run.holder.take().map(|_| Outcome::default()).ok_or(NO_HOLDER.to_owned()),
        "forked" => forked(run, words),
        _ => Err("the verb is not known".into()),
    }
}

const NO_HOLDER: &str = "there is no holder";

fn hold(run: &mut Run<'_>, words: &Words<'_>) -> Result<Outcome, String> {
    run.holder = None;
    let mut command = this_program();
    command.arg("--hold");
    for name in HOLDER_WORDS {
        if let Some(value) = words.optional(name)? {
            command.arg(OsString::from_vec([name.as_bytes(), b"=", &value].concat()));
        }
    }
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut process = started.map_err(|error| error.to_string())?;
    let answers = BufReader::new(process.stdout.take().ok_or("no pipe")?);
    let pid = process.id().to_string();
    let mut holder = Holder { process, answers };
    expect_ok(&mut holder)?;
    run.holder = Some(holder);
    run.variables.set("child", Variable::Literal(pid.clone().into()));
    writeln!(run.transcript, "child {pid}").map_err(|error| error.to_string())?;
    Ok(Outcome::default())
}

fn expect_ok(holder: &mut Holder) -> Result<(), String> {
    let mut answer = String::new();
    holder.answers.read_line(&mut answer).map_err(|error| error.to_string())?;
    if answer == "CRTX_OK\n" { Ok(()) } else { Err(format!("the holder answered {answer:?}")) }
}

fn free(run: &mut Run<'_>, words: &Words<'_>) -> Result<Outcome, String> {
    let holder = run.holder.as_mut().ok_or(NO_HOLDER)?;
    let after = words.number("after_ms")?;
    let input = holder.process.stdin.as_mut().ok_or("no pipe")?;
    input.write_all(format!("{after}\n").as_bytes()).map_err(|error| error.to_string())?;
    if words.optional("after_ms")?.is_some() { Ok(Outcome::default()) } else { reap(run) }
}

/// Waits for the answer to what `free` told it.
fn reap(run: &mut Run<'_>) -> Result<Outcome, String> {
    let mut holder = run.holder.take().ok_or(NO_HOLDER)?;
    expect_ok(&mut holder).map(|()| Outcome::default())
}

/// The status alone comes back, as the exit code.
fn forked(run: &mut Run<'_>, words: &Words<'_>) -> Result<Outcome, String> {
    let (verb, lock) = (words.text("call")?, words.bytes("lock")?);
    let own = [Pair { name: "lock".into(), relation: '=', value: lock }];
    let defaults = run.table.defaults.get(&verb).map_or(&[][..], Vec::as_slice);
    let variables = run.variables.clone();
    let code = system::in_forked_child(|| {
        let called = calls::call(run, &verb, &Words::new(&own, defaults, &variables));
        let name = called.and_then(Result::ok).and_then(|outcome| outcome.status);
        let status = Status::ALL.iter().find(|status| name == Some(status.name()));
        status.map_or(255, |status| status.number())
    });
    let status = Status::from_number(code.map_err(|error| error.to_string())?);
    let status = status.ok_or("the forked child did not answer")?;
    Ok(Outcome { status: Some(status.name()), ..Outcome::default() })
}

// ---- the holder's side ----

/// Acquires, says so, waits to be told after how many milliseconds to release, and says so.
pub(crate) fn be_a_holder(words: &[OsString]) -> ExitCode {
    let variables = Variables::default();
    let own: Vec<Pair> = words.iter().filter_map(|word| pair_of(word)).collect();
    let words = Words::new(&own, &[], &variables);
    let (path, options) = match (words.path("path"), calls::options(&words)) {
        (Ok(path), Ok(options)) => (path, options),
        _ => return ExitCode::from(2),
    };
    let mut lock = match Lock::acquire(&path, &options) {
        Ok(lock) => lock,
        Err(error) => {
            println!("{}", error.status().name());
            return ExitCode::FAILURE;
        }
    };
    println!("{}", Status::Ok.name());
    let mut order = String::new();
    let told = std::io::stdin().read_line(&mut order);
    let (Ok(1..), Ok(after)) = (told, order.trim_end().parse()) else {
        // The runner has gone; the marker is to stay, as a crash would leave it.
        std::process::exit(1);
    };
    std::thread::sleep(Duration::from_millis(after));
    println!("{}", lock.release().map_or_else(|error| error.status(), |()| Status::Ok).name());
    ExitCode::SUCCESS
}

fn pair_of(word: &OsStr) -> Option<Pair> {
    let word = word.as_bytes();
    let end = word.iter().position(|byte| *byte == b'=')?;
    let name = String::from_utf8(word[..end].to_owned()).ok()?;
    Some(Pair { name, relation: '=', value: word[end + 1..].to_owned() })
}
