// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// screen is what the person before it sees.
type screen struct {
	out   io.Writer
	begun time.Time
}

func newScreen(out io.Writer) *screen { return &screen{out: out, begun: time.Now()} }

// step prints one line of progress with the time since the start.
func (s *screen) step(format string, args ...any) {
	fmt.Fprintf(s.out, "%6.1fs  %s\n", time.Since(s.begun).Seconds(), fmt.Sprintf(format, args...))
}

// command prints a command as a person would type it, and what it printed.
func (s *screen) command(line, output string) {
	fmt.Fprintf(s.out, "\n$ %s\n%s\n", line, strings.TrimRight(output, "\n"))
}

// text prints lines as they are.
func (s *screen) text(lines ...string) {
	for _, line := range lines {
		fmt.Fprintln(s.out, line)
	}
}
