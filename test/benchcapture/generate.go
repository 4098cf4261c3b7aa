package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
)

// generate writes a capture of so many connections, all at once, their packets interleaved, and its key log.
func generate(ctx context.Context, file, keyLog string, flows, response int) error {
	out, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	keys, err := os.OpenFile(keyLog, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer keys.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	g := generator{ctx: ctx, cancel: cancel, rec: newRecorder(out), response: response, log: &locked{w: keys}}
	if g.certificate, err = selfSigned(); err != nil {
		return err
	}
	g.body = make([]byte, response)
	random := rand.NewChaCha8([32]byte{1})
	if _, err := random.Read(g.body); err != nil {
		return err
	}
	return g.run(flows)
}

type generator struct {
	ctx         context.Context
	cancel      context.CancelCauseFunc
	rec         *recorder
	response    int
	body        []byte
	certificate tls.Certificate
	log         io.Writer
}

type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// run lets every connection say its next few packets in turn.
func (g *generator) run(flows int) error {
	var talking sync.WaitGroup
	defer talking.Wait()
	var open []*dialogue
	for i := range flows {
		version := uint16(tls.VersionTLS12 + i%2)
		d := newDialogue(g.ctx, i)
		talking.Go(func() { g.serve(d, version) })
		talking.Go(func() { g.ask(d, version, i) })
		d.hello(g.rec)
		open = append(open, d)
	}
	for len(open) > 0 {
		still := open[:0]
		for _, d := range open {
			if d.turn(g.rec) {
				still = append(still, d)
			}
		}
		open = still
		if err := errors.Join(g.rec.err, context.Cause(g.ctx)); err != nil {
			g.cancel(err)
			return err
		}
	}
	return g.rec.out.Flush()
}

func (g *generator) serve(d *dialogue, version uint16) {
	conn := tls.Server(d.server, &tls.Config{Certificates: []tls.Certificate{g.certificate}, MinVersion: version, MaxVersion: version,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, DynamicRecordSizingDisabled: true})
	defer d.server.finish()
	defer conn.Close()
	buf := make([]byte, 4096)
	n := 0
	for !strings.Contains(string(buf[:n]), "\r\n\r\n") {
		more, err := conn.Read(buf[n:])
		if n += more; err != nil {
			g.fail(err)
			return
		}
	}
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n", g.response)
	if _, err := conn.Write([]byte(head)); err != nil {
		g.fail(err)
		return
	}
	if _, err := conn.Write(g.body); err != nil {
		g.fail(err)
	}
}

func (g *generator) ask(d *dialogue, version uint16, i int) {
	conn := tls.Client(d.client, &tls.Config{ServerName: fmt.Sprintf("www%d.example.org", i%100), InsecureSkipVerify: true, KeyLogWriter: g.log,
		MinVersion: version, MaxVersion: version})
	defer d.client.finish()
	defer conn.Close()
	request := fmt.Sprintf("GET /page/%d?session=1 HTTP/1.1\r\nHost: www%d.example.org\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\n\r\n", i, i%100)
	if _, err := conn.Write([]byte(request)); err != nil {
		g.fail(err)
		return
	}
	if _, err := io.Copy(io.Discard, conn); err != nil {
		g.fail(err)
	}
}

func (g *generator) fail(err error) { g.cancel(fmt.Errorf("make capture: %w", err)) }
