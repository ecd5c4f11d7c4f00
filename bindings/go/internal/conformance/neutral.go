// SPDX-License-Identifier: MIT OR Apache-2.0

package main

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// neutral are the steps that the runner does itself: files, and what is found of them.
var neutral = map[string]func(*run, *words) (results, error){
	"write":   write,
	"delete":  func(_ *run, w *words) (results, error) { return nil, os.Remove(w.text("path")) },
	"rename":  func(_ *run, w *words) (results, error) { return nil, os.Rename(w.text("path"), w.text("to")) },
	"mkdir":   func(_ *run, w *words) (results, error) { return nil, os.Mkdir(w.text("path"), 0o755) },
	"symlink": func(_ *run, w *words) (results, error) { return nil, os.Symlink(w.text("to"), w.text("path")) },
	"link":    func(_ *run, w *words) (results, error) { return nil, os.Link(w.text("to"), w.text("path")) },
	"fifo":    func(_ *run, w *words) (results, error) { return nil, syscall.Mkfifo(w.text("path"), 0o644) },
	"chmod":   chmod,
	"chdir":   func(_ *run, w *words) (results, error) { return nil, os.Chdir(w.text("path")) },
	"stat":    stat,
	"bytes":   content,
	"entries": entries,
}

// write writes an existing file anew, which stays the file that it is.
func write(_ *run, w *words) (results, error) {
	times := 1
	if _, ok := w.optional("times"); ok {
		times = int(w.number("times"))
	}
	return nil, os.WriteFile(w.text("path"), []byte(strings.Repeat(w.text("bytes"), times)), 0o666)
}

// chmod takes the mode's bits as the system has them: those of fs.FileMode beyond 0777 are others.
func chmod(_ *run, w *words) (results, error) {
	mode, err := strconv.ParseUint(w.text("mode"), 8, 32)
	if err != nil {
		return nil, err
	}
	return nil, syscall.Chmod(w.text("path"), uint32(mode))
}

func stat(_ *run, w *words) (results, error) {
	info, err := os.Lstat(w.text("path"))
	if err != nil {
		return results{"kind": "none"}, nil
	}
	kinds := map[fs.FileMode]string{0: "file", fs.ModeDir: "directory", fs.ModeSymlink: "symlink", fs.ModeNamedPipe: "fifo"}
	kind, ok := kinds[info.Mode().Type()]
	if !ok {
		kind = "other"
	}
	mode := info.Sys().(*syscall.Stat_t).Mode & 0o7777
	return results{"kind": kind, "mode": fmt.Sprintf("%04o", mode)}, nil
}

func content(_ *run, w *words) (results, error) {
	found, err := os.ReadFile(w.text("path"))
	if form, _ := w.optional("form"); form == "hex" {
		return results{"bytes": hex.EncodeToString(found)}, err
	}
	return results{"bytes": string(found)}, err
}

func entries(_ *run, w *words) (results, error) {
	found, err := os.ReadDir(w.text("path"))
	var names []string
	for _, entry := range found {
		names = append(names, entry.Name())
	}
	slices.Sort(names)
	return results{"list": strings.Join(names, " ")}, err
}
