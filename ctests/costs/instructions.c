/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The instructions of each call, under valgrind --tool=callgrind --collect-atstart=no: it writes one
 * file of counts for each dump, with the name that the dump was asked for with. */
#include "costs.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

bool count_instructions(const struct operation *operation, struct stage *stage)
{
  crtx_status status;
  if (!operation->is_first) {
    warm_up(stage);
  }
  hold_others(stage, operation->others);
  if (operation->prepare != NULL) {
    operation->prepare(stage);
  }
  CALLGRIND_ZERO_STATS;
  CALLGRIND_TOGGLE_COLLECT;
  status = operation->call(stage);
  CALLGRIND_TOGGLE_COLLECT;
  CALLGRIND_DUMP_STATS_AT(operation->name);
  return status == operation->answer;
}
