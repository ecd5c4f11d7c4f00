// SPDX-License-Identifier: MIT OR Apache-2.0

package main

import (
	"encoding/binary"
	"fmt"
	"os"
)

const (
	slots  = 64
	unit   = 64
	blocks = 16
)

// dice is splitmix64.
type dice uint64

func (d *dice) below(limit uint64) uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return (z ^ z>>31) % limit
}

// A board is read and written by pread and pwrite, which see what others have mapped.
type board struct {
	file *os.File
	slot int
}

func (b *board) read(offset int) uint64 {
	var number [8]byte
	_, err := b.file.ReadAt(number[:], int64(offset))
	must("read the board", err)
	return binary.NativeEndian.Uint64(number[:])
}

func (b *board) write(offset int, number uint64) {
	_, err := b.file.WriteAt(binary.NativeEndian.AppendUint64(nil, number), int64(offset))
	must("write the board", err)
}

func inside(slot int) int { return unit * (1 + slot) }

func (b *board) enter() {
	b.write(inside(b.slot), 1)
	b.lookAround()
}

func (b *board) lookAround() {
	for other := 0; other < slots; other++ {
		if other != b.slot && b.read(inside(other)) != 0 {
			overlaps := inside(b.slot) + 8
			b.write(overlaps, b.read(overlaps)+1)
		}
	}
}

func (b *board) leave() {
	b.lookAround()
	b.write(inside(b.slot), 0)
}

func (b *board) takeTornIsAllowed() bool {
	allowed := b.read(0) != 0
	b.write(0, 0)
	return allowed
}

// A record is what the store says, if whole in all of its blocks.
type record struct {
	whole    bool
	phase    string // "begin" or "end  "
	worker   int
	sequence uint64 // if it is torn, the largest of its blocks
}

func (r record) block() string {
	text := fmt.Sprintf("%s worker %04d sequence %020d", r.phase, r.worker, r.sequence)
	for len(text) < unit-1 {
		text += "."
	}
	return text + "\n"
}

func parseBlock(block string) (r record, ok bool) {
	_, err := fmt.Sscanf(block[5:], " worker %04d sequence %020d", &r.worker, &r.sequence)
	r.phase = block[:5]
	r.whole = err == nil && r.block() == block
	return r, r.whole
}

func readRecord(store *os.File) record {
	content := make([]byte, blocks*unit)
	_, err := store.ReadAt(content, 0)
	must("read the store", err)
	found, _ := parseBlock(string(content[:unit]))
	for at := unit; at < len(content); at += unit {
		block := string(content[at : at+unit])
		next, ok := parseBlock(block)
		found.whole = found.whole && ok && block == string(content[:unit])
		if ok && next.sequence > found.sequence {
			found.sequence = next.sequence
		}
	}
	return found
}
