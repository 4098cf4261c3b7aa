package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/redact"
)

func TestRecorderWritesAndFinds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.jsonl")
	r, err := New(Config{File: path, Blocked: 2})
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, 4)
	for i := range ids {
		x := full()
		ids[i] = exchange.NewID(start)
		x.ID = ids[i]
		r.Record(x)
		r.Record(ordinary())
	}
	if b, ok := r.Block(ids[3]); !ok || !bytes.Contains(b, []byte(ids[3])) || bytes.HasSuffix(b, []byte("\n")) {
		t.Errorf("newest in memory: %v %s", ok, b)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b, ok := r.Block(ids[0]); !ok || parse(t, b).ID != ids[0] {
		t.Errorf("one that fell out of memory is not found in the file: %v", ok)
	}
	if _, ok := r.Block(ordinary().ID + "X"); ok {
		t.Error("unknown id found")
	}
	x := ordinary()
	x.ID = exchange.NewID(start)
	if _, ok := r.Block(x.ID); ok {
		t.Error("found what was never recorded")
	}
	rec, err := FindInLog(path, ids[1])
	if err != nil || rec.ID != ids[1] || rec.WAF.Rules[0].ID != 942100 {
		t.Errorf("FindInLog: %+v, %v", rec, err)
	}
	if _, err := FindInLog(path, x.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("FindInLog of an unknown id: %v", err)
	}
	if _, err := FindInLog(path, `x","`); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("FindInLog of no id: %v", err)
	}
	if _, err := FindInLog(path+".no", x.ID); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("FindInLog in no file: %v", err)
	}
	b, err := os.ReadFile(path)
	if err != nil || bytes.Count(b, []byte("\n")) != 8 {
		t.Errorf("%d lines in the file, %v", bytes.Count(b, []byte("\n")), err)
	}
}

func TestBlockIsOnlyForBlocked(t *testing.T) {
	r, err := New(Config{File: filepath.Join(t.TempDir(), "a")})
	if err != nil {
		t.Fatal(err)
	}
	r.Record(ordinary())
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b, ok := r.Block(ordinary().ID); ok {
		t.Errorf("an ordinary request is shown: %s", b)
	}
}

func TestFindSkipsWhatIsNotOurs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	id := full().ID
	good := lineOf(t, full())
	var b bytes.Buffer
	b.WriteString("garbage\n" + `{"x":"` + strings.Repeat("y", 3*maxLine) + `,"id":"` + id + `",` + "\n")
	b.WriteString(`{"time":"x","path":"` + strings.Repeat("z", 200) + `,"id":"` + id + `","` + "\n") // the id as part of a value
	b.Write(good)
	b.Write(good[:len(good)-30]) // cut: being written
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := FindInLog(path, id); err != nil || r.ID != id {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRing(t *testing.T) {
	r := newRing(3)
	for i := range 5 {
		r.put(fmt.Sprint(i), []byte{byte(i)})
	}
	for i := range 5 {
		if b, ok := r.get(fmt.Sprint(i)); ok != (i >= 2) || ok && b[0] != byte(i) {
			t.Errorf("%d: %v %v", i, b, ok)
		}
	}
	r.put("4", []byte{9}) // twice: the first stays
	if b, _ := r.get("4"); b[0] != 4 || r.n != 3 || r.bytes != 3 {
		t.Errorf("%v, %d records, %d bytes", b, r.n, r.bytes)
	}
	r.maxBytes = 10
	r.put("big", make([]byte, 9))
	if _, ok := r.get("4"); !ok || r.n != 2 || r.bytes != 10 {
		t.Errorf("%d records, %d bytes", r.n, r.bytes)
	}
	r.put("too big", make([]byte, 11))
	if _, ok := r.get("too big"); ok || r.bytes > 10 {
		t.Errorf("%d bytes", r.bytes)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, cfg := range []Config{
		{Pending: 1}, {Pending: maxPending + 1}, {Blocked: -1}, {Blocked: 1e6}, {Mask: redact.Config{MaxPart: 1}},
		{File: filepath.Join(t.TempDir(), "no", "such")},
	} {
		if r, err := New(cfg); err == nil {
			r.Close(t.Context())
			t.Errorf("%+v was accepted", cfg)
		}
	}
}

func TestRecordFromManyGoroutines(t *testing.T) {
	var out bytes.Buffer
	r, err := New(Config{Output: &out, Pending: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				x := full()
				x.ID, x.Site = exchange.NewID(start), fmt.Sprint("site", i)
				x.Answer.Status = 200 + j
				r.Record(x)
				r.Block(x.ID)
			}
		})
	}
	wg.Wait()
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if len(lines) != 1600 {
		t.Errorf("%d lines", len(lines))
	}
	for _, l := range lines {
		parse(t, l)
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	r, err := New(Config{Output: stream{new(discard)}, Pending: maxPending})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(t.Context())
	x := ordinary()
	r.Record(x)
	// The pool may lose its line to a collection, and chunks are made now and then.
	if n := testing.AllocsPerRun(500, func() { r.Record(x) }); n > 1 {
		t.Errorf("%v allocations a record", n)
	}
}

type discard struct{}

func (*discard) Write(p []byte) (int, error) { return len(p), nil }

func TestAdmitOpenAndClosed(t *testing.T) {
	r, err := New(Config{Output: new(discard), Closed: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(t.Context())
	if err := r.Admit(); err != nil {
		t.Error(err)
	}
	r.log.failing.Store(true)
	if e := reason.Of(r.Admit()); e == nil || e.Code != reason.UsLogFailed {
		t.Errorf("%v", e)
	}
}
