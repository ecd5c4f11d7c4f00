// SPDX-License-Identifier: MIT OR Apache-2.0
//! The reference implementation's protocol, in which the checker finds two holders.
//!
//! It creates the marker first and the companion's lock second, removes both when it is refused,
//! unlocks before it removes, and a takeover renames the marker without taking any lock.

use stateright::{Model, Property};

use super::filesystem::{FileSystem, Generation, Inode, Name, PROCESSES, TORN};
use super::properties::{IN_PLACE, ONE_HOLDER, WHOLE};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Reference {
    pub(crate) acquires: u8,
    pub(crate) attestations: u8,
    pub(crate) crashes: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Next {
    #[default]
    Idle,
    CreateMarker,
    WriteMarker,
    CloseMarker,
    OpenCompanion,
    LockCompanion,
    UnlinkCompanionOfAnother,
    UnlinkMarkerAfterRefusal,
    CloseRefusedCompanion,
    Holding,
    CloseCompanion,
    UnlinkCompanion,
    UnlinkMarker,
    ReadMarker,
    RenameMarker,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Process {
    pub(crate) next: Next,
    marker: Option<Inode>,
    companion: Option<Inode>,
    generation: Generation,
    attested: Option<Generation>,
    acquires: u8,
    attestations: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct State {
    files: FileSystem,
    pub(crate) processes: [Process; PROCESSES],
    crashes: u8,
    written: Generation,
    moved: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Acquire(usize),
    TakeOver(usize),
    Attest(usize),
    Release(usize),
    Crash(usize),
    Step(usize),
}

impl Model for Reference {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let Reference { acquires, attestations, crashes } = *self;
        let process = Process { acquires, attestations, ..Process::default() };
        let processes = [process; PROCESSES];
        vec![State { files: FileSystem::default(), processes, crashes, written: TORN, moved: 0 }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (id, process) in state.processes.iter().enumerate() {
            let marker = state.files.content_at(Name::Marker);
            match process.next {
                Next::Idle if process.acquires > 0 => {
                    actions.push(Action::Acquire(id));
                    if process.attested.is_some() {
                        actions.push(Action::TakeOver(id));
                    }
                }
                Next::Idle => {}
                Next::Holding => actions.push(Action::Release(id)),
                _ => actions.push(Action::Step(id)),
            }
            let may_attest = process.next == Next::Idle && process.attestations > 0;
            if may_attest && marker.is_some_and(|content| content != TORN) {
                actions.push(Action::Attest(id));
            }
            if process.next != Next::Idle && state.crashes > 0 {
                actions.push(Action::Crash(id));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        match action {
            Action::Acquire(id) => {
                state.processes[id].acquires -= 1;
                state.processes[id].next = Next::CreateMarker;
            }
            Action::TakeOver(id) => {
                state.processes[id].acquires -= 1;
                state.processes[id].next = Next::ReadMarker;
            }
            Action::Attest(id) => {
                state.processes[id].attested = state.files.content_at(Name::Marker);
                state.processes[id].attestations -= 1;
            }
            Action::Release(id) => state.processes[id].next = Next::CloseCompanion,
            Action::Crash(id) => {
                state.crashes -= 1;
                close_all(&mut state, id);
                let Process { attested, acquires, attestations, .. } = state.processes[id];
                state.processes[id] =
                    Process { attested, acquires, attestations, ..Process::default() };
            }
            Action::Step(id) => state.processes[id].next = follow(&mut state, id),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONE_HOLDER, |_, state: &State| holders(state).count() <= 1),
            Property::always(IN_PLACE, |_, state: &State| {
                let marker = state.files.content_at(Name::Marker);
                holders(state).all(|process| Some(process.generation) == marker)
            }),
            Property::always(WHOLE, |_, state: &State| {
                state.files.content_at(Name::Marker) != Some(TORN)
            }),
        ]
    }
}

fn holders(state: &State) -> impl Iterator<Item = &Process> {
    state.processes.iter().filter(|process| process.next == Next::Holding)
}

fn follow(state: &mut State, id: usize) -> Next {
    let State { files, processes, written, moved, .. } = state;
    let me = &mut processes[id];
    let process = id as u8;
    match me.next {
        Next::CreateMarker => {
            me.marker = files.create(Name::Marker, process).ok();
            if me.marker.is_some() { Next::WriteMarker } else { Next::Idle }
        }
        Next::WriteMarker => {
            *written += 1;
            me.generation = *written;
            files.write(me.marker.expect("created"), me.generation);
            Next::CloseMarker
        }
        Next::CloseMarker => {
            files.close(me.marker.take().expect("created"), process);
            Next::OpenCompanion
        }
        Next::OpenCompanion => {
            me.companion = Some(files.open_or_create(Name::Companion, process));
            Next::LockCompanion
        }
        Next::LockCompanion => {
            let granted = files.lock(me.companion.expect("opened"), process);
            if granted { Next::Holding } else { Next::UnlinkCompanionOfAnother }
        }
        Next::UnlinkCompanionOfAnother => {
            files.unlink(Name::Companion);
            Next::UnlinkMarkerAfterRefusal
        }
        Next::UnlinkMarkerAfterRefusal => {
            files.unlink(Name::Marker);
            Next::CloseRefusedCompanion
        }
        Next::CloseRefusedCompanion => {
            files.close(me.companion.take().expect("opened"), process);
            Next::Idle
        }
        Next::CloseCompanion => {
            files.close(me.companion.take().expect("a holder has it open"), process);
            Next::UnlinkCompanion
        }
        Next::UnlinkCompanion => {
            files.unlink(Name::Companion);
            Next::UnlinkMarker
        }
        Next::UnlinkMarker => {
            files.unlink(Name::Marker);
            Next::Idle
        }
        Next::ReadMarker => {
            let named = files.content_at(Name::Marker) == me.attested;
            if named { Next::RenameMarker } else { Next::Idle }
        }
        Next::RenameMarker => {
            let renamed = files.rename(Name::Marker, Name::Stale(*moved)).is_ok();
            *moved += u8::from(renamed);
            if renamed { Next::CreateMarker } else { Next::Idle }
        }
        Next::Idle | Next::Holding => me.next,
    }
}

fn close_all(state: &mut State, id: usize) {
    let State { files, processes, .. } = state;
    let process = &mut processes[id];
    for inode in [process.marker.take(), process.companion.take()].into_iter().flatten() {
        files.close(inode, id as u8);
    }
}
