package analysis

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Add reads one more term of a filter as people type it: a host name ("www.example.org", "*.example.org"), an address or network
// ("192.0.2.1", "2001:db8::/32"), a port (443), an address with a port, or one that says what it is: host= or sni=, addr=, port=, after=
// or from=, before= or to=, whose times moment reads.
func (f *Filter) Add(term string, moment func(string) (time.Time, error)) error {
	key, value, named := strings.Cut(term, "=")
	var err error
	switch strings.ToLower(key) {
	case "after", "from":
		f.From, err = moment(value)
		return err
	case "before", "to":
		f.To, err = moment(value)
		return err
	}
	if !named {
		return f.parseBare(term)
	}
	switch strings.ToLower(key) {
	case "host", "sni":
		err = f.parseHost(value)
	case "addr", "ip", "net":
		err = f.parseAddr(value)
	case "port":
		err = f.parsePort(value)
	default:
		err = fmt.Errorf("%s= is not known; there are host=, sni=, addr=, port=, after= and before=", key)
	}
	return err
}

// parseBare guesses what a word is.
func (f *Filter) parseBare(word string) error {
	if _, err := strconv.Atoi(word); err == nil {
		return f.parsePort(word)
	}
	if _, err := parsePrefix(word); err == nil {
		return f.parseAddr(word)
	}
	if f.parseEnd(word) {
		return nil
	}
	return f.parseHost(word)
}

// parseEnd reads an address with a port; false: s is none.
func (f *Filter) parseEnd(s string) bool {
	both, err := netip.ParseAddrPort(s)
	if err != nil || both.Port() == 0 {
		return false
	}
	a := both.Addr().Unmap().WithZone("")
	f.Addrs, f.Ports = append(f.Addrs, netip.PrefixFrom(a, a.BitLen())), append(f.Ports, both.Port())
	return true
}

var errAddr = errors.New("this is no address: write 192.0.2.1, 2001:db8::1, a network such as 192.0.2.0/24, or with a port 192.0.2.1:443")

func (f *Filter) parseHost(s string) error {
	if s == "" || strings.ContainsAny(s, "/:@\"'") || strings.Contains(strings.TrimPrefix(s, "*."), "*") {
		return errors.New("this is no host name, address, network or port")
	}
	f.Hosts = append(f.Hosts, strings.ToLower(strings.TrimSuffix(s, ".")))
	return nil
}

func (f *Filter) parseAddr(s string) error {
	if f.parseEnd(s) {
		return nil
	}
	p, err := parsePrefix(s)
	if err != nil {
		return errAddr
	}
	f.Addrs = append(f.Addrs, p)
	return nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		return p.Masked(), err
	}
	a, err := netip.ParseAddr(s)
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen()), err
}

func (f *Filter) parsePort(s string) error {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return errors.New("ports are 1 to 65535")
	}
	f.Ports = append(f.Ports, uint16(n))
	return nil
}

// ParseTime reads a time as 2026-11-22T10:00:00Z, or without a zone in that of loc, or a day.
func ParseTime(s string, loc *time.Location) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, loc); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("write times as 2026-11-22T10:00:00Z, or without the Z in the local zone")
}
