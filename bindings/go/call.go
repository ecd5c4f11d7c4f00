// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx

// #include <stdlib.h>
// #include "crtx.h"
import "C"

import (
	"bytes"
	"strings"
	"syscall"
	"unsafe"
)

// The library is told the sizes that C gives the structs; these are the sizes that Go gives them.
var (
	_ = [1]struct{}{}[uintptr(C.sizeof_crtx_error)-unsafe.Sizeof(C.crtx_error{})]
	_ = [1]struct{}{}[uintptr(C.sizeof_crtx_marker)-unsafe.Sizeof(C.crtx_marker{})]
	_ = [1]struct{}{}[uintptr(C.sizeof_crtx_lock_options)-unsafe.Sizeof(C.crtx_lock_options{})]
	_ = [1]struct{}{}[uintptr(C.sizeof_crtx_signed_document)-unsafe.Sizeof(C.crtx_signed_document{})]
	_ = [1]struct{}{}[uintptr(C.sizeof_crtx_intent_expectation)-unsafe.Sizeof(C.crtx_intent_expectation{})]
)

// A call is one call into the library: the path it is about, and the C copies of its arguments.
// Structs that are passed to C point to such copies only, never to Go memory.
type call struct {
	path   string
	copies []unsafe.Pointer
	hasNUL bool
}

func (c *call) free() {
	for _, copied := range c.copies {
		C.free(copied)
	}
}

func (c *call) keep(copied unsafe.Pointer) unsafe.Pointer {
	c.copies = append(c.copies, copied)
	return copied
}

// text copies a text. A C string ends at its first NUL, so one that contains a NUL would reach the
// library shortened: run refuses the call then.
func (c *call) text(text string) *C.char {
	c.hasNUL = c.hasNUL || strings.IndexByte(text, 0) >= 0
	return (*C.char)(c.keep(unsafe.Pointer(C.CString(text))))
}

// optionalText gives NULL for the empty text.
func (c *call) optionalText(text string) *C.char {
	if text == "" {
		return nil
	}
	return c.text(text)
}

// bytes copies bytes. The copy of none is not NULL: an empty signature is a short one, not a missing
// argument.
func (c *call) bytes(content []byte) (*C.uint8_t, C.size_t) {
	return (*C.uint8_t)(c.keep(C.CBytes(content))), C.size_t(len(content))
}

// run makes the call, and turns its answer into an *Error or nil. The details come back in the
// same call: the goroutine may be on another thread by the next.
func (c *call) run(function func(details *C.crtx_error) C.crtx_status) *Error {
	if c.hasNUL {
		return &Error{
			Op: "argument check", Path: c.path,
			Status: ErrInvalidArgument, Message: ErrInvalidArgument.Error(),
		}
	}
	details := &C.crtx_error{struct_size: C.sizeof_crtx_error}
	status := Status(function(details))
	if status == OK {
		return nil
	}
	return &Error{
		Op:          fieldText(details.operation[:]),
		Path:        c.path,
		Status:      status,
		Errno:       syscall.Errno(details.os_error),
		Message:     fieldText(details.message[:]),
		MarkerState: MarkerState(details.marker_state),
	}
}

// output makes a call that writes a text, again with a larger buffer if it says so: a marker on disk
// may grow between two calls. The text may have NULs of its own.
func (c *call) output(
	firstGuess int,
	function func(buffer *C.char, capacity C.size_t, needed *C.size_t, details *C.crtx_error) C.crtx_status,
) ([]byte, *Error) {
	capacity := C.size_t(firstGuess)
	for {
		buffer := make([]byte, capacity)
		needed := new(C.size_t)
		err := c.run(func(details *C.crtx_error) C.crtx_status {
			return function((*C.char)(unsafe.Pointer(&buffer[0])), capacity, needed, details)
		})
		if err == nil {
			return buffer[:*needed-1], nil
		}
		if err.Status != ErrBufferTooSmall || *needed <= capacity {
			return nil, err
		}
		capacity = *needed
	}
}

// borrowed lends Go bytes to one call, which makes no copy of a secret.
func borrowed(content []byte) (*C.uint8_t, C.size_t) {
	if len(content) == 0 {
		return new(C.uint8_t), 0
	}
	return (*C.uint8_t)(unsafe.Pointer(&content[0])), C.size_t(len(content))
}

// fieldText is the text in a struct's array of characters, up to its NUL.
func fieldText(field []C.char) string {
	content := unsafe.Slice((*byte)(unsafe.Pointer(&field[0])), len(field))
	if end := bytes.IndexByte(content, 0); end >= 0 {
		content = content[:end]
	}
	return string(content)
}

// asError keeps a nil *Error from becoming an error that is not nil.
func asError(err *Error) error {
	if err == nil {
		return nil
	}
	return err
}
