package origin

import (
	"errors"
	"strconv"
	"syscall"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// told returns r with what else is known of its fault in the detail: of a timeout the limit and the setting that it comes
// from, of a connection that ended the bytes that had passed in this attempt. r may be shared and stays as it is.
func (o *Origin) told(r *reason.Error, sent, received int64) *reason.Error {
	more := ""
	if d, key := o.limit(r); key != "" {
		more = timeout(d, key)
	}
	if ends(r.Code) {
		more = "after " + strconv.FormatInt(sent, 10) + " bytes sent, " + strconv.FormatInt(received, 10) + " received"
	}
	if more == "" {
		return r
	}
	e := *r
	if e.Detail = more; r.Detail != "" {
		e.Detail += "; " + r.Detail
	}
	return &e
}

// limit names the timeout that was hit, as in "first_byte"; "" where it was none of ours: the kernel has some too.
func (o *Origin) limit(r *reason.Error) (time.Duration, string) {
	t, d, key := &o.cfg.Timeouts, time.Duration(0), ""
	if waitedDead(r) > 0 {
		return 0, ""
	}
	switch r.Code {
	case reason.TLSTimeout:
		d, key = t.TLS, "tls"
	case reason.WriteTimeout:
		d, key = t.Write, "write"
	case reason.ReadFirstByteTimeout, reason.ReadHeaderStall:
		d, key = t.FirstByte, "first_byte"
	case reason.ReadBodyStall:
		d, key = t.ReadIdle, "read_idle"
	}
	var errno syscall.Errno
	if d == 0 || errors.As(r.Err, &errno) {
		return 0, ""
	}
	return d, key
}

func timeout(d time.Duration, key string) string { return d.String() + ", timeouts." + key }

// ends reports whether c says that the origin ended the connection in the midst of an exchange.
func ends(c reason.Code) bool {
	switch c {
	case reason.ReadEOFBeforeHeader, reason.ReadEOFInHeader, reason.ReadResetBeforeHeader, reason.ReadStaleReusedConnection,
		reason.ReadTruncated, reason.ReadResetInBody, reason.WriteEOF, reason.WriteReset:
		return true
	}
	return false
}
