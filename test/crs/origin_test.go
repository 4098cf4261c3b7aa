package crs_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
)

// reflection is the answer that a request to /reflect asks for in its body.
type reflection struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Encoded string            `json:"encodedBody"` // the body in base64
	Log     string            `json:"logMessage"`
}

// origin runs a server until the test ends and returns its address. It answers every request with 200 and no body, and POST /reflect with
// the answer that it describes. It reads whatever the gateway lets through: a server with an opinion of its own would hide what rules say.
func origin(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			wg.Go(func() {
				answerAll(c)
				_ = c.Close()
				mu.Lock()
				delete(open, c)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}

// answerAll answers the requests of one connection.
func answerAll(c net.Conn) {
	rd := httpwire.NewReader(c)
	for {
		var q exchange.Request
		if rd.ReadRequest(httpwire.Limits{}, &q) != nil {
			return
		}
		body, err := io.ReadAll(rd.Body(q.Length, httpwire.Limits{}))
		if err != nil {
			return
		}
		r, content := answerTo(&q, body)
		r.Length = int64(len(content))
		out, err := httpwire.AppendResponse(nil, r, httpwire.ResponseOptions{Method: q.Method, Proto: exchange.HTTP11, Close: q.Close})
		if err != nil {
			r = &exchange.Response{Status: http.StatusInternalServerError}
			content = nil
			out, err = httpwire.AppendResponse(nil, r, httpwire.ResponseOptions{Method: q.Method, Proto: exchange.HTTP11})
		}
		if err != nil {
			return
		}
		if httpwire.BodyAllowed(q.Method, r.Status) {
			out = append(out, content...)
		}
		if _, err := c.Write(out); err != nil || q.Close {
			return
		}
	}
}

// answerTo returns the answer to a request; its Content-Type is guessed where nobody states one.
func answerTo(q *exchange.Request, body []byte) (*exchange.Response, []byte) {
	r := &exchange.Response{Status: http.StatusOK, Proto: exchange.HTTP11, Body: exchange.NoBody}
	if q.Method != "POST" || q.Path != "/reflect" && !strings.HasPrefix(q.Path, "/reflect/") {
		return r, nil
	}
	content, err := reflect(r, body)
	if err != nil {
		return &exchange.Response{Status: http.StatusBadRequest, Proto: exchange.HTTP11, Body: exchange.NoBody}, []byte(err.Error())
	}
	if len(content) > 0 && !r.Header.Has(contentType) {
		r.Header.Add(contentType, http.DetectContentType(content))
	}
	return r, content
}

func reflect(r *exchange.Response, body []byte) ([]byte, error) {
	var want reflection
	if err := json.Unmarshal(body, &want); err != nil {
		return nil, err
	}
	if want.Status != 0 {
		if r.Status = want.Status; r.Status < 100 || r.Status > 599 {
			return nil, errors.New("no such status")
		}
	}
	for name, value := range want.Headers {
		if !strings.EqualFold(name, "Content-Length") {
			r.Header.Add(name, value)
		}
	}
	if want.Body != "" {
		return []byte(want.Body), nil
	}
	return base64.StdEncoding.DecodeString(want.Encoded)
}
