// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx

// #include "crtx.h"
import "C"

// Version gives the version of the library that is linked, such as "0.1.0".
func Version() string {
	return C.GoString(C.crtx_version())
}

// ABIVersion gives the version of the C ABI that the library was built with.
func ABIVersion() uint32 {
	return uint32(C.crtx_abi_version())
}
