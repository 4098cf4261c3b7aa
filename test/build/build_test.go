// Package build_test holds what is promised of the binary itself.
package build_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestBinaryStaysSmall holds that the stripped binary for linux/amd64, without cgo, stays under 60 MB.
func TestBinaryStaysSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the whole binary: not with -short")
	}
	const most = 60_000_000
	file := filepath.Join(t.TempDir(), "lunette")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", file, "../../cmd/lunette")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MB", float64(info.Size())/1e6)
	if info.Size() >= most {
		t.Errorf("the stripped binary has %d bytes, %d is the most: see docs/decisions/0002-dependencies.md for what each module adds", info.Size(), most)
	}
}
