// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx

// FlagsOf shows the tests what the library is told.
func FlagsOf(options ...Option) uint32 {
	return settingsOf(options).flags
}
