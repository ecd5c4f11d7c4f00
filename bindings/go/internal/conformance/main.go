// SPDX-License-Identifier: MIT OR Apache-2.0

// Command conformance runs the cases of ctests/conformance through the Go package: the README there
// says what they are.
//
//	conformance [-transcript FILE] [-only TEXT] TABLE-FILE...
//
// CRTX_CONFORMANCE_FIXTURES is the directory of the reference implementation's files.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	network  = "CRTX_CONFORMANCE_NETWORK"
	fixtures = "CRTX_CONFORMANCE_FIXTURES"

	mostTime = time.Minute // for a case; a runner that ends then has no closing line
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "--hold" {
		os.Exit(beAHolder(os.Args[2:]))
	}
	transcriptPath := flag.String("transcript", os.DevNull, "where to write what was found")
	only := flag.String("only", "", "a part of the names of the cases to run")
	flag.Parse()
	syscall.Umask(0o022)
	allPassed, err := runAll(flag.Args(), *only, *transcriptPath)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil || !allPassed {
		os.Exit(1)
	}
}

func runAll(paths []string, only, transcriptPath string) (allPassed bool, err error) {
	t, err := readTable(paths)
	if err != nil {
		return false, err
	}
	file, err := os.Create(transcriptPath)
	if err != nil {
		return false, err
	}
	transcript := bufio.NewWriter(file)
	var passed, failed, skipped int
	for _, c := range t.cases {
		if !strings.Contains(c.name, only) || c.excludes("go") {
			continue
		}
		if c.needsNetwork && os.Getenv(network) == "" {
			fmt.Printf("skip %s: needs a network filesystem\n", c.name)
			skipped++
			continue
		}
		watchdog := time.AfterFunc(mostTime, func() { os.Exit(2) })
		complaints, err := runCase(t, c, transcript)
		watchdog.Stop()
		if err != nil {
			return false, err
		}
		if len(complaints) == 0 {
			passed++
			continue
		}
		failed++
		fmt.Printf("%s\nFAIL %s\n", strings.Join(complaints, "\n"), c.name)
	}
	fmt.Printf("%d passed, %d failed", passed, failed)
	if skipped > 0 {
		fmt.Printf(", %d skipped", skipped)
	}
	fmt.Println()
	if err := transcript.Flush(); err != nil {
		return false, err
	}
	return failed == 0 && passed > 0, file.Close()
}
