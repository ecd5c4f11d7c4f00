// SPDX-License-Identifier: MIT OR Apache-2.0
//! A worker of the race, in Rust: ctests/race/README.md has the commands that it obeys, the answers
//! it gives, and the two files that it shares with the others. `make test-race` runs it.

#[cfg(not(unix))]
fn main() {
    eprintln!("the race is for Unix");
}

#[cfg(unix)]
fn main() -> std::io::Result<()> {
    unix::main()
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{self, BufRead, Write};
    use std::os::unix::fs::FileExt;
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use crtx::attestation::SignedDocument;
    use crtx::{
        Allow, Digest, Durability, Error, Lock, LockOptions, MarkerState, Result, Status,
        TakeoverError,
    };

    const DEPLOYMENT: &str = "deployment:race";
    const SLOTS: u64 = 64;
    const UNIT: u64 = 64;
    const BLOCKS: u64 = 16;

    pub(crate) fn main() -> io::Result<()> {
        let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
        let [marker, store, board, slot] = arguments.as_slice() else {
            eprintln!("usage: race_worker MARKER STORE BOARD SLOT");
            std::process::exit(2);
        };
        let open = |path: &Path| File::options().read(true).write(true).open(path);
        let slot = slot.to_str().and_then(|slot| slot.parse().ok()).expect("SLOT is a number");
        let board = Board { file: open(board)?, slot };
        let mut worker =
            Worker { marker: marker.clone(), store: open(store)?, board, children: Vec::new() };
        for line in io::stdin().lock().lines() {
            worker.obey(&line?)?;
        }
        Ok(())
    }

    /// One line, out at once: what was said before a crash must have been heard.
    fn say(what: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(format!("{what}\n").as_bytes())?;
        out.flush()
    }

    fn say_wrong_status(what: &str, error: &Error) -> io::Result<()> {
        say(&format!("wrong status: {what} answered {}: {error}", error.status().name()))
    }

    /// splitmix64.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % limit
        }

        fn one_in(&mut self, limit: u64) -> bool {
            self.below(limit) == 0
        }
    }

    /// The board, by pread and pwrite: they see what others have mapped.
    struct Board {
        file: File,
        slot: u64,
    }

    impl Board {
        fn read(&self, offset: u64) -> io::Result<u64> {
            let mut bytes = [0; 8];
            self.file.read_exact_at(&mut bytes, offset)?;
            Ok(u64::from_ne_bytes(bytes))
        }

        fn write(&self, offset: u64, number: u64) -> io::Result<()> {
            self.file.write_all_at(&number.to_ne_bytes(), offset)
        }

        fn inside(slot: u64) -> u64 {
            UNIT * (1 + slot)
        }

        fn enter(&self) -> io::Result<()> {
            self.write(Self::inside(self.slot), 1)?;
            self.look_around()
        }

        fn look_around(&self) -> io::Result<()> {
            for other in (0..SLOTS).filter(|other| *other != self.slot) {
                if self.read(Self::inside(other))? != 0 {
                    let overlaps = Self::inside(self.slot) + 8;
                    self.write(overlaps, self.read(overlaps)? + 1)?;
                }
            }
            Ok(())
        }

        fn leave(&self) -> io::Result<()> {
            self.look_around()?;
            self.write(Self::inside(self.slot), 0)
        }

        fn take_torn_is_allowed(&self) -> io::Result<bool> {
            let allowed = self.read(0)? != 0;
            self.write(0, 0)?;
            Ok(allowed)
        }
    }

    struct Record {
        whole: bool,
        ended: bool,
        worker: u64,
        sequence: u64,
    }

    fn block_text(ended: bool, worker: u64, sequence: u64) -> String {
        let phase = if ended { "end" } else { "begin" };
        let text = format!("{phase:<5} worker {worker:04} sequence {sequence:020}");
        format!("{text:.<63}\n")
    }

    fn parse_block(block: &[u8]) -> Option<(bool, u64, u64)> {
        let text = std::str::from_utf8(block).ok()?.trim_end_matches(['.', '\n']);
        match text.split_whitespace().collect::<Vec<_>>()[..] {
            [phase @ ("begin" | "end"), "worker", worker, "sequence", sequence] => {
                Some((phase == "end", worker.parse().ok()?, sequence.parse().ok()?))
            }
            _ => None,
        }
    }

    fn read_record(store: &File) -> io::Result<Record> {
        let mut bytes = [0; (BLOCKS * UNIT) as usize];
        store.read_exact_at(&mut bytes, 0)?;
        let blocks: Vec<_> = bytes.chunks(UNIT as usize).map(parse_block).collect();
        let first = blocks[0];
        let whole = first.is_some() && blocks.iter().all(|block| *block == first);
        let sequence = blocks.iter().flatten().map(|block| block.2).max().unwrap_or(0);
        let (ended, worker, _) = first.unwrap_or_default();
        Ok(Record { whole, ended, worker, sequence })
    }

    struct Worker {
        marker: PathBuf,
        store: File,
        board: Board,
        children: Vec<Child>,
    }

    /// One stay in the guarded section.
    struct Section {
        dice: Dice,
        /// Steps until this process kills itself.
        crash_at: Option<u64>,
        took_over: bool,
    }

    impl Section {
        fn new(seed: u64, took_over: bool) -> Section {
            Section { dice: Dice(seed), crash_at: None, took_over }
        }

        fn step(&mut self) {
            if let Some(left) = &mut self.crash_at {
                *left -= 1;
                if *left == 0 {
                    die();
                }
            }
            if self.dice.one_in(6) {
                std::thread::sleep(Duration::from_micros(self.dice.below(300)));
            }
        }
    }

    #[allow(unsafe_code)]
    fn die() {
        // SAFETY: a signal to this very process.
        unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    }

    impl Worker {
        fn obey(&mut self, line: &str) -> io::Result<()> {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |text: &str| text.parse().unwrap_or(0);
            match words[..] {
                ["turn", seed] => self.turn(number(seed)),
                ["takeover", seed, file] => self.take_over(number(seed), file),
                ["quarantine", file] => self.quarantine(file),
                ["inspect", count] => self.inspect(number(count)),
                _ => say(&format!("wrong worker: unknown command {line}")),
            }
        }

        fn options(dice: &mut Dice) -> LockOptions {
            let durability =
                if dice.one_in(2) { Durability::Full } else { Durability::ProcessCrash };
            LockOptions {
                durability,
                allow: Allow::default(),
                timeout: Duration::from_millis([0, 50, 500][dice.below(3) as usize]),
                deployment_id: DEPLOYMENT.into(),
                operator_principal_id: "operator:race".into(),
                restore_intent_blake3: Digest::of(b"").to_string(),
                host: None,
            }
        }

        fn turn(&mut self, seed: u64) -> io::Result<()> {
            let mut section = Section::new(seed, false);
            let options = Self::options(&mut section.dice);
            let error = match Lock::acquire(&self.marker, &options) {
                Ok(lock) => return self.work_and_let_go(section, lock),
                Err(error) => error,
            };
            match (error.status(), error.marker_state()) {
                (Status::MarkerExists, Some(MarkerState::Stale)) => return say("stale"),
                (Status::Contended, _) | (Status::MarkerExists, Some(MarkerState::Held)) => {}
                _ => say_wrong_status("acquire", &error)?,
            }
            say("busy")
        }

        fn work_and_let_go(&mut self, mut section: Section, mut lock: Lock) -> io::Result<()> {
            let leave = section.dice.one_in(16);
            section.crash_at =
                section.dice.one_in(5).then(|| 1 + section.dice.below(2 * BLOCKS + 2));
            self.work(&mut section, &lock)?;
            let ended = if leave { lock.leak() } else { Ok(()) }.and_then(|()| lock.release());
            if let Err(error) = ended {
                say_wrong_status("release", &error)?;
            }
            say(if leave { "left" } else { "done" })
        }

        fn work(&mut self, section: &mut Section, lock: &Lock) -> io::Result<()> {
            self.board.enter()?;
            let torn_is_allowed = self.board.take_torn_is_allowed()? || section.took_over;
            let found = read_record(&self.store)?;
            let whole = found.whole && found.ended;
            if !whole && !torn_is_allowed {
                say(&format!(
                    "wrong record: acquired after worker {} died inside, at sequence {}, and nobody took over",
                    found.worker, found.sequence
                ))?;
            }
            if section.dice.one_in(8) {
                self.start_a_child(section)?;
            }
            for ended in [false, true] {
                self.write_record(section, ended, found.sequence + 1)?;
                if let Err(error) = lock.check() {
                    say_wrong_status("check", &error)?;
                }
                self.board.look_around()?;
            }
            section.step();
            self.board.leave()?;
            section.step();
            Ok(())
        }

        /// One that may outlive the section, or even this process: some for longer than the driver
        /// waits for a dead worker's marker to become stale.
        fn start_a_child(&mut self, section: &mut Section) -> io::Result<()> {
            self.children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
            let seconds = if section.dice.one_in(3) { "8" } else { "0.01" };
            let child = Command::new("sleep")
                .arg(seconds)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()?;
            self.children.push(child);
            Ok(())
        }

        fn write_record(
            &self,
            section: &mut Section,
            ended: bool,
            sequence: u64,
        ) -> io::Result<()> {
            let text = block_text(ended, self.board.slot, sequence);
            for block in 0..BLOCKS {
                self.store.write_all_at(text.as_bytes(), block * UNIT)?;
                section.step();
            }
            let found = read_record(&self.store)?;
            let own = (ended, self.board.slot, sequence);
            if !found.whole || (found.ended, found.worker, found.sequence) != own {
                say(&format!(
                    "wrong record: worker {} wrote sequence {sequence}, and found worker {}'s {}",
                    self.board.slot, found.worker, found.sequence
                ))?;
            }
            Ok(())
        }

        fn take_over(&mut self, seed: u64, file: &str) -> io::Result<()> {
            let mut section = Section::new(seed, true);
            let options = Self::options(&mut section.dice);
            let taken = with_document(file, |document| {
                crtx::takeover(&self.marker, document, Allow::default(), &options)
            })?;
            match taken {
                Ok((lock, stale_path)) => {
                    say(&format!("taken {}", stale_path.display()))?;
                    self.work_and_let_go(section, lock)
                }
                Err(TakeoverError { error, .. }) => say_late("takeover", &error),
            }
        }

        fn quarantine(&self, file: &str) -> io::Result<()> {
            let moved = with_document(file, |document| {
                crtx::quarantine(&self.marker, document, Allow::default())
            })?;
            match moved {
                Ok(stale_path) => say(&format!("moved {}", stale_path.display())),
                Err(error) => say_late("quarantine", &error),
            }
        }

        fn inspect(&self, count: u64) -> io::Result<()> {
            for _ in 0..count {
                match inspected_state(&self.marker) {
                    Ok(MarkerState::Absent | MarkerState::Held | MarkerState::Stale) => {}
                    Ok(state) => say(&format!("wrong state: inspected {state:?}"))?,
                    Err(error) if error.status() == Status::Contended => {}
                    Err(error) => say_wrong_status("inspect", &error)?,
                }
            }
            say("seen")
        }
    }

    fn inspected_state(marker: &Path) -> Result<MarkerState> {
        crtx::inspect(marker).map(|inspection| inspection.state)
    }

    fn with_document<T>(
        file: &str,
        use_it: impl FnOnce(&SignedDocument<'_>) -> T,
    ) -> io::Result<T> {
        let payload = std::fs::read(file)?;
        let signature = std::fs::read(format!("{file}.sig"))?;
        let public_key = std::fs::read(format!("{file}.pub"))?;
        Ok(use_it(&SignedDocument {
            payload: &payload,
            signature: &signature,
            public_key: &public_key,
            deployment_id: DEPLOYMENT,
            now_unix_ns: 0,
        }))
    }

    /// Another one was faster, or somebody is at work.
    fn say_late(what: &str, error: &Error) -> io::Result<()> {
        match error.status() {
            Status::Contended
            | Status::MarkerAbsent
            | Status::StalePidMismatch
            | Status::StaleTimeMismatch
            | Status::StaleDigestMismatch => {}
            _ => say_wrong_status(what, error)?,
        }
        say(&format!("late {}", error.status().name()))
    }
}
