// SPDX-License-Identifier: MIT OR Apache-2.0
//! One directory: names, inodes, OS locks. Every method is what one system call does, at once.

/// The engines and operators; the inspector comes after them.
pub(crate) const PROCESSES: usize = 3;
/// Names for quarantined markers. More than any configuration here can use up.
pub(crate) const STALE_NAMES: usize = 6;
/// More than can be open and named at a time.
pub(crate) const INODES: usize = 14;
/// More markers than can be remembered at a time.
pub(crate) const GENERATIONS: usize = 16;
const NAMES: usize = 3 + STALE_NAMES;

/// An inode number.
pub(crate) type Inode = u8;
/// Which publication wrote a marker: its pid, time and digest. Two markers never have the same.
pub(crate) type Generation = u8;
/// The content of a file that was created and not written yet.
pub(crate) const TORN: Generation = 0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Name {
    Companion,
    Marker,
    /// `PATH.new`.
    Fresh,
    Stale(u8),
}

impl Name {
    fn index(self) -> usize {
        match self {
            Name::Companion => 0,
            Name::Marker => 1,
            Name::Fresh => 2,
            Name::Stale(number) => 3 + usize::from(number),
        }
    }
}

/// A set of processes, by bit.
type Processes = u8;

fn only(process: u8) -> Processes {
    1 << process
}

/// A file and who has it open and locked.
///
/// A process has one descriptor of a file at most, so its number stands for the open file
/// description that flock(2) speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct File {
    content: Generation,
    open: Processes,
    exclusive: Processes,
    shared: Processes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct FileSystem {
    names: [Option<Inode>; NAMES],
    files: [File; INODES],
    /// The signed document beside each stale name: which marker it names.
    evidence: [Option<Generation>; STALE_NAMES],
}

/// Why a system call on names failed. The protocol treats both kinds of failure alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

impl FileSystem {
    /// fstatat(2).
    pub(crate) fn at(&self, name: Name) -> Option<Inode> {
        self.names[name.index()]
    }

    /// open(2) without O_CREAT.
    pub(crate) fn open(&mut self, name: Name, process: u8) -> Option<Inode> {
        let inode = self.at(name)?;
        let file = &mut self.files[usize::from(inode)];
        assert_eq!(file.open & only(process), 0, "one descriptor of a file for each process");
        file.open |= only(process);
        Some(inode)
    }

    /// open(2) with O_CREAT and O_EXCL.
    pub(crate) fn create(&mut self, name: Name, process: u8) -> Result<Inode, Refused> {
        if self.at(name).is_some() {
            return Err(Refused);
        }
        let unused = |inode: &Inode| {
            let named = self.names.contains(&Some(*inode));
            !named && self.files[usize::from(*inode)].open == 0
        };
        // The lowest number that is free: as soon as a file is gone its number comes up again.
        let inode =
            (0..INODES as Inode).find(unused).expect("inodes for every descriptor and name");
        self.names[name.index()] = Some(inode);
        self.files[usize::from(inode)] = File { open: only(process), ..File::default() };
        Ok(inode)
    }

    /// open(2) with O_CREAT.
    pub(crate) fn open_or_create(&mut self, name: Name, process: u8) -> Inode {
        match self.open(name, process) {
            Some(inode) => inode,
            None => self.create(name, process).expect("the name was free"),
        }
    }

    /// close(2): the lock goes with the descriptor.
    pub(crate) fn close(&mut self, inode: Inode, process: u8) {
        self.unlock(inode, process);
        self.files[usize::from(inode)].open &= !only(process);
        self.forget_if_gone(inode);
    }

    /// flock(2), LOCK_EX | LOCK_NB.
    pub(crate) fn lock(&mut self, inode: Inode, process: u8) -> bool {
        let file = &mut self.files[usize::from(inode)];
        let free = (file.exclusive | file.shared) & !only(process) == 0;
        if free {
            file.exclusive = only(process);
            file.shared = 0;
        }
        free
    }

    /// flock(2), LOCK_SH | LOCK_NB.
    pub(crate) fn share(&mut self, inode: Inode, process: u8) -> bool {
        let file = &mut self.files[usize::from(inode)];
        let free = file.exclusive & !only(process) == 0;
        if free {
            file.exclusive = 0;
            file.shared |= only(process);
        }
        free
    }

    /// flock(2), LOCK_UN.
    pub(crate) fn unlock(&mut self, inode: Inode, process: u8) {
        let file = &mut self.files[usize::from(inode)];
        file.exclusive &= !only(process);
        file.shared &= !only(process);
    }

    /// unlink(2); nothing happens if the name is free.
    pub(crate) fn unlink(&mut self, name: Name) {
        if let Some(inode) = self.names[name.index()].take() {
            self.forget_if_gone(inode);
        }
    }

    /// renameat2(2) with RENAME_NOREPLACE.
    pub(crate) fn rename_without_overwrite(&mut self, from: Name, to: Name) -> Result<(), Refused> {
        if self.at(to).is_some() { Err(Refused) } else { self.rename(from, to) }
    }

    /// rename(2): what stood at the new name is lost.
    pub(crate) fn rename(&mut self, from: Name, to: Name) -> Result<(), Refused> {
        let inode = self.at(from).ok_or(Refused)?;
        self.unlink(to);
        self.names[to.index()] = Some(inode);
        self.names[from.index()] = None;
        Ok(())
    }

    /// link(2).
    pub(crate) fn link(&mut self, from: Name, to: Name) -> Result<(), Refused> {
        let inode = self.at(from).ok_or(Refused)?;
        if self.at(to).is_some() {
            return Err(Refused);
        }
        self.names[to.index()] = Some(inode);
        Ok(())
    }

    pub(crate) fn write(&mut self, inode: Inode, content: Generation) {
        self.files[usize::from(inode)].content = content;
    }

    pub(crate) fn content(&self, inode: Inode) -> Generation {
        self.files[usize::from(inode)].content
    }

    pub(crate) fn content_at(&self, name: Name) -> Option<Generation> {
        self.at(name).map(|inode| self.content(inode))
    }

    /// The two documents beside a stale name, which are created together and never opened again.
    pub(crate) fn evidence(&self, stale: u8) -> Option<Generation> {
        self.evidence[usize::from(stale)]
    }

    pub(crate) fn write_evidence(&mut self, stale: u8, names: Option<Generation>) {
        self.evidence[usize::from(stale)] = names;
    }

    /// Whether any file or document is of this generation.
    pub(crate) fn remembers(&self, generation: Generation) -> bool {
        self.files.iter().any(|file| file.content == generation)
            || self.evidence.contains(&Some(generation))
    }

    /// The inodes that have a name, in the order of the names.
    pub(crate) fn named(&self) -> impl Iterator<Item = Inode> {
        self.names.iter().flatten().copied()
    }

    /// The generations on disk, files first, in the order of the inodes.
    pub(crate) fn generations(&self) -> impl Iterator<Item = Generation> {
        let files = self.files.iter().map(|file| file.content);
        files.chain(self.evidence.iter().flatten().copied())
    }

    /// Gives every inode another number.
    pub(crate) fn renumber(&mut self, inodes: &[Inode; INODES]) {
        let old = self.files;
        self.files = [File::default(); INODES];
        for (inode, file) in old.iter().enumerate() {
            self.files[usize::from(inodes[inode])] = *file;
        }
        for name in self.names.iter_mut().flatten() {
            *name = inodes[usize::from(*name)];
        }
    }

    pub(crate) fn renumber_generations(&mut self, new: &[Generation; GENERATIONS]) {
        for file in &mut self.files {
            file.content = new[usize::from(file.content)];
        }
        for names in self.evidence.iter_mut().flatten() {
            *names = new[usize::from(*names)];
        }
    }

    pub(crate) fn stale_names() -> impl Iterator<Item = u8> {
        0..STALE_NAMES as u8
    }

    /// A file without name and descriptor is no more, and its number may be used again.
    fn forget_if_gone(&mut self, inode: Inode) {
        let gone = self.files[usize::from(inode)].open == 0 && !self.names.contains(&Some(inode));
        if gone {
            self.files[usize::from(inode)] = File::default();
        }
    }
}
