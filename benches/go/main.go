// SPDX-License-Identifier: MIT OR Apache-2.0

// Command peers measures Go's locks on command: a line in (COMMAND, PATH, COUNT, tabs between), a line
// out ("ok" and nanoseconds). The clock is read in here, so the pipe is in no figure.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

var owner = crtx.Owner{
	DeploymentID:        "bench",
	OperatorPrincipalID: "operator:bench",
	RestoreIntentBLAKE3: "blake3:" + strings.Repeat("af", 32),
}

var errGiven = errors.New("a held lock was given")

// Who holds what others are refused, for as long as the process lives.
var holders = map[string]*flock.Flock{}

func flockCycle(path string) error {
	lock := flock.New(path)
	if ok, err := lock.TryLock(); err != nil || !ok {
		return fmt.Errorf("not given: %w", err)
	}
	return lock.Unlock()
}

func flockRefused(path string) error {
	if holders[path] == nil {
		holders[path] = flock.New(path)
		if err := holders[path].Lock(); err != nil {
			return err
		}
	}
	lock := flock.New(path)
	ok, err := lock.TryLock()
	if ok {
		return errGiven
	}
	return errors.Join(err, lock.Close())
}

func crtxCycle(path string, options ...crtx.Option) error {
	lock, err := crtx.Acquire(context.Background(), path, owner, options...)
	if err != nil {
		return err
	}
	return lock.Release()
}

var commands = map[string]func(string) error{
	"flock-cycle":   flockCycle,
	"flock-refused": flockRefused,
	"crtx-cycle": func(path string) error {
		return crtxCycle(path, crtx.WithDurability(crtx.ProcessCrash))
	},
	"crtx-durable-cycle": func(path string) error { return crtxCycle(path) },
}

func versions() []string {
	found := []string{"Go", strings.TrimPrefix(runtime.Version(), "go")}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/gofrs/flock" {
				found = append(found, "gofrs/flock", strings.TrimPrefix(module.Version, "v"))
			}
		}
	}
	return found
}

func measure(words []string) ([]string, error) {
	if len(words) != 3 || commands[words[0]] == nil {
		return nil, fmt.Errorf("unknown command %q", words)
	}
	work, path := commands[words[0]], words[1]
	count, err := strconv.Atoi(words[2])
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(words[0], "-refused") {
		if err := work(path); err != nil {
			return nil, err
		}
	}
	var times []string
	for i := 0; i < count; i++ {
		start := time.Now()
		if err := work(path); err != nil {
			return nil, err
		}
		times = append(times, strconv.FormatInt(time.Since(start).Nanoseconds(), 10))
	}
	return times, nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Split(lines.Text(), "\t")
		var answer []string
		var err error
		if words[0] == "versions" {
			answer = versions()
		} else {
			answer, err = measure(words)
		}
		if err != nil {
			fmt.Println("error", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("ok", strings.Join(answer, " "))
		}
	}
}
