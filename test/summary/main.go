// Command summary reads the output of go test -json, prints what failed in full, one line for each package, and at the
// end every test that was skipped, with its reason. It exits with 1 when anything failed or nothing was tested.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// event is one line of go test -json; see go doc test2json.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build output
	Test        string
	Elapsed     float64
	Output      string
	FailedBuild string
}

func main() { os.Exit(summarise(os.Stdin, os.Stdout)) }

// summary is what was seen so far.
type summary struct {
	out     io.Writer
	pending map[string][]string // output of a test or package that has not ended, by package and test
	builds  map[string][]string // output of the compiler, by import path
	skipped []string
	failed  []string
	passed  int // tests that passed
	ran     int // packages with tests that passed
}

// summarise does it all and returns the exit code.
func summarise(in io.Reader, out io.Writer) int {
	s := &summary{out: out, pending: map[string][]string{}, builds: map[string][]string{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(out, lines.Text()) // not of test2json: a message of go itself
			continue
		}
		s.add(e)
	}
	if err := lines.Err(); err != nil {
		s.failed = append(s.failed, "reading the test output: "+err.Error())
	}
	return s.end()
}

// add takes one event.
func (s *summary) add(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		s.builds[e.ImportPath] = append(s.builds[e.ImportPath], e.Output)
	case "output":
		s.pending[key] = append(s.pending[key], e.Output)
	case "skip":
		if e.Test != "" {
			s.skipped = append(s.skipped, e.Package+" "+e.Test+": "+reason(s.pending[key]))
		}
		delete(s.pending, key)
	case "pass":
		if e.Test != "" {
			s.passed++
		} else {
			s.ran++
			fmt.Fprintf(s.out, "ok    %s  %.1f s\n", e.Package, e.Elapsed)
		}
		delete(s.pending, key)
	case "fail":
		s.fail(e, key)
	}
}

// fail prints what a failed test or package wrote.
func (s *summary) fail(e event, key string) {
	for _, line := range append(s.builds[e.FailedBuild], s.pending[key]...) {
		fmt.Fprint(s.out, line)
	}
	delete(s.pending, key)
	if e.Test != "" {
		s.failed = append(s.failed, e.Package+" "+e.Test)
		return
	}
	// A package that died has its last words with the test that was running.
	for other, lines := range s.pending {
		if strings.HasPrefix(other, e.Package+" ") {
			fmt.Fprint(s.out, strings.Join(lines, ""))
			delete(s.pending, other)
		}
	}
	fmt.Fprintf(s.out, "FAIL  %s  %.1f s\n", e.Package, e.Elapsed)
	s.failed = append(s.failed, e.Package)
}

// end prints the lists and returns the exit code.
func (s *summary) end() int {
	list := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		slices.Sort(lines)
		fmt.Fprintf(s.out, "\n%s (%d):\n  %s\n", title, len(lines), strings.Join(slices.Compact(lines), "\n  "))
	}
	list("Skipped", s.skipped)
	list("Failed", s.failed)
	if s.ran == 0 && len(s.failed) == 0 {
		s.failed = append(s.failed, "")
		fmt.Fprintln(s.out, "nothing was tested")
	}
	fmt.Fprintf(s.out, "\n%d packages\n%d passed, %d failed, %d skipped\n", s.ran, s.passed, len(s.failed), len(s.skipped))
	if len(s.failed) > 0 {
		return 1
	}
	return 0
}

// reason is what a skipped test said: "file_test.go:12: why".
func reason(output []string) string {
	var said []string
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		if at, text, ok := strings.Cut(line, ": "); ok && strings.Contains(at, ".go:") {
			line = text
		}
		said = append(said, line)
	}
	return strings.Join(said, " ")
}
