// SPDX-License-Identifier: MIT OR Apache-2.0

package main

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// words are those of one step, its own or else the verb's defaults. The first fault stays in err.
type words struct {
	own, defaults []pair
	variables     variables
	err           error
}

func (w *words) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *words) optional(name string) (string, bool) {
	for _, given := range [][]pair{w.own, w.defaults} {
		for _, p := range given {
			if p.name == name {
				value, err := w.variables.expand(p.value)
				w.fail(err)
				return value, true
			}
		}
	}
	return "", false
}

func (w *words) text(name string) string {
	value, ok := w.optional(name)
	if !ok {
		w.fail(fmt.Errorf("there is no %s", name))
	}
	return value
}

func (w *words) bytes(name string) []byte {
	return []byte(w.text(name))
}

func (w *words) hex(name string) []byte {
	content, err := hex.DecodeString(w.text(name))
	w.fail(err)
	return content
}

// number is 0 if it is not given.
func (w *words) number(name string) int64 {
	text, ok := w.optional(name)
	if !ok {
		return 0
	}
	number, err := strconv.ParseInt(text, 10, 64)
	w.fail(err)
	return number
}

// now is in nanoseconds; 0 is the system clock.
func (w *words) now() time.Time {
	if now := w.number("now"); now != 0 {
		return time.Unix(0, now)
	}
	return time.Time{}
}

func (w *words) allows(what string) bool {
	allowed, _ := w.optional("allow")
	for _, word := range strings.Split(allowed, ",") {
		if word == what {
			return true
		}
	}
	return false
}
