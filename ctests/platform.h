/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the harness asks of the system: platform_posix.c, platform_windows.c. */
#ifndef CRTX_CTESTS_PLATFORM_H
#define CRTX_CTESTS_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

enum { SKIPPED_CHILD = 77 }; /* the exit code of a child that skipped the case */

/* Once, before the first case. */
void prepare_platform(void);
/* Makes a new directory for a case; its path ends with a separator. */
void before_case(char *directory, size_t capacity);
/* Checks that the case left no file open, and removes its directory. */
void after_case(const char *directory);
/* Prints the text and ends the process if it is not disarmed in time. */
void arm_watchdog(unsigned seconds, const char *text);
void disarm_watchdog(void);
/* Whether this process was started by a case. */
bool is_child(void);
/* Where a process cannot be forked, it is started anew: then this does what it was started for, and
 * answers true. */
bool play_role(int argc, char **argv, int *status);

#endif
