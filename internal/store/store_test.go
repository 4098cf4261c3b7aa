package store

import (
	"testing"
	"time"
)

func change(site, cause string, n int64, at time.Time) Change {
	return Change{Key: Key{site, "https://o.test", cause}, Count: n, First: at, Last: at, Reason: "read.first_byte_timeout", Confidence: "likely", Soon: time.Hour}
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// TestStates walks one incident through its states, in memory and in a file.
func TestStates(t *testing.T) {
	for _, folder := range []string{"", t.TempDir()} {
		s, err := Open(Config{Folder: folder})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		a, err := s.Apply(t.Context(), []Change{change("a.test", "x.y", 3, noon)})
		if err != nil || !a[0].Opened || a[0].Incident.State != StateOpen || a[0].Incident.Count != 3 {
			t.Fatalf("%v: %+v", err, a)
		}
		if a, err = s.Apply(t.Context(), []Change{change("a.test", "x.y", 2, noon.Add(time.Second))}); err != nil || a[0].Opened || a[0].Incident.State != StateOngoing || a[0].Incident.Count != 5 {
			t.Fatalf("%v: %+v", err, a)
		}
	}
}
