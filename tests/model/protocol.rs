// SPDX-License-Identifier: MIT OR Apache-2.0
//! The protocol as a transition system: who may do what next, and what comes of it.

use stateright::{Model, Property};

use super::canonical::canonical;
use super::filesystem::{FileSystem, Generation, Name, PROCESSES};
use super::inspector::{Inspector, Look};
use super::mutants::Mutant;
use super::process::{Call, Held, Next, Process};
use super::properties;
use super::step::{Choice, Step};

/// How much of everything may happen, which is what keeps the number of states finite.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Protocol {
    /// Acquires and takeovers, for each process.
    pub(crate) acquires: [u8; PROCESSES],
    /// Attestations, for each process. Who has one may use it as often as it likes.
    pub(crate) attestations: [u8; PROCESSES],
    pub(crate) crashes: u8,
    /// How often somebody who keeps to no protocol deletes the companion.
    pub(crate) deletions: u8,
    /// How often a directory sync fails.
    pub(crate) faults: u8,
    pub(crate) inspections: u8,
    /// Holders may leave their marker on purpose.
    pub(crate) leaks: bool,
    /// The file system has no rename without overwriting: publication links and unlinks.
    pub(crate) links: bool,
    /// The protections that are left out.
    pub(crate) mutants: &'static [Mutant],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) files: FileSystem,
    pub(crate) processes: [Process; PROCESSES],
    pub(crate) inspector: Inspector,
    pub(crate) crashes: u8,
    pub(crate) deletions: u8,
    pub(crate) faults: u8,
    pub(crate) inspections: u8,
    /// The markers of restores that died or were left on purpose: bit by generation.
    pub(crate) bequeathed: u16,
    /// An inspector called a marker stale that has a living holder, or is not there.
    pub(crate) misjudged: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Begin(usize, Call),
    Step(usize, Choice),
    Release(usize),
    Leak(usize),
    Attest(usize),
    Crash(usize),
    CloseAfterDeath(usize, Held),
    Inspect,
    DeleteCompanion,
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut processes = [Process::default(); PROCESSES];
        for (id, process) in processes.iter_mut().enumerate() {
            process.acquires = self.acquires[id];
            process.attestations = self.attestations[id];
        }
        vec![State {
            files: FileSystem::default(),
            processes,
            inspector: Inspector::default(),
            crashes: self.crashes,
            deletions: self.deletions,
            faults: self.faults,
            inspections: self.inspections,
            bequeathed: 0,
            misjudged: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (id, process) in state.processes.iter().enumerate() {
            actions_of(self, state, id, process, actions);
        }
        if state.inspector.next != Look::Idle || state.inspections > 0 {
            actions.push(Action::Inspect);
        }
        if state.deletions > 0 && state.files.at(Name::Companion).is_some() {
            actions.push(Action::DeleteCompanion);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        match action {
            Action::Begin(id, call) => begin(&mut state.processes[id], call),
            Action::Step(id, choice) => step(self, &mut state, id, choice)?,
            Action::Release(id) => state.processes[id].next = Next::CheckOwnMarker,
            Action::Leak(id) => {
                bequeath(&mut state, id);
                state.processes[id].next = Next::Closing;
            }
            Action::Attest(id) => {
                let process = &mut state.processes[id];
                process.attested = state.files.content_at(Name::Marker);
                process.attestations -= 1;
            }
            Action::Crash(id) => crash(&mut state, id),
            Action::CloseAfterDeath(id, held) => {
                let State { files, processes, .. } = &mut state;
                let process = &mut processes[id];
                process.close(held, files, id as u8);
                if Held::ALL.iter().all(|held| process.descriptor(*held).is_none()) {
                    process.rest();
                }
            }
            Action::Inspect => inspect(self, &mut state),
            Action::DeleteCompanion => {
                state.deletions -= 1;
                state.files.unlink(Name::Companion);
            }
        }
        Some(canonical(state))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(self)
    }
}

fn actions_of(
    rules: &Protocol,
    state: &State,
    id: usize,
    process: &Process,
    actions: &mut Vec<Action>,
) {
    match process.next {
        Next::Idle => {
            if process.acquires > 0 {
                actions.push(Action::Begin(id, Call::Acquire));
            }
            if process.attested.is_some() {
                actions.push(Action::Begin(id, Call::Quarantine));
                if process.acquires > 0 {
                    actions.push(Action::Begin(id, Call::Takeover));
                }
            }
            let marker = state.files.content_at(Name::Marker);
            if process.attestations > 0 && marker.is_some() && marker != process.attested {
                actions.push(Action::Attest(id));
            }
            return;
        }
        // The kernel closes the descriptors of the dead one by one, in no order to rely on.
        Next::Dying => {
            let open = Held::ALL.into_iter().filter(|held| process.descriptor(*held).is_some());
            actions.extend(open.map(|held| Action::CloseAfterDeath(id, held)));
            return;
        }
        Next::Holding => {
            actions.push(Action::Release(id));
            if rules.leaks {
                actions.push(Action::Leak(id));
            }
        }
        next => {
            actions.push(Action::Step(id, Choice::Go));
            if matches!(next, Next::TryShared(_) | Next::DropShare(_)) {
                actions.push(Action::Step(id, Choice::GiveUp));
            }
            if state.faults > 0 && matches!(next, Next::SyncPublished | Next::SyncMoved) {
                actions.push(Action::Step(id, Choice::Fault));
            }
        }
    }
    if state.crashes > 0 {
        actions.push(Action::Crash(id));
    }
}

pub(crate) fn begin(process: &mut Process, call: Call) {
    process.call = call;
    if call != Call::Quarantine {
        process.acquires -= 1;
    }
    process.next = match call {
        Call::Acquire => Next::OpenCompanion,
        Call::Quarantine | Call::Takeover => Next::LookBeforeQuarantine,
    };
}

pub(crate) fn step(rules: &Protocol, state: &mut State, id: usize, choice: Choice) -> Option<()> {
    let generation = match state.processes[id].next {
        Next::WriteFresh => unused_generation(state),
        _ => 0,
    };
    let State { files, processes, .. } = state;
    let mut step = Step {
        files,
        me: &mut processes[id],
        id: id as u8,
        choice,
        mutants: rules.mutants,
        links: rules.links,
        generation,
    };
    step.take()?;
    if choice == Choice::Fault {
        state.faults -= 1;
    }
    Some(())
}

pub(crate) fn inspect(rules: &Protocol, state: &mut State) {
    if state.inspector.next == Look::Idle {
        state.inspections = state.inspections.saturating_sub(1);
    }
    let marker = state.files.content_at(Name::Marker);
    if let Some(stale) = state.inspector.step(&mut state.files, rules.mutants) {
        let lives = state.processes.iter().any(|process| {
            process.holds() && process.own.map(|own| state.files.content(own)) == Some(stale)
        });
        state.misjudged |= lives || marker != Some(stale);
    }
}

fn crash(state: &mut State, id: usize) {
    state.crashes -= 1;
    let process = &state.processes[id];
    let visible = process.own.is_some() && process.own == state.files.at(Name::Marker);
    if visible || process.holds() {
        bequeath(state, id);
    }
    let State { files, processes, .. } = state;
    let process = &mut processes[id];
    let open = |held: &Held| process.descriptor(*held).is_some();
    if Held::ALL.iter().any(open) {
        // What the registers say is of no meaning any more, but for the descriptors.
        *process = Process {
            next: Next::Dying,
            call: Call::default(),
            stale: 0,
            moved: false,
            at_work: false,
            ..*process
        };
    } else {
        process.rest();
    }
    let _ = files;
}

/// From now on this process's marker is evidence.
fn bequeath(state: &mut State, id: usize) {
    if let Some(own) = state.processes[id].own {
        state.bequeathed |= 1 << state.files.content(own);
    }
}

/// The lowest generation that nothing and nobody remembers: the state space stays finite, and no
/// attestation is ever taken for one of a later marker.
fn unused_generation(state: &State) -> Generation {
    let remembered = |generation: Generation| {
        state.files.remembers(generation)
            || state.bequeathed & (1 << generation) != 0
            || state.processes.iter().any(|process| process.attested == Some(generation))
    };
    (1..16).find(|generation| !remembered(*generation)).expect("fewer than 15 markers at a time")
}
