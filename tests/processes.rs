// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several processes at one marker. Each is this very test program, started again with a role.

mod store;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::time::Duration;

use crtx::{Durability, Lock, LockOptions, MarkerState, Status};
use store::{Attestation, Store, options, public_key};

include!("support/this_program.rs");

const ROLE: &str = "CRTX_TEST_ROLE";
const MARKER: &str = "CRTX_TEST_MARKER";

/// Not a test of its own: what a process started by another test does.
#[test]
fn role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let marker = std::env::var_os(MARKER).unwrap();
    let marker = Path::new(&marker);
    match role.as_str() {
        "hold" => hold(marker),
        "work" => work(marker),
        "take over" => take_over(marker),
        other => panic!("unknown role {other}"),
    }
    // No line of the test harness after ours.
    std::process::exit(0);
}

struct Peer {
    process: Child,
    input: ChildStdin,
    output: BufReader<std::process::ChildStdout>,
}

impl Peer {
    fn start(role: &str, marker: &Path) -> Peer {
        let mut process = this_program()
            .args(["--exact", "role", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .env(MARKER, marker)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Peer { process, input, output }
    }

    /// The next line that the peer's role said; the test harness of the peer says other things.
    fn answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the peer ended");
            if let Some((_, said)) = line.trim_end().split_once("peer: ") {
                return said.to_owned();
            }
        }
    }

    fn go(&mut self) {
        self.input.write_all(b"\n").unwrap();
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn finish(mut self) {
        drop(self.input);
        assert!(self.process.wait().unwrap().success());
    }
}

fn say(what: &str) {
    println!("peer: {what}");
}

fn wait_for_go() {
    let mut byte = [0];
    let _ = std::io::stdin().read(&mut byte).unwrap();
}

fn hold(marker: &Path) {
    let mut lock = Lock::acquire(marker, &options()).unwrap();
    say("held");
    wait_for_go();
    lock.release().unwrap();
    say("released");
}

#[test]
fn the_marker_of_a_killed_holder_stays_and_its_locks_are_free() {
    let store = Store::new();
    let mut holder = Peer::start("hold", &store.marker);
    assert_eq!(holder.answer(), "held");
    let pid = holder.process.id();
    let attestation = Attestation::new(&store.marker).unwrap();

    assert_eq!(store.state(), MarkerState::Held);
    let refused = Lock::acquire(&store.marker, &options()).unwrap_err();
    assert_eq!(refused.marker_state(), Some(MarkerState::Held));
    assert!(refused.message().contains(&format!("process {pid} ")), "{refused}");
    let refused = attestation.takeover(&store.marker).unwrap_err();
    assert_eq!(refused.error.status(), Status::Contended, "no signature overrides a live holder");

    holder.kill();
    assert_eq!(store.state(), MarkerState::Stale);
    let refused = Lock::acquire(&store.marker, &options()).unwrap_err();
    assert_eq!(refused.status(), Status::MarkerExists);
    assert_eq!(refused.marker_state(), Some(MarkerState::Stale));

    let (mut lock, stale) = attestation.takeover(&store.marker).unwrap();
    crtx::verify_evidence(&stale, &public_key()).unwrap();
    lock.release().unwrap();
}

#[test]
fn a_waiting_process_gets_the_lock_when_the_holder_releases_it() {
    let store = Store::new();
    let mut holder = Peer::start("hold", &store.marker);
    assert_eq!(holder.answer(), "held");
    let waiting = LockOptions { timeout: Duration::from_secs(60), ..options() };
    let marker = store.marker.clone();
    let waiter = std::thread::spawn(move || Lock::acquire(&marker, &waiting));
    holder.go();
    assert_eq!(holder.answer(), "released");
    waiter.join().unwrap().unwrap().check().unwrap();
    holder.finish();
}

#[test]
fn nobody_waits_for_a_stale_marker() {
    let store = Store::new();
    let mut holder = Peer::start("hold", &store.marker);
    holder.answer();
    holder.kill();
    // An hour: were it waited for, this test would not end.
    let waiting = LockOptions { timeout: Duration::from_secs(3600), ..options() };
    let refused = Lock::acquire(&store.marker, &waiting).unwrap_err();
    assert_eq!(refused.marker_state(), Some(MarkerState::Stale));
}

const ROUNDS: u32 = 40;
const WORKERS: usize = 8;

/// Adds 1 to a number in a file, in a way that two at once would spoil.
fn work(marker: &Path) {
    let options = LockOptions {
        durability: Durability::ProcessCrash,
        timeout: Duration::from_secs(60),
        ..options()
    };
    let counter = marker.with_extension("counter");
    for _ in 0..ROUNDS {
        let mut lock = Lock::acquire(marker, &options).unwrap();
        let count: u32 = fs::read_to_string(&counter).unwrap().parse().unwrap();
        fs::write(&counter, "torn").unwrap();
        std::thread::yield_now();
        fs::write(&counter, (count + 1).to_string()).unwrap();
        lock.check().unwrap();
        lock.release().unwrap();
    }
    say("done");
}

#[test]
fn of_many_processes_at_once_one_at_a_time_holds_the_lock() {
    let store = Store::new();
    let counter = store.marker.with_extension("counter");
    fs::write(&counter, "0").unwrap();
    let mut workers: Vec<Peer> = (0..WORKERS).map(|_| Peer::start("work", &store.marker)).collect();
    for worker in &mut workers {
        assert_eq!(worker.answer(), "done");
    }
    workers.into_iter().for_each(Peer::finish);
    let count: u32 = fs::read_to_string(&counter).unwrap().parse().unwrap();
    assert_eq!(count, ROUNDS * WORKERS as u32);
    assert_eq!(store.entries(), 1, "only the counter is left");
}

fn take_over(marker: &Path) {
    let attestation = Attestation::new(marker).unwrap();
    say("ready");
    wait_for_go();
    match attestation.takeover(marker) {
        Ok((mut lock, stale)) => {
            say(&format!("took over, evidence {}", stale.display()));
            // Held until the other has had its answer.
            wait_for_go();
            lock.leak().unwrap();
            lock.release().unwrap();
        }
        Err(failed) => say(failed.error.status().name()),
    }
}

#[test]
fn of_two_takeovers_at_once_with_the_same_right_one_succeeds() {
    for round in 1..=20 {
        let store = Store::new();
        let mut lock = Lock::acquire(&store.marker, &options()).unwrap();
        lock.leak().unwrap();
        lock.release().unwrap();
        let mut peers = [0, 1].map(|_| Peer::start("take over", &store.marker));
        for peer in &mut peers {
            assert_eq!(peer.answer(), "ready");
        }
        peers.iter_mut().for_each(Peer::go);
        let answers: Vec<String> = peers.iter_mut().map(Peer::answer).collect();
        let winners = answers.iter().filter(|answer| answer.starts_with("took over")).count();
        assert_eq!(winners, 1, "round {round}: {answers:?}");
        let loser = answers.iter().find(|answer| !answer.starts_with("took over")).unwrap();
        // Held by the winner; or, when the loser looked, moved aside and not replaced yet; or
        // replaced since the loser's attestation was made.
        let expected =
            [Status::Contended, Status::MarkerAbsent, Status::StalePidMismatch].map(Status::name);
        assert!(expected.contains(&loser.as_str()), "round {round}: {answers:?}");
        peers.into_iter().for_each(Peer::finish);
        let evidence = crtx::list_evidence(&store.marker).unwrap();
        assert_eq!(evidence.len(), 1, "round {round}");
        crtx::verify_evidence(&evidence[0], &public_key()).unwrap();
    }
}
