// SPDX-License-Identifier: MIT OR Apache-2.0

// Package copied copies a lock, and go vet is to complain about it.
package copied

import crtx "github.com/libcrtx/libcrtx/bindings/go"

// Release takes a copy.
func Release(lock crtx.Lock) error {
	return lock.Release()
}
