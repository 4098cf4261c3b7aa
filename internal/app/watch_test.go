package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Whatever rules are read from is watched: data files, Includes, files that a pattern of one comes to match, files that a
// configuration in vain named first. Each change is taken over once.
func TestWatchesWhatRulesRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) func() {
		return func() { put(t, filepath.Join(dir, name), []byte(text)) }
	}
	remove := func(name string) func() {
		return func() {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	settings := func(file string) func() {
		return write("l.yaml", fmt.Sprintf("listen: [{address: \"127.0.0.1:0\"}]\naccess_log: {file: off}\nsites:\n  - names: [a.test]\n    origin: {urls: [\"http://127.0.0.1:1\"]}\n    waf: {core_rules: false, rules: [%s]}\n", file))
	}
	action := func(id int) string { return fmt.Sprintf("SecAction \"id:%d,phase:1,pass,nolog\"\n", id) }
	settings("own.conf")()
	write("own.conf", "Include part.conf\nInclude conf.d/*.conf\nSecRule ARGS \"@pmFromFile data/words.data\" \"id:1,phase:2,deny\"\nSecRule REMOTE_ADDR \"@ipMatchFromFile nets.data\" \"id:2,phase:1,deny\"\n")()
	write("part.conf", action(3))()
	write("data/words.data", "abracadabra\n")()
	write("nets.data", "10.0.0.0/8\n")()

	said := newWatchedLog()
	a, err := New(filepath.Join(dir, "l.yaml"), Options{Log: said})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	defer running.Wait()
	defer stop()
	said.line(t, "serving")

	const taken, refused = "configuration taken over", "was not taken over"
	for _, c := range []struct {
		name   string
		change func()
		want   string
	}{
		{"words", write("data/words.data", "simsalabim\n"), taken},
		{"networks", write("nets.data", "192.0.2.0/24\n"), taken},
		{"included file", write("part.conf", action(4)), taken},
		{"first file of a pattern, and its folder", write("conf.d/new.conf", action(5)), taken},
		{"another of them", write("conf.d/newer.conf", action(6)), taken},
		{"one less", remove("conf.d/new.conf"), taken},
		{"no words", remove("data/words.data"), refused},
		{"words again", write("data/words.data", "hocuspocus\n"), taken},
		{"a file that is not there", settings("other.conf"), refused},
		{"there, but faulty", write("other.conf", "SecRule\n"), refused},
		{"mended, with an Include of nothing", write("other.conf", action(7)+"Include more/other.conf\n"), refused},
		{"mended", write("more/other.conf", action(8)), taken},
		{"changed", write("more/other.conf", action(9)), taken},
	} {
		before := said.count(c.want)
		all := said.count("taken over")
		c.change()
		said.until(t, c.name, func() bool { return said.count(c.want) > before })
		if n := said.count("taken over") - all; n != 1 {
			t.Errorf("%s: loaded %d times, want once", c.name, n)
		}
	}
	write("part.conf", "what nobody reads any longer\n")()
	write("more/other.conf", action(10))()
	before := said.count("taken over")
	said.until(t, "the last change", func() bool { return said.count(taken) > 9 })
	if n := said.count("taken over"); n != before+1 {
		t.Errorf("loaded %d times, want once", n-before)
	}
}

// A refused reload by hand is followed up: what it named first is watched.
func TestWatchesAfterReloadByHand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "l.yaml")
	settings := func(rules string) {
		put(t, file, []byte("listen: [{address: \"127.0.0.1:0\"}]\naccess_log: {file: off}\nsites:\n  - names: [a.test]\n    origin: {urls: [\"http://127.0.0.1:1\"]}\n    waf: {core_rules: false"+rules+"}\n"))
	}
	settings("")
	said := newWatchedLog()
	a, err := New(file, Options{Log: said})
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "own.conf"), []byte("SecRule\n"))
	settings(", rules: [own.conf]")
	if a.Reload() == nil {
		t.Fatal("taken over")
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = a.Run(ctx) })
	defer running.Wait()
	defer stop()
	said.line(t, "serving")
	put(t, filepath.Join(dir, "own.conf"), []byte("SecAction \"id:1,phase:1,pass\"\n"))
	said.line(t, "configuration taken over")
	if n := said.count("taken over"); n != 2 {
		t.Errorf("loaded %d times, want twice: what was read by hand is not read again", n)
	}
}

func (l *watchedLog) count(word string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(strings.Join(l.lines, ""), word)
}

// until waits until what was written makes ok true.
func (l *watchedLog) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		more := l.more
		l.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-more:
		case <-limit:
			l.mu.Lock()
			defer l.mu.Unlock()
			t.Fatalf("%s: in vain\n%s", what, strings.Join(l.lines, ""))
		}
	}
}
