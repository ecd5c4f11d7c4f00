// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build crtx_dynamic

package crtx

// #cgo pkg-config: crtx
import "C"
