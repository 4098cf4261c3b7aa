package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progress is a bar on a terminal, for work that takes long.
type progress struct {
	w     io.Writer // nil: no terminal
	began time.Time
	drawn int // columns
}

const (
	progressFrom  = 16 << 20 // bytes of input from which it is shown at once
	progressAfter = time.Second
	progressCells = 30
)

func newProgress(w io.Writer) *progress {
	p := &progress{began: time.Now()}
	if _, yes := terminal(w); yes {
		p.w = w
	}
	return p
}

// show draws that done of total bytes were read; total is 0 when nobody knows.
func (p *progress) show(done, total int64) {
	if p.w == nil || total < progressFrom && time.Since(p.began) < progressAfter {
		return
	}
	line := fmt.Sprintf("%d MB read", done/1e6)
	if total > 0 {
		n := int(min(done, total) * progressCells / total)
		line = fmt.Sprintf("[%s%s] %3d %% of %d MB", strings.Repeat("#", n), strings.Repeat(" ", progressCells-n), min(done, total)*100/total, total/1e6)
	}
	_, _ = fmt.Fprintf(p.w, "\r%s%s", line, strings.Repeat(" ", max(p.drawn-len(line), 0)))
	p.drawn = len(line)
}

// clear takes the bar away.
func (p *progress) clear() {
	if p.drawn > 0 {
		_, _ = fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.drawn))
	}
}
