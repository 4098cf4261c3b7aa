package config

import (
	"os"
	"strings"
	"testing"
)

// The example in the README is a configuration: nothing is wrong with it but that its files are not there.
func TestReadmeExample(t *testing.T) {
	data, err := os.ReadFile("../../README.md")
	must(t, err)
	_, rest, found := strings.Cut(string(data), "```yaml\n")
	text, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("README.md has no YAML block")
	}
	_, faults := Parse("README.md", t.TempDir(), []byte(text), testNow)
	for _, f := range faults {
		if !strings.HasPrefix(f.Message, "no such file") {
			t.Error(f)
		}
	}
}
