package watch

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/sniff"
	"github.com/lunette-waf/lunette/internal/cli"
)

// line is what lunette watch --json writes.
type line struct {
	Kind     string    `json:"kind"`
	At       time.Time `json:"at"`
	New      bool      `json:"new"`
	Count    int64     `json:"count"`
	Incident string    `json:"incident"`
	Site     string    `json:"site"`
	Origin   string    `json:"origin"`
	Lasts    bool      `json:"lasts"`
	Finding  *struct {
		Code       string `json:"code"`
		Confidence string `json:"confidence"`
		Summary    string `json:"summary"`
	} `json:"finding"`
	Packets   int64 `json:"packets"`
	Dropped   int64 `json:"dropped"`
	Opened    int64 `json:"opened"`
	Incidents int   `json:"incidents"`
}

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// watching is a command that runs.
type watching struct {
	lines chan line
	stop  context.CancelFunc
	code  chan int
}

// start runs lunette watch on loopback until the end of the test, and returns once it sees packets.
func start(t *testing.T, args ...string) *watching {
	t.Helper()
	if err := sniff.Allowed(); err != nil {
		t.Skip("packets cannot be taken here: ", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	outRead, outWrite := io.Pipe()
	errRead, errWrite := io.Pipe()
	w := &watching{lines: make(chan line, 1000), stop: stop, code: make(chan int, 1)}
	go func() {
		w.code <- cli.Main(ctx, append([]string{"watch", "--interface", "lo", "--json"}, args...), outWrite, errWrite)
		outWrite.Close()
		errWrite.Close()
	}()
	go func() {
		defer close(w.lines)
		dec := json.NewDecoder(outRead)
		for {
			var l line
			if dec.Decode(&l) != nil {
				return
			}
			w.lines <- l
		}
	}()
	ready := make(chan string, 1)
	go func() {
		said := ""
		for s := bufio.NewScanner(errRead); s.Scan(); {
			said += s.Text() + "\n"
			if strings.Contains(s.Text(), "watching lo") {
				ready <- ""
			}
		}
		ready <- said
	}()
	t.Cleanup(func() {
		stop()
		for range w.lines {
		}
	})
	select {
	case said := <-ready:
		if said != "" {
			t.Fatal("it ended: ", said)
		}
	case <-time.After(patience):
		t.Fatal("it does not begin to watch")
	}
	return w
}

// until waits for a failure with this code.
func (w *watching) until(t *testing.T, code string) line {
	t.Helper()
	end := time.After(patience)
	for {
		select {
		case l, ok := <-w.lines:
			if !ok {
				t.Fatalf("it ended before %s was named", code)
			}
			if l.Finding != nil && l.Finding.Code == code {
				return l
			}
			if l.Finding != nil {
				t.Logf("also: %s %s: %s", l.Finding.Code, l.Finding.Confidence, l.Finding.Summary)
			}
		case <-end:
			t.Fatalf("%s is not named", code)
		}
	}
}

// summary ends the command and returns its last line.
func (w *watching) summary(t *testing.T) line {
	t.Helper()
	w.stop()
	var last line
	for l := range w.lines {
		last = l
	}
	if code := <-w.code; code != 0 || last.Kind != "summary" {
		t.Errorf("it ended with %d and %+v", code, last)
	}
	return last
}

// ask sends a GET in the background and forgets the answer. It is over when the test is.
func ask(t *testing.T, url, host string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	tr := &http.Transport{}
	go func() {
		defer close(done)
		if res, err := tr.RoundTrip(req); err == nil {
			res.Body.Close()
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		tr.CloseIdleConnections()
	})
}
