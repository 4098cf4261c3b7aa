package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// watched is output that somebody waits for.
type watched struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	want string
	seen chan struct{} // closed once want is in the output
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := strings.Contains(w.buf.String(), w.want)
	n, err := w.buf.Write(p)
	if !before && strings.Contains(w.buf.String(), w.want) {
		close(w.seen)
	}
	return n, err
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// What demo --keep prints to play with works as it stands there.
func TestDemoKeep(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	out := &watched{want: "Files: ", seen: make(chan struct{})}
	ended := make(chan int)
	go func() { ended <- Main(ctx, []string{"demo", "--keep"}, out, out) }() // ends with stop
	defer func() {
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("exit %d:\n%s", code, out)
		}
	}()
	select {
	case <-out.seen:
	case code := <-ended:
		go func() { ended <- code }()
		t.Fatalf("exit %d: %s", code, out)
	case <-time.After(time.Minute):
		t.Fatalf("the demo is not up after a minute:\n%s", out)
	}
	explain := regexp.MustCompile(`explain-block (\S+) --config (\S+)`).FindStringSubmatch(out.String())
	if explain == nil {
		t.Fatalf("no explain-block in\n%s", out)
	}
	cfg, err := os.ReadFile(explain[2])
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(cfg, []byte(":0\"")) || !bytes.Contains(cfg, []byte("access.jsonl")) {
		t.Errorf("other commands cannot use this configuration:\n%s", cfg)
	}
	var told, errs bytes.Buffer
	if code := Main(t.Context(), append([]string{"explain-block"}, explain[1:2]...), io.Discard, io.Discard); code != exitUsage {
		t.Errorf("explain-block without a configuration: exit %d", code)
	}
	if code := Main(t.Context(), []string{"explain-block", explain[1], "--config", explain[2]}, &told, &errs); code != 0 || !strings.Contains(told.String(), "942100") {
		t.Errorf("explain-block: exit %d: %s%s", code, told.String(), errs.String())
	}
	pasteCurl(t, out.String())
}

// pasteCurl runs the curl lines of text that go through Lunette.
func pasteCurl(t *testing.T, text string) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("needs curl")
	}
	statuses := map[bool]string{false: " 200", true: " 403"}
	lines := regexp.MustCompile(`(?m)^  curl -i --cacert .*$`).FindAllString(text, -1)
	if len(lines) != 2 {
		t.Fatalf("%d curl lines through Lunette in\n%s", len(lines), text)
	}
	for _, line := range lines {
		answer, err := exec.Command("sh", "-c", line).Output()
		first, _, _ := strings.Cut(string(answer), "\n")
		if want := statuses[strings.Contains(line, "UNION")]; err != nil || !strings.Contains(first, want) {
			t.Errorf("%s\n: %v, want%s in\n%s", line, err, want, answer)
		}
	}
}
