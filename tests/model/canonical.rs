// SPDX-License-Identifier: MIT OR Apache-2.0
//! One state for all that differ in nothing but the numbers of inodes and generations.
//!
//! Only whether two numbers are equal has a meaning. So both are given out anew after each step,
//! in the order in which the state mentions them. A number that is remembered while its file is
//! gone comes after all others: it is the next one to be used again, which is the worst case.

use super::filesystem::{GENERATIONS, Generation, INODES, Inode, TORN};
use super::process::Held;
use super::protocol::State;

/// Old number to new number; `None` while a number was not met.
struct Renumbering<const MOST: usize> {
    new: [Option<u8>; MOST],
    next: u8,
}

impl<const MOST: usize> Renumbering<MOST> {
    fn new() -> Self {
        Renumbering { new: [None; MOST], next: 0 }
    }

    fn meet(&mut self, old: u8) {
        let new = &mut self.new[usize::from(old)];
        if new.is_none() {
            *new = Some(self.next);
            self.next += 1;
        }
    }

    /// Numbers that were never met come last.
    fn finish(mut self) -> [u8; MOST] {
        (0..MOST as u8).for_each(|old| self.meet(old));
        self.new.map(Option::unwrap_or_default)
    }
}

pub(crate) fn canonical(mut state: State) -> State {
    renumber_inodes(&mut state);
    renumber_generations(&mut state);
    state
}

fn renumber_inodes(state: &mut State) {
    let mut numbers = Renumbering::<INODES>::new();
    state.files.named().for_each(|inode: Inode| numbers.meet(inode));
    for process in &state.processes {
        let open = Held::ALL.into_iter().filter_map(|held| process.descriptor(held));
        open.for_each(|inode| numbers.meet(inode));
    }
    for inode in state.inspector.inodes().into_iter().flatten() {
        numbers.meet(*inode);
    }
    let new = numbers.finish();
    state.files.renumber(&new);
    for process in &mut state.processes {
        for descriptor in process.descriptors() {
            *descriptor = descriptor.map(|inode| new[usize::from(inode)]);
        }
    }
    for remembered in state.inspector.inodes() {
        *remembered = remembered.map(|inode| new[usize::from(inode)]);
    }
}

fn renumber_generations(state: &mut State) {
    let mut numbers = Renumbering::<GENERATIONS>::new();
    numbers.meet(TORN);
    state.files.generations().for_each(|generation: Generation| numbers.meet(generation));
    state.processes.iter().filter_map(|process| process.attested).for_each(|it| numbers.meet(it));
    let new = numbers.finish();
    state.files.renumber_generations(&new);
    for attested in state.processes.iter_mut().filter_map(|process| process.attested.as_mut()) {
        *attested = new[usize::from(*attested)];
    }
    let old = state.bequeathed;
    state.bequeathed = 0;
    for (generation, new) in new.iter().enumerate() {
        if old & (1 << generation) != 0 {
            state.bequeathed |= 1 << new;
        }
    }
}
