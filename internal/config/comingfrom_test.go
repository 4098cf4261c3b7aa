package config

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every key that docs/coming-from.md names for a foreign directive is one of ours, or a word that a key takes.
func TestComingFromNamesRealKeys(t *testing.T) {
	text, err := os.ReadFile("../../docs/coming-from.md")
	must(t, err)
	paths, words := map[string]bool{}, map[string]bool{}
	objectOf(reflect.TypeFor[Config]()).walk("", func(path string, f *field) {
		paths[path], paths[strings.TrimPrefix(path, "sites.")] = true, true
		words[f.key] = true
		for _, w := range f.enum {
			words[w] = true
		}
	})
	code, word := regexp.MustCompile("`([^`]+)`"), regexp.MustCompile(`^[a-z][a-z0-9_.]*$`)
	named := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 || strings.HasPrefix(line, "| elsewhere") {
			continue
		}
		for _, m := range code.FindAllStringSubmatch(cells[2], -1) {
			key, _, _ := strings.Cut(m[1], ":")
			if !word.MatchString(key) {
				continue
			}
			named++
			if !paths[key] && (strings.Contains(key, ".") || !words[key]) {
				t.Errorf("no key %s: %s", key, line)
			}
		}
	}
	if named < 80 {
		t.Errorf("only %d keys named", named)
	}
}

// The units in docs/operations.md start at boot, both of them.
func TestUnitsAreInstalled(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	must(t, err)
	_, rest, _ := strings.Cut(string(text), "# /etc/systemd/system/lunette.service\n")
	units, _, _ := strings.Cut(rest, "```")
	var wanted []string
	for line := range strings.Lines(units) {
		if w, ok := strings.CutPrefix(line, "WantedBy="); ok {
			wanted = append(wanted, strings.TrimSpace(w))
		}
	}
	if !slices.Equal(wanted, []string{"multi-user.target", "sockets.target"}) || strings.Count(units, "[Install]") != 2 {
		t.Errorf("service and socket are wanted by %q", wanted)
	}
}
