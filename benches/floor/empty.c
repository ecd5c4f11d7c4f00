/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The library that has nothing in it, to compare loading with. */
int crtx_bench_empty(void);
int crtx_bench_empty(void) { return 0; }
