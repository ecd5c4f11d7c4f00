// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build cgo && !crtx_dynamic && !(linux && (amd64 || arm64))

package crtx

// The compiler's complaint about this name is the message.
var _ = crtx_has_no_static_archive_for_this_platform__build_with_tags_crtx_dynamic
