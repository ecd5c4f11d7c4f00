/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Crashes, an outsider, the inspector, and what must always hold. */

/* Crashes, and somebody who deletes the companion. */
proctype Misfortune(byte crashes; byte deletions) {
end:
  do
  :: atomic { crashes > 0 && busy[0] && !kill[0] -> kill[0] = true; crashes-- }
  :: atomic { crashes > 0 && busy[1] && !kill[1] -> kill[1] = true; crashes-- }
  :: atomic { crashes > 0 && busy[2] && !kill[2] -> kill[2] = true; crashes-- }
  :: atomic { deletions > 0 && companion_name -> unlink(companion_name); deletions-- }
  od
}

proctype Inspector(byte looks) {
  byte marker, companion, number, i;
  bool held;
  byte me = INSPECTOR;
end:
  do
  :: atomic { looks > 0 -> looks--; held = false };
look:
     atomic {
       open(marker_name, marker);
       if
       :: marker == 0 -> goto end
       :: else
       fi
     };
     d_step { open(companion_name, companion); number = companion };
     if
     :: companion ->
        d_step {
          if
          :: SHAREABLE(companion) -> shared[companion] = shared[companion] | BIT(me)
          :: else -> held = true
          fi
        }
     :: else
     fi;
     d_step {
       if
       :: SHAREABLE(marker) -> shared[marker] = shared[marker] | BIT(me)
#ifndef M_INSPECTOR_COMPANION_ONLY
       :: else -> held = true
#else
       :: else
#endif
       fi
     };
     d_step { unlock(marker) };
     d_step { close(companion) };
     atomic {
       if
       :: companion_name != number -> goto repeat
       :: else
       fi
     };
     d_step {
       if
       :: marker_name == marker && !held ->
          /* "Stale" is said of nobody who lives. */
          i = 0;
          do
          :: i < WORKERS -> assert(!(holds[i] && own[i] == marker)); i++
          :: else -> break
          od;
          i = 0
       :: else
       fi
     };
     d_step { close(marker); number = 0 };
     goto end;
repeat:
     atomic { close(marker); number = 0; held = false; goto look }
  od
}

#define LOST(g) ((left_behind & (1 << (g))) \
  && !(marker_name && content[marker_name] == (g)) \
  && !(stale_name[0] && content[stale_name[0]] == (g)) \
  && !(stale_name[1] && content[stale_name[1]] == (g)) \
  && !(stale_name[2] && content[stale_name[2]] == (g)) \
  && !(stale_name[3] && content[stale_name[3]] == (g)) \
  && !(stale_name[4] && content[stale_name[4]] == (g)))
#define UNLIKE(s) (stale_name[s] && content[stale_name[s]] != evidence[s])
#define DISPLACED(me) (holds[me] && marker_name != own[me])

active proctype Monitor() {
end:
  if
  :: atomic { holds[0] + holds[1] + holds[2] + holds[4] > 1 -> assert(false) /* two holders */ }
  :: atomic { DISPLACED(0) || DISPLACED(1) || DISPLACED(2) -> assert(false) /* taken over alive */ }
  :: atomic { marker_name && content[marker_name] == 0 -> assert(false) /* a torn marker */ }
  :: atomic { UNLIKE(0) || UNLIKE(1) || UNLIKE(2) || UNLIKE(3) || UNLIKE(4)
       -> assert(false) /* evidence of another marker */ }
  :: atomic { LOST(1) || LOST(2) || LOST(3) || LOST(4) || LOST(5) || LOST(6)
       -> assert(false) /* evidence lost */ }
  fi
}
