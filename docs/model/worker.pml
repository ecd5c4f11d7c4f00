/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An engine or operator: acquire and release, quarantine, takeover; and its death. */

proctype Worker(byte me; byte acquires; byte attestations; byte uses) {
  byte companion, marker, leftover, slot, attested;
  byte published;
  mtype call = ACQUIRE;
  bool granted, moved;

end_idle:
  {
    atomic {
      if
      :: acquires > 0 && (me != LAST || !marker_name) ->
         acquires--; call = ACQUIRE
      :: attested && uses > 0 -> uses--; call = QUARANTINE
      :: attested && uses > 0 && acquires > 0 && me != LAST ->
         uses--; acquires--; call = TAKEOVER
      :: attestations > 0 && marker_name ->
         attestations--; attested = content[marker_name]; goto end_idle
      fi;
      if
      :: me < WORKERS -> busy[me] = true
      :: else
      fi;
      if
      :: call == ACQUIRE
      :: call != ACQUIRE && !marker_name -> goto closing
#ifdef M_NO_REREAD
      :: call != ACQUIRE && marker_name && content[marker_name] != attested -> goto closing
      :: call != ACQUIRE && marker_name && content[marker_name] == attested
#else
      :: call != ACQUIRE && marker_name
#endif
      fi;
#ifdef M_QUARANTINE_WITHOUT_LOCKS
      if
      :: call != ACQUIRE -> goto open_marker
      :: else
      fi
#endif
    };

open_companion:
    atomic {
      open(companion_name, companion);
      if
      :: companion == 0 -> create(companion_name, companion)
      :: else
      fi
    };
    lock_exclusively(companion);
    if
    :: granted -> granted = false
#ifdef M_CONTENTION_UNLINKS
    :: else -> d_step { unlink(companion_name) }; goto closing
#else
    :: else -> goto closing
#endif
    fi;
#ifndef M_NO_IDENTITY_CHECK
    atomic {
      if
      :: companion_name == companion
      :: else -> goto close_outdated
      fi
    };
#endif
    atomic {
      start_work();
      if
      :: call == ACQUIRE
      :: else -> goto open_marker
      fi
    };

    /* Acquire: is there a marker? */
    atomic {
      open(marker_name, marker);
      if
      :: marker == 0 -> goto create_fresh
      :: else
      fi
    };
    d_step {
      if
      :: SHAREABLE(marker) -> shared[marker] = shared[marker] | BIT(me)
      :: else
      fi
    };
    d_step { close(marker) };

clean_up:
    atomic {
      if
      :: marker_name -> goto closing
      :: else -> goto remove_companion
      fi
    };

close_outdated:
    atomic { close(companion); goto open_companion };

    /* Quarantine and takeover: the marker's own lock, and what it says under it. */
open_marker:
    atomic {
      open(marker_name, marker);
      if
      :: marker == 0 -> goto clean_up
      :: else
      fi
    };
#if !defined(M_QUARANTINE_WITHOUT_LOCKS) && !defined(M_NO_MARKER_LOCK)
    lock_exclusively(marker);
    if
    :: granted -> granted = false
    :: else -> d_step { close(marker) }; goto clean_up
    fi;
#endif
#ifndef M_NO_MARKER_CHECK
    atomic {
      if
      :: marker_name == marker
      :: else -> goto reopen_marker
      fi
    };
#endif
    atomic {
      if
#ifndef M_NO_REREAD
      :: content[marker] != attested -> goto closing
#endif
      :: else
      fi;
      if
      :: call == TAKEOVER -> goto create_fresh
      :: else -> goto choose
      fi
    };
reopen_marker:
    atomic { close(marker); goto open_marker };

    /* PATH.new */
create_fresh:
    atomic {
      if
#ifdef M_IN_PLACE
      :: call == ACQUIRE && marker_name -> goto clean_up
      :: call == ACQUIRE && !marker_name -> create(marker_name, own[me]); goto write
#endif
#ifdef M_LEFTOVER_KEPT
      :: fresh_name -> goto no_fresh
#else
      :: fresh_name -> goto remove_leftover
#endif
      :: else -> create(fresh_name, own[me])
      fi
    };
#ifndef M_NO_MARKER_LOCK
    lock_exclusively(own[me]);
    if
    :: granted -> granted = false
    :: else -> goto close_own
    fi;
#endif
#ifndef M_FRESH_UNCHECKED
    atomic {
      if
      :: fresh_name == own[me]
      :: else -> goto close_own
      fi
    };
#endif
write:
    atomic {
      published++;
      content[own[me]] = 2 * me + published;
#ifdef M_IN_PLACE
      if
      :: call == ACQUIRE -> goto hold
      :: else
      fi;
#endif
      if
      :: call == TAKEOVER -> goto choose
      :: else -> goto publish
      fi
    };

remove_leftover:
    atomic {
      open(fresh_name, leftover);
      if
      :: leftover == 0 -> goto create_fresh
      :: else
      fi
    };
#ifndef M_LEFTOVER_UNLOCKED
    lock_exclusively(leftover);
    if
    :: granted -> granted = false
    :: else -> d_step { close(leftover) }; goto no_fresh
    fi;
#endif
    atomic {
      if
      :: fresh_name == leftover
      :: else -> goto close_leftover
      fi
    };
    d_step { unlink(fresh_name) };
close_leftover:
    atomic { close(leftover); goto create_fresh };

    /* The old marker moves aside, its evidence first. */
choose:
    atomic {
      slot = 0;
#ifndef M_OVERWRITE_EVIDENCE
      do
      :: stale_name[slot] == 0 && evidence[slot] == 0 -> break
      :: else -> slot++
      od
#endif
    };
    atomic {
#ifndef M_OVERWRITE_EVIDENCE
      if
      :: evidence[slot] -> goto choose
      :: else
      fi;
#endif
      evidence[slot] = attested
    };
    atomic {
      if
      :: marker_name == 0 -> goto drop_evidence
#ifdef M_OVERWRITE_EVIDENCE
      :: else -> unlink(stale_name[slot])
#else
      :: marker_name && stale_name[slot] -> goto drop_evidence
      :: else
#endif
      fi;
      move(marker_name, stale_name[slot]);
      moved = true
    };
    atomic {
      if
      :: stale_name[slot] != marker -> goto put_back
      :: else
      fi;
      if
      :: call == TAKEOVER
      :: else -> goto remove_companion
      fi
    };

publish:
    atomic {
      if
      :: fresh_name == 0 -> goto discard
#ifdef M_PUBLISH_OVERWRITES
      :: else -> unlink(marker_name)
#else
      :: fresh_name && marker_name -> goto discard
      :: else
#endif
      fi;
      move(fresh_name, marker_name)
    };
    atomic {
      if
      :: marker_name == own[me]
      :: else -> goto discard
      fi
    };
hold:
    atomic { holds[me] = true; moved = false; close(marker) };
    if
    :: me == LAST -> last_holds = true;
end_last:
       false
    :: else
    fi;

    /* Release. Until the marker is removed its holder may believe in it. */
    atomic {
      if
      :: marker_name == own[me]
      :: else -> holds[me] = false; goto remove_companion
      fi
    };
#ifdef M_COMPANION_FIRST
    d_step { unlink(companion_name) };
#endif
    d_step { unlink(marker_name); holds[me] = false };
#ifdef M_COMPANION_FIRST
    goto closing;
#endif
#ifdef M_UNLOCK_FIRST
    d_step { unlock(companion); stop_work() };
#endif

remove_companion:
    atomic {
      if
      :: companion && companion_name == companion
      :: else -> goto closing
      fi
    };
    d_step { unlink(companion_name); stop_work() };

closing:
    do
    :: atomic { companion -> close(companion); stop_work() }
    :: atomic { !companion && marker -> close(marker) }
    :: atomic { !companion && !marker && own[me] -> close(own[me]) }
    :: atomic { !companion && !marker && !own[me] ->
         stop_work(); slot = 0; moved = false; call = ACQUIRE;
         if
         :: me < WORKERS -> busy[me] = false
         :: else
         fi;
         goto end_idle }
    od;

    /* What goes wrong. */
drop_evidence:
    atomic { evidence[slot] = 0 };
    goto discard;
put_back:
    atomic {
      if
      :: stale_name[slot] && !marker_name -> move(stale_name[slot], marker_name)
      :: else
      fi;
      moved = false
    };
discard:
    if
    :: own[me] == 0 -> goto closing
    :: own[me] && fresh_name == own[me] -> d_step { unlink(fresh_name) }
    :: own[me] && fresh_name != own[me]
    fi;
    if
    :: marker_name == own[me] -> d_step { unlink(marker_name) }
    :: marker_name != own[me]
    fi;
close_own:
    atomic { close(own[me]) };
    if
    :: moved -> goto put_back
    :: else
    fi;
no_fresh:
    if
    :: call == ACQUIRE -> goto clean_up
    :: else -> goto closing
    fi
  } unless {
    atomic {
      me < WORKERS && kill[me] -> kill[me] = false;
      if
      :: own[me] && marker_name == own[me] ->
         left_behind = left_behind | (1 << content[own[me]])
      :: else
      fi;
      holds[me] = false; granted = false;
      stop_work()
    }
  };
  /* Dead: the kernel closes what is open, in no order to rely on. */
  do
  :: atomic { companion -> close(companion) }
  :: atomic { marker -> close(marker) }
  :: atomic { leftover -> close(leftover) }
  :: atomic { own[me] -> close(own[me]) }
  :: atomic { !companion && !marker && !leftover && !own[me] ->
       slot = 0; moved = false; call = ACQUIRE; busy[me] = false; goto end_idle }
  od
}
