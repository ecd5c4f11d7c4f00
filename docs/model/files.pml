/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Inodes, names and OS locks; each inline is the effect of one system call, for process `me`. */

mtype = { ACQUIRE, QUARANTINE, TAKEOVER };

/* Inodes. Number 0 is none. */
byte links[INODES];
byte opens[INODES];
byte content[INODES];    /* 0: created, not written */
byte exclusive[INODES];  /* owner + 1 */
byte shared[INODES];     /* a bit for each sharer */

/* Names. */
byte companion_name, marker_name, fresh_name;
byte stale_name[STALES];
byte evidence[STALES];   /* what the document there names */

/* For the assertions alone. */
byte own[5];
bool holds[5];
byte at_work;
bool working[5];
short left_behind;       /* markers of the dead, by generation */
bool last_holds;

bool kill[WORKERS];
bool busy[WORKERS];

inline forget(i) {
  if
  :: links[i] == 0 && opens[i] == 0 -> content[i] = 0
  :: else
  fi
}

inline create(name, fd) {
  fd = 1;
  do
  :: links[fd] == 0 && opens[fd] == 0 -> break
  :: else -> fd++
  od;
  links[fd] = 1; opens[fd] = 1; name = fd
}

inline open(name, fd) {
  fd = name;
  if
  :: fd -> opens[fd]++
  :: else
  fi
}

inline unlock(fd) {
  if
  :: exclusive[fd] == me + 1 -> exclusive[fd] = 0
  :: else
  fi;
  shared[fd] = shared[fd] & (255 - BIT(me))
}

inline close(fd) {
  if
  :: fd -> unlock(fd); opens[fd]--; forget(fd); fd = 0
  :: else
  fi
}

inline unlink(name) {
  if
  :: name -> links[name]--; forget(name); name = 0
  :: else
  fi
}

inline move(from, to) {
  to = from; from = 0
}

inline start_work() {
  assert(DELETIONS || at_work == 0);   /* the companion lets one work at a time */
  working[me] = true; at_work++
}

inline stop_work() {
  if
  :: working[me] -> working[me] = false; at_work--
  :: else
  fi
}

#define FREE_FOR_ME(fd) ((exclusive[fd] == 0 || exclusive[fd] == me + 1) \
                         && (shared[fd] & (255 - BIT(me))) == 0)
#define SHAREABLE(fd) (exclusive[fd] == 0 || exclusive[fd] == me + 1)

/* Exclusive tries, with a shared one in between. They may end after any refusal. */
inline lock_exclusively(fd) {
  do
  :: atomic { FREE_FOR_ME(fd) -> exclusive[fd] = me + 1; shared[fd] = 0; granted = true; break }
  :: atomic { !FREE_FOR_ME(fd) -> skip };
     if
     :: atomic { SHAREABLE(fd) -> shared[fd] = shared[fd] | BIT(me) };
        atomic { unlock(fd);
          if
          :: granted = true             /* once more */
          :: granted = false
          fi }
     :: atomic { !SHAREABLE(fd) ->
          if
          :: granted = true
          :: granted = false
          fi }
     fi;
     if
     :: !granted -> break
     :: else -> granted = false
     fi
  od
}
