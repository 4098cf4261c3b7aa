package origin

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"regexp"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// told says what the detail of a fault must say, by its code.
var told = map[reason.Code]string{
	reason.TLSTimeout:            `^100ms, timeouts\.tls; no answer to the ClientHello$`,
	reason.ReadFirstByteTimeout:  `^100ms, timeouts\.first_byte$`,
	reason.ReadHeaderStall:       `^1s, timeouts\.first_byte$`,
	reason.ReadBodyStall:         `^100ms, timeouts\.read_idle; 3 of 9 body bytes`,
	reason.ReadEOFBeforeHeader:   `^after [1-9][0-9]* bytes sent, 0 received$`,
	reason.ReadEOFInHeader:       `^after [1-9][0-9]* bytes sent, [1-9][0-9]* received`,
	reason.ReadResetBeforeHeader: `^after [1-9][0-9]* bytes sent, [0-9]+ received`,
	reason.ReadTruncated:         `^after [1-9][0-9]* bytes sent, [1-9][0-9]* received; .* bytes`,
	reason.ReadResetInBody:       `^after [1-9][0-9]* bytes sent, [1-9][0-9]* received; `,
}

func checkTold(t *testing.T, code reason.Code, detail string) {
	t.Helper()
	if want := told[code]; want != "" && !regexp.MustCompile(want).MatchString(detail) {
		t.Errorf("%s: detail %q, want %s", code, detail, want)
	}
}

// TestToldOfTotal: the limit of the whole exchange names itself, whichever phase it ends.
func TestToldOfTotal(t *testing.T) {
	addr := rawServer(t, func(_ *net.TCPConn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) })
	o := newOrigin(t, Config{URLs: []string{"http://" + addr}, Timeouts: Timeouts{Total: 50 * time.Millisecond}})
	x := newExchange("GET", "/", "")
	x.Start = time.Now()
	_, _, err := fetch(t, o, x)
	if r := reason.Of(err); r == nil || r.Code != reason.ReadOverTotalTime || r.Detail != "50ms, timeouts.total" {
		t.Errorf("got %v", err)
	}
}

// TestToldKeepsShared: a reason that several exchanges share is not written to.
func TestToldKeepsShared(t *testing.T) {
	o := newOrigin(t, Config{URLs: []string{"http://127.0.0.1:1"}})
	shared := reason.New(reason.WriteReset, "ECONNRESET", nil)
	if r := o.told(shared, 7, 0); r.Detail != "after 7 bytes sent, 0 received; ECONNRESET" || shared.Detail != "ECONNRESET" {
		t.Errorf("%q, and the shared one %q", r.Detail, shared.Detail)
	}
}

// TestToldOfVersions: an origin that is newer than what we may speak is told from one that is older by what we offer.
func TestToldOfVersions(t *testing.T) {
	newer := newServer(t, nil, func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 })
	older := newServer(t, nil, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 })
	for _, c := range []struct {
		url    string
		tls    TLS
		detail string
	}{
		{newer.URL, TLS{MaxVersion: tls.VersionTLS12}, "we offer TLS 1.2 only; alert 70 protocol_version"},
		{newer.URL, TLS{MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS12}, "we offer TLS 1.1 to TLS 1.2; alert 70 protocol_version"},
		{older.URL, TLS{MinVersion: tls.VersionTLS13}, "we offer TLS 1.3 only; alert 70 protocol_version"},
	} {
		o := newOrigin(t, Config{URLs: []string{c.url}, TLS: c.tls})
		_, _, err := fetch(t, o, newExchange("GET", "/", ""))
		if r := reason.Of(err); r == nil || r.Code != reason.TLSNoCommonVersion || r.Detail != c.detail {
			t.Errorf("got %v, want detail %q", err, c.detail)
		}
	}
}
