// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx

// #include "crtx.h"
import "C"

import "time"

// Owner is what the holder writes into the marker.
type Owner struct {
	DeploymentID        string // which deployment the store belongs to: 1 to 255 bytes
	OperatorPrincipalID string // who answers for the restore: 1 to 255 bytes
	RestoreIntentBLAKE3 string // "blake3:" and 64 hex digits, as VerifyIntent gives it
	Host                string // up to 255 bytes; empty: this machine's host name
}

// Durability is what a marker survives once the call that wrote it has returned.
type Durability uint32

const (
	// Full: a power cut too.
	Full Durability = 0
	// ProcessCrash: the death of the process, but perhaps not a power cut. Nothing of the lock is
	// synced; a takeover's evidence always.
	ProcessCrash Durability = 1
)

// Flags of the C library: CRTX_ALLOW_*.
const (
	allowNetworkFilesystem = 1
	allowSharedDirectory   = 2
)

// The bounds of the wait between two attempts of Acquire.
const (
	defaultShortestWait = 5 * time.Millisecond
	defaultLongestWait  = 200 * time.Millisecond
)

type settings struct {
	durability   Durability
	flags        uint32
	shortestWait time.Duration
	longestWait  time.Duration
}

// An Option changes how a call goes about its work.
type Option func(*settings)

// WithDurability chooses what the marker survives; without it, a power cut ([Full]). It is for
// Acquire, TryAcquire and Takeover; a quarantine always syncs.
func WithDurability(durability Durability) Option {
	return func(s *settings) { s.durability = durability }
}

// WithAllowNetworkFilesystem works on a network filesystem too. OS locks may not exclude anybody
// there.
func WithAllowNetworkFilesystem() Option {
	return func(s *settings) { s.flags |= allowNetworkFilesystem }
}

// WithAllowSharedDirectory works in a directory that everybody may write to too.
func WithAllowSharedDirectory() Option {
	return func(s *settings) { s.flags |= allowSharedDirectory }
}

// WithPollInterval bounds the wait between two attempts of Acquire, which begins with the shortest and
// doubles; each wait is shortened at random by up to a half. Without it, 5 ms to 200 ms. A bound under
// 1 ms counts as 1 ms, and a longest under the shortest as the shortest.
func WithPollInterval(shortest, longest time.Duration) Option {
	return func(s *settings) {
		s.shortestWait = max(shortest, time.Millisecond)
		s.longestWait = max(longest, s.shortestWait)
	}
}

func settingsOf(options []Option) settings {
	s := settings{shortestWait: defaultShortestWait, longestWait: defaultLongestWait}
	for _, option := range options {
		option(&s)
	}
	return s
}

func (c *call) lockOptions(owner Owner, s settings) *C.crtx_lock_options {
	return &C.crtx_lock_options{
		struct_size:           C.sizeof_crtx_lock_options,
		durability:            C.uint32_t(s.durability),
		flags:                 C.uint64_t(s.flags),
		deployment_id:         c.text(owner.DeploymentID),
		operator_principal_id: c.text(owner.OperatorPrincipalID),
		restore_intent_blake3: c.text(owner.RestoreIntentBLAKE3),
		host:                  c.optionalText(owner.Host),
	}
}
