// Package peer starts real servers and clients for tests: Apache httpd, nginx, OpenSSL, GnuTLS, Node, Tomcat and curl.
//
// Input: a test and a configuration. Output: a [Server] that already listens, with its address, document root and logs;
// [CA] makes the certificates.
// Promises: no fixed ports: a server takes the port that it gets, or a free one with another try when somebody else was
// quicker; ready means that this very process listens, seen in /proc, so no connection is spent on asking; every
// process is stopped by its pid when the test ends, also when the test binary dies; a failed test prints the logs.
// A missing program skips the test and names the Debian package; with LUNETTE_PEERS=required it fails instead.
// Non-goals: systems other than Linux (tests skip there), configuration for production.
package peer

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Server is a running peer. It is stopped when its test ends.
type Server struct {
	Name  string
	Addr  string   // host:port of the first listener
	Addrs []string // of every listener, in the order of the configuration
	Root  string   // document root, "" without; the test may add files while the server runs
	Dir   string   // configuration and logs
	PID   int

	proc *process
}

// Log returns what the server wrote to the file called name in its folder ("error.log", "access.log", "output.log"
// for its standard output and error), "" when there is none.
func (s *Server) Log(name string) string {
	data, err := os.ReadFile(filepath.Join(s.Dir, name))
	if err != nil {
		return ""
	}
	return string(data)
}

// Stop ends the server now and waits until it is gone.
func (s *Server) Stop() { s.proc.stop() }

// Signal sends sig to the server's first process: SIGHUP to reload, SIGSTOP to make one without workers fall silent.
func (s *Server) Signal(sig os.Signal) error { return s.proc.cmd.Process.Signal(sig) }

// Need returns the path of a program, or skips the test and names the Debian package that has it.
func Need(t testing.TB, program, debianPackage string) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skipf("real peers run on Linux only (wanted %s)", program)
	}
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} { // often not on a user's PATH
		if path := filepath.Join(dir, program); isFile(path) {
			return path
		}
	}
	missing(t, program, debianPackage)
	return ""
}

// NeedFile is Need for something that is not on the PATH, e.g. a module.
func NeedFile(t testing.TB, path, debianPackage string) {
	t.Helper()
	if !isFile(path) {
		missing(t, path, debianPackage)
	}
}

// missing skips the test, or fails it where peers are required.
func missing(t testing.TB, what, debianPackage string) {
	t.Helper()
	if os.Getenv("LUNETTE_PEERS") == "required" {
		t.Fatalf("%s is missing and LUNETTE_PEERS=required: apt-get install %s", what, debianPackage)
	}
	t.Skipf("%s is missing: apt-get install %s", what, debianPackage)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// folder makes a folder for one server that also an unprivileged worker of it can read: the parent that testing makes
// is closed to others.
func folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// write puts a file into place, with its folders.
func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
