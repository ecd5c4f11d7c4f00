// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx_test

import (
	"context"
	"errors"
	"math/rand"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

var quickly = crtx.WithPollInterval(time.Millisecond, 4*time.Millisecond)

func TestAcquireWaitsUntilTheHolderGoes(t *testing.T) {
	path := markerPath(t)
	holder := acquire(t, path)
	acquired := make(chan *crtx.Lock)
	go func() {
		lock, err := crtx.Acquire(context.Background(), path, owner, quickly)
		if err != nil {
			t.Error(err)
		}
		acquired <- lock
	}()
	must(t, holder.Check())
	must(t, holder.Release())
	must(t, (<-acquired).Release())
}

// A brief context's deadline passes after one attempt, however slow the machine is.
type brief struct {
	context.Context
	asked atomic.Bool
}

func (b *brief) Err() error {
	if b.asked.Swap(true) {
		return context.DeadlineExceeded
	}
	return nil
}

func (b *brief) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

func TestATimeoutMatchesTheRefusalAndTheContext(t *testing.T) {
	path := markerPath(t)
	holder := acquire(t, path)
	defer holder.Close()
	_, err := crtx.Acquire(&brief{Context: context.Background()}, path, owner)
	failure := refused(t, err, crtx.ErrMarkerExists, context.DeadlineExceeded)
	if failure.MarkerState != crtx.HeldByThisProcess {
		t.Fatalf("found %v", failure.MarkerState)
	}
	if wanted := failure.Message + ": context deadline exceeded"; err.Error() != wanted {
		t.Fatalf("%q is not %q", err, wanted)
	}
}

func TestACancelledWaitMatchesTheCancellationAndItsCause(t *testing.T) {
	path := markerPath(t)
	holder := acquire(t, path)
	defer holder.Close()
	shutdown := errors.New("the server shuts down")
	ctx, cancel := context.WithCancelCause(context.Background())
	waiting := make(chan error)
	go func() {
		_, err := crtx.Acquire(ctx, path, owner, quickly)
		waiting <- err
	}()
	cancel(shutdown)
	refused(t, <-waiting, context.Canceled, shutdown)
}

func TestAnEndedContextMakesNoAttempt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	// Nothing stands in the way here, and nothing is there afterwards.
	path := markerPath(t)
	lock, err := crtx.Acquire(ctx, path, owner)
	failure := refused(t, err, context.Canceled)
	if lock != nil || failure.Status != crtx.OK || failure.Path != path || errors.Is(err, crtx.OK) {
		t.Fatalf("%v, %+v", lock, failure)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if len(left) != 0 {
		t.Fatalf("left: %v", left)
	}
}

// With a wait in it this test would never end.
func TestWhatNoHolderWillEndIsNotWaitedFor(t *testing.T) {
	stale, malformed := markerPath(t), markerPath(t)
	leaveStale(t, stale)
	must(t, os.WriteFile(malformed, []byte("not a marker"), 0o644))
	for path, wanted := range map[string]struct {
		status crtx.Status
		state  crtx.MarkerState
	}{
		stale:                           {crtx.ErrMarkerExists, crtx.Stale},
		malformed:                       {crtx.ErrMarkerExists, crtx.Malformed},
		"/no/such/directory/whatever":   {crtx.ErrNoParentDirectory, 0},
		filepath.Join("dir", "a.flock"): {crtx.ErrInvalidArgument, 0},
	} {
		_, err := crtx.Acquire(context.Background(), path, owner)
		if failure := refused(t, err, wanted.status); failure.MarkerState != wanted.state {
			t.Fatalf("%s: found %v", path, failure.MarkerState)
		}
	}
}

func TestADeadlineEndsTheWait(t *testing.T) {
	path := markerPath(t)
	holder := acquire(t, path)
	defer holder.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := crtx.Acquire(ctx, path, owner, crtx.WithPollInterval(time.Hour, time.Hour))
	refused(t, err, context.DeadlineExceeded)
}

func TestBoundsOfThePollIntervalOutOfOrderStillWait(t *testing.T) {
	for _, option := range []crtx.Option{
		crtx.WithPollInterval(0, 0),
		crtx.WithPollInterval(-time.Hour, -time.Hour),
		crtx.WithPollInterval(time.Millisecond, 1<<63-1),
		crtx.WithPollInterval(1<<63-1, time.Millisecond),
	} {
		path := markerPath(t)
		holder := acquire(t, path)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		_, err := crtx.Acquire(ctx, path, owner, option)
		refused(t, err, context.DeadlineExceeded)
		cancel()
		must(t, holder.Close())
	}
}

func TestManyGoroutinesGetTheLockOneAfterTheOther(t *testing.T) {
	path := markerPath(t)
	inside := 0 // guarded by the lock alone: the race detector looks too
	var order sync.Mutex
	var group sync.WaitGroup
	const goroutines = 24
	for i := 0; i < goroutines; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			lock, err := crtx.Acquire(context.Background(), path, owner, quickly, crtx.WithDurability(crtx.ProcessCrash))
			if err != nil {
				t.Error(err)
				return
			}
			if !order.TryLock() {
				t.Error("two hold it")
				return
			}
			inside++
			order.Unlock()
			if err := lock.Release(); err != nil {
				t.Error(err)
			}
		}()
	}
	group.Wait()
	if inside != goroutines {
		t.Fatalf("%d of %d were inside", inside, goroutines)
	}
	wantState(t, path, crtx.Absent)
}

func TestAStormOfCancellationsLeavesNoLockBehind(t *testing.T) {
	path := markerPath(t)
	first := acquire(t, path)
	const goroutines, impatient = 400, 100
	ends := make(chan error, goroutines)
	for i := 0; i < goroutines; i++ {
		go func(patience time.Duration) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(patience, cancel)
			lock, err := crtx.Acquire(ctx, path, owner, quickly, crtx.WithDurability(crtx.ProcessCrash))
			if lock != nil {
				err = errors.Join(err, lock.Release())
			}
			ends <- err
		}(time.Duration(rand.Intn(100_000)) * time.Microsecond)
	}
	gaveUp := 0
	for i := 0; i < goroutines; i++ {
		err := <-ends
		if err != nil {
			refused(t, err, context.Canceled)
			gaveUp++
		}
		if gaveUp == impatient && first != nil {
			must(t, first.Release())
			first = nil
		}
	}
	t.Logf("%d acquired, %d gave up", goroutines-gaveUp, gaveUp)
	wantState(t, path, crtx.Absent)
	must(t, acquire(t, path).Release())
}
