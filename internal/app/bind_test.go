package app

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/lunette-waf/lunette/internal/config"
)

// Every address that cannot be had is told at once, with its place in the file.
func TestStartNamesTakenAddresses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	text := fmt.Sprintf("listen:\n  - {address: \"127.0.0.1:0\"}\n  - {address: %q}\n  - {address: \"192.0.2.1:0\"}\nadmin: {address: %q}\n"+
		"sites:\n  - {names: [a.test], waf: {mode: \"off\"}, origin: {urls: [\"http://127.0.0.1:1\"]}}\n", taken.Addr(), other.Addr())
	path := filepath.Join(t.TempDir(), "l.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = New(path, Options{Log: io.Discard, Access: io.Discard})
	var faults config.Faults
	if !errors.As(err, &faults) || len(faults) != 3 {
		t.Fatalf("want three faults, got: %v", err)
	}
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for i, want := range []struct {
		line, column       int
		key, message, hint string
	}{
		{3, 15, "listen[1].address", taken.Addr().String() + " is in use by another process", whoListens(port)},
		{4, 15, "listen[2].address", "192.0.2.1 is no address of this machine", "ip -br addr"},
		{5, 18, "admin.address", other.Addr().String() + " is in use by another process", whoListens("")[:3]},
	} {
		f := faults[i]
		if f.File != path || f.Line != want.line || f.Column != want.column || f.Key != want.key || f.Message != want.message || !strings.Contains(f.Hint, want.hint) {
			t.Errorf("fault %d is %d:%d %s: %s (%s)", i, f.Line, f.Column, f.Key, f.Message, f.Hint)
		}
	}
}

func TestBindFault(t *testing.T) {
	cfg := &config.Config{Listen: []config.Listener{{Address: ":8443"}, {Address: "127.0.0.1:8443"}, {Address: "127.0.0.1:443"}}, Admin: config.Admin{Address: "127.0.0.1:443"}}
	for _, c := range []struct {
		listener      int
		errno         error
		message, hint string
	}{
		{1, syscall.EADDRINUSE, "127.0.0.1:8443 is in use, by listen[0].address or by another process", "every address"},
		{2, syscall.EADDRINUSE, "127.0.0.1:443 is in use, by admin.address or by another process", whoListens("443")},
		{2, syscall.EACCES, "not allowed to listen on 127.0.0.1:443", "setcap"},
		{2, &net.DNSError{Err: "no such host", Name: "127.0.0.1"}, "127.0.0.1 does not resolve: no such host", ":443"},
		{2, syscall.EMFILE, "cannot listen on 127.0.0.1:443: listen: " + syscall.EMFILE.Error(), ""},
	} {
		f := bindFault(cfg, addressKey(c.listener), cfg.Listen[c.listener].Address, &net.OpError{Op: "listen", Err: c.errno})
		if f.Message != c.message || !strings.Contains(f.Hint, c.hint) {
			t.Errorf("%v: %s (%s)", c.errno, f.Message, f.Hint)
		}
	}
}

func TestTogether(t *testing.T) {
	a, b := config.Faults{{Message: "a"}}, config.Faults{{Message: "b"}}
	if err := together(nil, nil); err != nil {
		t.Errorf("of nothing: %v", err)
	}
	var faults config.Faults
	if err := together(a, nil, b); !errors.As(err, &faults) || len(faults) != 2 {
		t.Errorf("of faults: %v", err)
	}
	err := together(a, io.ErrUnexpectedEOF, b)
	if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "error: a") || !strings.Contains(err.Error(), "error: b") {
		t.Errorf("of both: %v", err)
	}
}
