package httptimeline

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
)

// TestMasked holds that no credential shows in anything that is handed out, and that all do where that was asked for.
func TestMasked(t *testing.T) {
	const secret = "hunter2hunter2"
	e, d := newEncoder(), newEncoder()
	head := "\r\nHost: u:" + secret + "@a.test\r\nCookie: id=" + secret + "\r\nAuthorization: Bearer " + secret + "\r\nX-Api-Key: " + secret + "\r\n"
	for name, steps := range map[string][]step{
		"http1": {
			c("GET http://u:" + secret + "@a.test/?token=" + secret + " HTTP/1.1" + head + "Bad Name: x\r\n\r\n"),
			s("HTTP/1.1 200 OK\r\nSet-Cookie: id=" + secret + "; Path=/\r\nLocation: /?code=" + secret + "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Token: " + secret + "\r\n\r\n"),
			c("POST / HTTP/1.1" + head + "Transfer-Encoding: chunked\r\n\r\npassword=" + secret + "\r\n"),
			s("token=" + secret + "\r\n"),
		},
		"http2": {
			c(preface + emptySettings + fr(frameHeaders, flagEndHeaders|flagEndStream, 1, e.block(":method GET", ":scheme https", ":authority u:"+secret+"@a.test", ":path /?token="+secret, "cookie id="+secret, "authorization Bearer "+secret))),
			s(emptySettings + fr(frameHeaders, flagEndHeaders, 1, d.block(":status 200", "set-cookie id="+secret)) + fr(frameHeaders, flagEndHeaders|flagEndStream, 1, d.block("x-token "+secret))),
			s(fr(frameGoAway, 0, 0, u32(1)+u32(0)+"token="+secret)),
		},
		"websocket": append(upgradeSteps(), s("\x88\x16\x03\xe8token="+secret)),
	} {
		for _, unmask := range []bool{false, true} {
			p := play(Config{Unmask: unmask}, steps, nil)
			all, err := json.Marshal([]any{p.facts, p.done})
			if err != nil {
				t.Fatal(err)
			}
			if shows := strings.Contains(string(all), secret); shows != unmask {
				t.Errorf("%s, unmask %v: shows %v: %s", name, unmask, shows, all)
			}
		}
	}
}

func TestAwaited(t *testing.T) {
	const client, server = fact.SideClient, fact.SideServer
	e, d := newEncoder(), newEncoder()
	for _, r := range []struct {
		name  string
		steps []step
		want  []string
	}{
		{"http1", []step{
			c("PO"), c("ST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n"), c("\r\n"), c("ab"), c("c"), s("HTTP"), s("/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), s("ok"),
			c("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"), fin(server),
		}, []string{
			"client rest of the request head", "client rest of the request head", "client request body", "client request body", "server response", "server rest of the response head",
			"server rest of the response body", "nothing", "server response", "nothing",
		}},
		{"continue", []step{
			c("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"), s("HTTP/1.1 100 Continue\r\n\r\n"), c("abc"), s("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
		}, []string{"server 100-continue or body", "client request body", "server response", "nothing"}},
		{"upgrade", upgradeSteps(), []string{"server response", "nothing"}},
		{"connect", []step{c("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n"), s("HTTP/1.1 200 OK\r\n\r\n")}, []string{"server response", "nothing"}},
		{"no http", []step{c("\x00\x01")}, []string{"nothing"}},
		{"http2", []step{
			c(preface + emptySettings), s(fr(frameSettings, 0, 0, setting(settingWindow, 3))), c(fr(frameHeaders, flagEndHeaders, 1, e.block(":method POST", ":scheme https", ":path /", ":authority a.test"))),
			c(fr(frameData, 0, 1, "abc")), s(fr(frameWindowUpdate, 0, 1, u32(9))), c(fr(frameData, flagEndStream, 1, "d")), s(fr(frameHeaders, flagEndHeaders, 1, d.block(":status 200"))), s(fr(frameData, flagEndStream, 1, "ok")),
		}, []string{
			"nothing", "nothing", "client request body", "server window update", "client request body", "server response", "server rest of the response body", "nothing",
		}},
	} {
		if got := play(Config{}, r.steps, nil).awaited; !slices.Equal(got, r.want) {
			t.Errorf("%s: %q\nwant %q", r.name, got, r.want)
		}
	}
	if side, what := New(Config{}).Awaited(); side != client || what != "request" {
		t.Errorf("at first: %v %s", side, what)
	}
}

// TestMaskedBodies holds that credentials in what is kept of bodies are masked, however the bytes come in.
func TestMaskedBodies(t *testing.T) {
	form, doc := "user=bob&password=hunter2hunter2", `{"access_token": "hunter2hunter2"}`
	steps := []step{
		c("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 32\r\n\r\n" + form[:22]), c(form[22:]),
		s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n18\r\n" + doc[:24] + "\r\n"), s("a\r\n" + doc[24:] + "\r\n0\r\n\r\n"),
	}
	for _, unmask := range []bool{false, true} {
		p := play(Config{Unmask: unmask, Bodies: 100}, steps, nil)
		x := p.done[0]
		for want, body := range map[string][]byte{form: x.Request.Body, doc: x.Response.Body} {
			if !unmask {
				want = strings.Replace(want, "hunter2hunter2", "[masked 14 bytes]", 1)
			}
			if string(body) != want {
				t.Errorf("unmask %v: %s", unmask, body)
			}
		}
	}
}
