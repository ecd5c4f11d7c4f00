/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The locking protocol in Promela, written anew and not translated from the Rust model.
 * One atomic or d_step block is one system call. See README.md here; scripts/check-spin.sh runs it.
 *
 * Sizes:    -DCRASHES=n -DDELETIONS=n -DINSPECTIONS=n -DA0=n -DA1=n -DA2=n (acquires of each worker)
 * Mutants:  -DM_... leaves one protection out, and an assertion must fail
 */

#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef DELETIONS
#define DELETIONS 0
#endif
#ifndef INSPECTIONS
#define INSPECTIONS 0
#endif
#ifndef A0
#define A0 1
#endif
#ifndef A1
#define A1 1
#endif
#ifndef A2
#define A2 1
#endif
/* How often an operator may use its attestation. */
#ifndef USES
#define USES 1
#endif

#define WORKERS 3
#define INSPECTOR 3
/* Starts when everybody has come to rest, and must get the lock. */
#define LAST 4
#define INODES 14
#define STALES 5
#define BIT(me) (1 << (me))

#include "files.pml"
#include "worker.pml"
#include "others.pml"

init {
  atomic {
    run Worker(0, A0, 0, 0);
    run Worker(1, A1, 1, USES);
    run Worker(2, A2, 1, USES);
    run Misfortune(CRASHES, DELETIONS);
    run Inspector(INSPECTIONS)
  };
  /* Nobody can go on: so one more operator, who must get the lock. */
  timeout;
  run Worker(LAST, 1, 1, 1);
  timeout;
  assert(last_holds)
}
