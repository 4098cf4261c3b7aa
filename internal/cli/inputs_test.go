package cli

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestExpanded(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a.pcap", "b.pcap", "c.txt"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		names   []string
		windows bool
		want    []string
	}{
		{[]string{"*.pcap", "c.txt"}, true, []string{"a.pcap", "b.pcap", "c.txt"}},
		{[]string{"-", "?.txt"}, true, []string{"-", "c.txt"}},
		{[]string{"absent.pcap"}, true, []string{"absent.pcap"}},
		{[]string{"*.pcap"}, false, []string{"*.pcap"}},
	} {
		if got, err := expanded(c.names, c.windows); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %q, %v; want %q", c.names, got, err, c.want)
		}
	}
	if _, err := expanded([]string{"*.etl"}, true); err == nil || !strings.Contains(err.Error(), "*.etl: no file fits") {
		t.Errorf("a pattern that fits nothing: %v", err)
	}
}

func TestFileError(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent")
	_, err := os.Open(absent)
	err = fileError("read key log", absent, err)
	if !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "read key log: "+absent+": ") || strings.Contains(err.Error(), ": open ") {
		t.Error(err)
	}
}
