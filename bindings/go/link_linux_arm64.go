// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build !crtx_dynamic

package crtx

// The archive's stamp, written with it, has its digest. It gets into the object code, because the
// go command rebuilds and relinks for a header that has changed, but not for an archive.

/*
#cgo LDFLAGS: ${SRCDIR}/libcrtx_linux_arm64.a -lutil -lrt -lpthread -lm -ldl
#if !__has_include("libcrtx_linux_arm64.h")
#error "libcrtx_linux_arm64.a is missing: run 'make go' in the libcrtx repository, or build with -tags crtx_dynamic"
#else
#include "libcrtx_linux_arm64.h"
static const char crtx_archive_stamp[] __attribute__((used)) = CRTX_ARCHIVE_STAMP;
#endif
*/
import "C"
