package crs_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/telemetry"
)

// patience bounds every wait for something that should come at once, on a busy machine with the race detector.
const patience = 2 * time.Minute

// configuration is the gateway that the tests are run against: paranoia 4, nothing is ended by rules, as in the reference set-up of the rule set.
// The site is the default one, for the tests come with many a Host and with none; its paths are lenient, for strict ones end at the site.
const configuration = `
listen: [{address: "127.0.0.1:0"}]
drain_timeout: 5s
sites:
  - names: [localhost]
    default: true
    path: lenient
    origin: {urls: ["http://%s"]}
    waf: {mode: detect, paranoia: 4, inspect_responses: true, time_limit: 1m, rules: [reference.conf]}
`

// reference is what the reference set-up of the rule set's tests states beyond its defaults, and those defaults that Lunette sets otherwise: which methods and
// fields are allowed, and that the summary of scores is a match of its own (the record states the score anyway).
const reference = `
SecAction "id:100,phase:1,pass,nolog,t:none,\
  setvar:tx.crs_validate_utf8_encoding=1,\
  setvar:tx.max_num_args=255,\
  setvar:tx.arg_name_length=100,\
  setvar:tx.arg_length=400,\
  setvar:tx.total_arg_length=64000,\
  setvar:tx.max_file_size=64100,\
  setvar:tx.combined_file_sizes=65535,\
  setvar:'tx.restricted_headers_basic=/content-encoding/ /proxy/ /lock-token/ /content-range/ /if/ /x-http-method-override/ /x-http-method/ /x-method-override/ /x-middleware-subrequest/ /expect/'"
SecRule REQUEST_METHOD "@unconditionalMatch" "id:101,phase:1,pass,nolog,t:none,setvar:'tx.allowed_methods=GET HEAD POST OPTIONS'"
SecRuleUpdateActionById 980170 "log"
`

// gateway is Lunette running in this process.
type gateway struct {
	app  *app.App
	addr string
	log  accessLog
}

// rule is one match in a record.
type rule = telemetry.RecordRule

// start runs the gateway of configuration in front of an origin until the test ends.
func start(t testing.TB) *gateway { return startWith(t, configuration) }

// startWith runs a gateway of yaml, in which %s is the origin.
func startWith(t testing.TB, yaml string) *gateway {
	t.Helper()
	g := &gateway{log: accessLog{waiting: map[string]chan *telemetry.Record{}}}
	dir := t.TempDir()
	path := filepath.Join(dir, "lunette.yaml")
	for name, text := range map[string]string{path: fmt.Sprintf(yaml, origin(t)), filepath.Join(dir, "reference.conf"): reference} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if g.app, err = app.New(path, app.Options{Version: "test", Log: io.Discard, Access: &g.log}); err != nil {
		t.Fatal(err)
	}
	g.addr = g.app.Addrs()[0]
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.app.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stop the gateway: %v", err)
		}
	})
	return g
}

// outcome is what came of one request.
type outcome struct {
	sent   []byte
	status int // 0: no answer
	err    error
	record *telemetry.Record
}

// send sends the request of a stage.
func (g *gateway) send(in *input) outcome {
	raw, err := in.bytes()
	if err != nil {
		return outcome{err: err}
	}
	return g.exchange(raw)
}

// exchange sends one request on a connection of its own, and returns the answer and what the gateway wrote down.
func (g *gateway) exchange(raw []byte) (o outcome) {
	o.sent = raw
	c, written, err := g.dial()
	if err != nil {
		o.err = err
		return o
	}
	defer func() { _ = c.Close() }()
	defer g.log.forget(c.LocalAddr().String())
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, o.err = c.Write(raw); o.err == nil {
		o.status, o.err = readAnswer(c, strings.SplitN(string(raw), " ", 2)[0])
	}
	_ = c.Close()
	select {
	case o.record = <-written:
	case <-time.After(patience):
		o.err = errors.Join(o.err, errors.New("nothing in the access log"))
	}
	return o
}

// dial returns a connection, and where the record of its request will come. A port that is free again before the record of its last request came is
// left to who waits for that.
func (g *gateway) dial() (net.Conn, <-chan *telemetry.Record, error) {
	for {
		c, err := net.Dial("tcp", g.addr)
		if err != nil {
			return nil, nil, err
		}
		if written, ok := g.log.expect(c.LocalAddr().String()); ok {
			return c, written, nil
		}
		defer func() { _ = c.Close() }() // not now: the next one would get the same port
	}
}

// readAnswer reads one answer to its end.
func readAnswer(c net.Conn, method string) (status int, err error) {
	r, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		return 0, err
	}
	defer func() { _ = r.Body.Close() }()
	if method == http.MethodConnect {
		return r.StatusCode, nil
	}
	_, err = io.Copy(io.Discard, r.Body)
	return r.StatusCode, err
}

// accessLog hands each line to whoever waits for the record of that client address.
type accessLog struct {
	mu      sync.Mutex
	rest    []byte
	waiting map[string]chan *telemetry.Record
}

// expect returns where the record of a client will come, unless somebody waits for one of that address.
func (l *accessLog) expect(peer string) (record <-chan *telemetry.Record, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting[peer] != nil {
		return nil, false
	}
	c := make(chan *telemetry.Record, 1)
	l.waiting[peer] = c
	return c, true
}

func (l *accessLog) forget(peer string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, peer)
}

// Write implements io.Writer.
func (l *accessLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		l.rest = rest
		r := new(telemetry.Record)
		if err := json.Unmarshal(line, r); err != nil {
			return len(p), fmt.Errorf("access log line %q: %w", line, err)
		}
		if r.Client == nil {
			continue
		}
		select {
		case l.waiting[r.Client.Peer] <- r:
		default:
		}
	}
}
