// Command newcheck begins a check: its file and the skeleton of its sample, in the package of its phase, and says what comes next.
//
// Input: -name phase.cause, and -in PACKAGE where several packages have the phase. Output: two files below internal/diagnosis/check, the
// next steps on stdout; exit code 1 for a name that is malformed or taken. Promises: nothing is overwritten; what it writes compiles.
// Non-goals: adding the check to the list of its package, whose order says what causes what.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	name := flag.String("name", "", "`phase.cause` of the check")
	in := flag.String("in", "", "its package below internal/diagnosis/check, where the phase alone does not say it")
	flag.Parse()
	if err := begin(".", *name, *in, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "newcheck:", err)
		os.Exit(1)
	}
}

// begin writes the files of a check into the module at root and prints the next steps.
func begin(root, name, in string, out io.Writer) error {
	if err := wellFormed(name); err != nil {
		return err
	}
	dir := filepath.Join(root, "internal", "diagnosis", "check")
	pkg, err := folder(dir, name, in)
	if err != nil {
		return err
	}
	if taken, _ := filepath.Glob(filepath.Join(dir, "*", "testdata", name+".txtar")); len(taken) > 0 {
		return fmt.Errorf("begin %s: the name is taken: %s", name, taken[0])
	}
	_, cause, _ := strings.Cut(name, ".")
	code, sample := filepath.Join(dir, pkg, cause+".go"), filepath.Join(dir, pkg, "testdata", name+".txtar")
	if _, err := os.Stat(code); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("begin %s: there is a file %s already", name, code)
	}
	if err := os.MkdirAll(filepath.Dir(sample), 0o755); err != nil {
		return fmt.Errorf("begin %s: %w", name, err)
	}
	if err := os.WriteFile(code, []byte(source(pkg, name)), 0o644); err != nil {
		return fmt.Errorf("begin %s: %w", name, err)
	}
	if err := os.WriteFile(sample, []byte(emptySample), 0o644); err != nil {
		return fmt.Errorf("begin %s: %w", name, err)
	}
	fmt.Fprintf(out, nextSteps, code, sample, filepath.Join(dir, pkg, "checks.go"), variable(name), pkg, name)
	return nil
}

// wellFormed refuses what is no phase.cause in snake case.
func wellFormed(name string) error {
	phase, cause, _ := strings.Cut(name, ".")
	word := func(text string) bool {
		return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" && strings.Trim(text, "_") == text && !strings.Contains(text, "__")
	}
	if !word(phase) || !word(cause) || strings.Contains(phase, "_") || phase[0] <= '9' {
		return fmt.Errorf("name a check: %q is not phase.cause in snake case; example: make check NAME=tls.some_cause", name)
	}
	if strings.HasSuffix(cause, "_test") || systems[cause[strings.LastIndex(cause, "_")+1:]] {
		return fmt.Errorf("name a check: Go builds %s.go for some systems or tests only: choose another ending", cause)
	}
	return nil
}

// systems are endings of file names that mean something to the Go command.
var systems = map[string]bool{"linux": true, "windows": true, "darwin": true, "unix": true, "amd64": true, "arm64": true, "arm": true, "js": true, "wasm": true, "ios": true, "android": true}

// folder is the package for a check: the one that is wanted, or the only one with checks of its phase.
func folder(dir, name, wanted string) (string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*", "checks.go"))
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("find packages of checks: none below %s: run it in the folder of the module", dir)
	}
	var all, fit []string
	phase, _, _ := strings.Cut(name, ".")
	for _, f := range found {
		pkg := filepath.Base(filepath.Dir(f))
		all = append(all, pkg)
		if samples, _ := filepath.Glob(filepath.Join(dir, pkg, "testdata", phase+".*.txtar")); len(samples) > 0 {
			fit = append(fit, pkg)
		}
	}
	switch {
	case wanted != "" && slices.Contains(all, wanted):
		return wanted, nil
	case wanted != "":
		return "", fmt.Errorf("find the package of %s: there is no %q, but %s", name, wanted, strings.Join(all, ", "))
	case len(fit) == 1:
		return fit[0], nil
	case len(fit) > 1:
		return "", fmt.Errorf("find the package of %s: %s have checks of this phase: say IN=%s", name, strings.Join(fit, " and "), fit[0])
	}
	return "", fmt.Errorf("find the package of %s: no check has this phase yet: say IN=… with one of %s", name, strings.Join(all, ", "))
}
