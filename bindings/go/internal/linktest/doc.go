// SPDX-License-Identifier: MIT OR Apache-2.0

// Package linktest tests how programs get at the library: every way to link it, from outside the
// repository too, and what the compiler says where it cannot be done. It has no code of its own.
package linktest
