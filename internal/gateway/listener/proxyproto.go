package listener

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// The PROXY protocol, versions 1 and 2, as HAProxy's proxy-protocol.txt defines it.
const (
	proxySignature = "\r\n\r\n\x00\r\nQUIT\n"
	proxyV1Start   = "PROXY "
	proxyV1Max     = 107  // longest line with its CRLF, section 2.1
	proxyV2Max     = 4096 // our bound on the addresses and TLVs of version 2
)

// proxyHeader is what a PROXY header says. Without addresses (LOCAL, UNKNOWN) both are invalid and the socket's hold.
type proxyHeader struct {
	Source, Destination netip.AddrPort
}

func proxyFault(detail string) *reason.Error {
	return reason.New(reason.ProxyProtoRejected, detail, nil)
}

// parseProxy reads one PROXY header from the start of b. n == 0 with a nil error means that more bytes are needed;
// spoken is false when b cannot be the start of one.
func parseProxy(b []byte) (h proxyHeader, n int, spoken bool, err error) {
	switch {
	case startsLike(b, proxySignature):
		h, n, err = parseProxyV2(b)
		return h, n, true, err
	case startsLike(b, proxyV1Start):
		h, n, err = parseProxyV1(b)
		return h, n, true, err
	}
	return h, 0, false, nil
}

// startsLike reports whether b starts with sign, as far as b goes.
func startsLike(b []byte, sign string) bool {
	n := min(len(b), len(sign))
	return string(b[:n]) == sign[:n]
}

func parseProxyV1(b []byte) (h proxyHeader, n int, err error) {
	end := bytes.Index(b[:min(len(b), proxyV1Max)], []byte("\r\n"))
	if end < 0 {
		if len(b) >= proxyV1Max {
			return h, 0, proxyFault("version 1 line too long")
		}
		return h, 0, nil
	}
	part := strings.Split(string(b[:end]), " ")
	n = end + 2
	if len(part) >= 2 && part[1] == "UNKNOWN" {
		return h, n, nil
	}
	if len(part) != 6 || part[1] != "TCP4" && part[1] != "TCP6" {
		return h, 0, proxyFault("version 1 line")
	}
	src, err1 := netip.ParseAddr(part[2])
	dst, err2 := netip.ParseAddr(part[3])
	sport, ok1 := port(part[4])
	dport, ok2 := port(part[5])
	is4 := part[1] == "TCP4"
	if err1 != nil || err2 != nil || src.Is4() != is4 || dst.Is4() != is4 || src.Zone() != "" || dst.Zone() != "" {
		return h, 0, proxyFault("version 1 address")
	}
	if !ok1 || !ok2 {
		return h, 0, proxyFault("version 1 port")
	}
	return proxyHeader{netip.AddrPortFrom(src, sport), netip.AddrPortFrom(dst, dport)}, n, nil
}

// port reads a decimal port without sign, space or leading zero.
func port(s string) (uint16, bool) {
	if s == "" || len(s) > 5 || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	v := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		v = v*10 + int(s[i]-'0')
	}
	return uint16(v), v <= 65535
}

func parseProxyV2(b []byte) (h proxyHeader, n int, err error) {
	if len(b) < 16 {
		return h, 0, nil
	}
	if b[12]>>4 != 2 || b[12]&15 > 1 {
		return h, 0, proxyFault("version 2 version or command")
	}
	size := int(binary.BigEndian.Uint16(b[14:16]))
	if size > proxyV2Max {
		return h, 0, proxyFault("version 2 length")
	}
	if len(b) < 16+size {
		return h, 0, nil
	}
	n = 16 + size
	if b[12]&15 == 0 { // LOCAL: the proxy's own connection, a health check
		return h, n, nil
	}
	alen := 0
	switch b[13] {
	case 0x11:
		alen = 4
	case 0x21:
		alen = 16
	case 0x00: // UNSPEC: addresses unknown
		return h, n, nil
	default:
		return h, 0, proxyFault("version 2 family or transport")
	}
	body := b[16:n]
	if len(body) < 2*alen+4 {
		return h, 0, proxyFault("version 2 addresses")
	}
	src, _ := netip.AddrFromSlice(body[:alen])
	dst, _ := netip.AddrFromSlice(body[alen : 2*alen])
	ports := body[2*alen:]
	h.Source = netip.AddrPortFrom(src.Unmap(), binary.BigEndian.Uint16(ports))
	h.Destination = netip.AddrPortFrom(dst.Unmap(), binary.BigEndian.Uint16(ports[2:]))
	return h, n, nil
}

// readProxy takes the PROXY header from nc within the header time. It returns what was read beyond it.
func (c *conn) readProxy(s *Settings) (rest []byte, err error) {
	trusted := slices.ContainsFunc(c.l.trusted, func(p netip.Prefix) bool { return p.Contains(c.client.Peer.Addr().Unmap()) })
	if !trusted {
		if c.l.cfg.Proxy == ProxyRequire {
			return nil, proxyFault("source not trusted")
		}
		return nil, nil
	}
	if err := c.nc.SetReadDeadline(deadline(time.Now(), s.Header)); err != nil {
		return nil, reason.New(reason.ClientGone, "", err)
	}
	buf := make([]byte, 0, 256)
	for {
		h, n, spoken, err := parseProxy(buf)
		switch {
		case err != nil:
			return nil, err
		case !spoken && c.l.cfg.Proxy == ProxyRequire:
			return nil, reason.New(reason.ProxyProtoNotSpoken, "", nil)
		case !spoken:
			return buf, nil
		case n > 0:
			if h.Source.IsValid() {
				c.client.Addr, c.client.Local = h.Source, h.Destination
			}
			return buf[n:], nil
		}
		buf = slices.Grow(buf, 256)
		got, err := c.nc.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+got]
		if err != nil && got == 0 {
			return nil, readFault(err, len(buf) > 0)
		}
	}
}

// readFault says why the PROXY header did not come.
func readFault(err error, begun bool) *reason.Error {
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return reason.New(reason.ProxyProtoNotSpoken, "timeout", err)
	}
	if errors.Is(err, io.EOF) && begun {
		return reason.New(reason.ProxyProtoRejected, "ends inside the header", err)
	}
	return reason.New(reason.ClientGone, "before PROXY header", err)
}
