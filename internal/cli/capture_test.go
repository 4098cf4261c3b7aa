package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCaptureUsage(t *testing.T) {
	rows := []struct {
		args []string
		want string
	}{
		{nil, "say what to capture"},
		{[]string{"shop.test"}, "takes no arguments"},
		{[]string{"--site", "a", "--host", "b"}, "exclude each other"},
		{[]string{"--host", "b", "--client"}, "--client belongs to --site"},
		{[]string{"--host", "b", "--on", "any"}, "--on needs the gateway"},
		{[]string{"--site", "a", "--on", "no.such"}, "no such reason or finding"},
		{[]string{"--site", "a", "--size", "7"}, "give a size"},
		{[]string{"--site", "a", "--size", "99999999TiB"}, "give a size"},
		{[]string{"--site", "a", "--no-secrets", "--keylog", "k"}, "contradicts"},
		{[]string{"--host", "a", "--recorded"}, "--recorded needs the gateway"},
		{[]string{"--site", "a", "--recorded", "--filter", "port 1"}, "no packets to filter"},
		{[]string{"--site", "a", "--plain", "--recipient", "age1x"}, "contradicts"},
		{[]string{"--site", "a", "--recipient", "AGE-SECRET-KEY-1X"}, "no age public key"},
		{[]string{"--site", "a", "--duration", "-1s"}, "cannot be negative"},
		{[]string{"--site", "a", "--before", "2h"}, "at most an hour"},
	}
	t.Chdir(t.TempDir())
	for _, r := range rows {
		var out, fault bytes.Buffer
		if code := Main(t.Context(), append([]string{"capture"}, r.args...), &out, &fault); code != exitUsage || !strings.Contains(fault.String(), r.want) {
			t.Errorf("%v: exit code %d: %s", r.args, code, &fault)
		}
	}
}

func TestSizeOf(t *testing.T) {
	for in, want := range map[string]int64{"100MiB": 100 << 20, "4096": 4096, "5kB": 5000, "1GB": 1e9, "8192B": 8192, "1TiB": 0, "1024GiB": 1 << 40, "1025GiB": 0, "-5MiB": 0, "": 0, "MiB": 0, "4095": 0} {
		if got, err := sizeOf(in); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v; want %d", in, got, err, want)
		}
	}
}

func TestFilters(t *testing.T) {
	for want, urls := range map[string][]string{
		"tcp and ((host 192.0.2.1 and port 443) or port 8080)": {"https://192.0.2.1", "http://shop.test:8080", "http://shop.test:8080/x"},
		"tcp and ((host 2001:db8::1 and port 80))":             {"http://[2001:db8::1]"},
		"tcp": {"unix:/run/x"},
	} {
		if got := originFilter(urls); got != want {
			t.Errorf("%v: %q, want %q", urls, got, want)
		}
	}
	if got := portFilter([]string{":443", "127.0.0.1:80"}); got != "tcp and (port 443 or port 80)" {
		t.Error(got)
	}
	for host, want := range map[string]string{
		"192.0.2.1":          "(host 192.0.2.1) and (tcp or icmp or icmp6)",
		"192.0.2.1:443":      "(host 192.0.2.1) and (tcp port 443 or icmp or icmp6)",
		"[2001:db8::1]:8443": "(host 2001:db8::1) and (tcp port 8443 or icmp or icmp6)",
		"2001:db8::1":        "(host 2001:db8::1) and (tcp or icmp or icmp6)",
		"192.0.2.1:0":        "", "a b": "", "": "", "https://shop.test/": "", "192.0.2.1:x": "",
	} {
		if got, err := hostFilter(t.Context(), host); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", host, got, err, want)
		}
	}
}

// TestFollowKeyLog holds that a key log is read as it grows, begun anew, replaced and cut off, and that no line is torn.
func TestFollowKeyLog(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "keys")
	var got bytes.Buffer
	f := keyLogFollower{name: name, each: func(lines []byte) { got.Write(lines) }}
	defer f.close()
	look := func(want string) {
		t.Helper()
		got.Reset()
		f.look(context.Background())
		if got.String() != want {
			t.Errorf("%.60q, want %.60q", &got, want)
		}
	}
	write := func(flags int, text string) {
		t.Helper()
		file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|flags, 0o600)
		if err == nil {
			_, err = file.WriteString(text)
		}
		if err == nil {
			err = file.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	look("") // not there yet
	write(os.O_APPEND, "one\ntw")
	look("one\n")
	look("")
	write(os.O_APPEND, "o\nthree\n")
	look("two\nthree\n")
	write(os.O_TRUNC, "four\n") // shorter
	look("four\n")
	write(os.O_TRUNC, "another, and longer than before\n")
	look("another, and longer than before\n")
	write(os.O_APPEND, strings.Repeat("x", keyLogLine+1))
	look("")
	write(os.O_APPEND, strings.Repeat("x", 100)+"\nafter\n")
	look("after\n")
	write(os.O_APPEND, "last of the old\n")
	if err := os.Rename(name, name+".1"); err != nil {
		t.Fatal(err)
	}
	write(os.O_APPEND, "first of the new\n")
	look("last of the old\n")
	look("first of the new\n")
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	look("")
	write(os.O_APPEND, "again\n")
	look("")
	look("again\n")
	big := strings.Repeat("0123456789\n", 50_000)
	write(os.O_APPEND, big)
	look(big)
}

func TestCaptureName(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for of, want := range map[string]string{
		"shop.test": "lunette-shop.test-20260102T030405Z.pcapng.age", "[::1]:443/../x": "lunette-___1__443_.._x-20260102T030405Z.pcapng.age", "": "lunette-20260102T030405Z.pcapng.age",
	} {
		if got := captureName(of, at, true); got != want || filepath.Base(got) != got {
			t.Errorf("%q: %q, want %q", of, got, want)
		}
	}
	if err := followable(t.TempDir()); err == nil {
		t.Error("a folder can be followed")
	}
	if got := fmt.Sprint(knownCode("any"), knownCode("tls.hello_request_refused"), knownCode("")); got != "true true false" {
		t.Error(got)
	}
}
