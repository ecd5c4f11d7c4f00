/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which states a power cut may leave, and what an observed one breaks. */
#ifndef CRTX_POWERCUT_JUDGE_H
#define CRTX_POWERCUT_JUDGE_H

#include "disk.h"
#include "observe.h"

enum verdict {
  KEPT,
  NOT_MOUNTED, /* the file system's own promise, not the library's */
  TORN,
  MARKER_LOST,
  MARKER_BACK,
  STALE_LOST,
  EVIDENCE_LOST,
  BOTH_LOST,
  TWICE,
  STUCK,
  OTHER,
  VERDICTS
};

const char *verdict_text(enum verdict verdict);

struct story; /* the workload's calls, in their order */

struct story *read_story(const struct journal *history);
size_t story_calls(const struct story *story);
/* The power is cut before the record `cut`. On a broken promise, `where` names the call. */
enum verdict judge(const struct story *story, size_t cut, const struct observation *observation, char *where,
                   size_t capacity);

#endif
