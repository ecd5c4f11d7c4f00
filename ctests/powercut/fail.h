/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CRTX_POWERCUT_FAIL_H
#define CRTX_POWERCUT_FAIL_H

/* The test itself cannot go on: says why, with errno, and exits with status 2. */
void fail(const char *what);

#endif
