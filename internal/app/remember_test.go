package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFolderThatCannotBe: a folder for incidents that cannot be made keeps nobody from serving, and is told.
func TestFolderThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a-file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "lunette.yaml")
	yaml := "listen:\n  - {address: \"127.0.0.1:0\"}\nincidents: {folder: " + filepath.Join(file, "below") + ", plain: true}\nsites:\n  - names: [a.test]\n    origin: {urls: [\"http://127.0.0.1:1\"]}\n    waf: {mode: \"off\"}\n"
	if err := os.WriteFile(conf, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	a, err := New(conf, Options{Log: &said, Access: &said})
	if err != nil {
		t.Fatal(err)
	}
	a.abandon()
	if !strings.Contains(said.String(), "incidents live in memory") {
		t.Errorf("said %s", &said)
	}
}
