package httpwire

import (
	"strings"
	"testing"
)

// TestClasses holds the byte table to the grammar of RFC 9110 sections 5.5 and 5.6.2, stated another way.
func TestClasses(t *testing.T) {
	const delimiters = "\"(),/:;<=>?@[\\]{}"
	for c := range 256 {
		b := byte(c)
		visible := c > 0x20 && c < 0x7f
		if want := visible && !strings.ContainsRune(delimiters, rune(c)); IsToken(string([]byte{b})) != want {
			t.Errorf("byte %#x: token is %v, want %v", c, !want, want)
		}
		want := visible || c == ' ' || c == '\t' || c >= 0x80
		if ValidFieldValue(string([]byte{b})) != want {
			t.Errorf("byte %#x: field value is %v, want %v", c, !want, want)
		}
		for _, at := range []int{0, 3, 7, 8, 12, 15, 16, 20} { // every place within and behind whole words
			value := []byte("0123456789\tbcdefghi \xffk")
			value[at] = b
			if validValue(value) != want {
				t.Errorf("byte %#x at %d: field value is %v, want %v", c, at, !want, want)
			}
		}
	}
	for c := range 256 {
		for at := range 20 {
			target := []byte("/23456789abcdefghijk")
			target[at] = byte(c)
			if want := c > 0x20 && c < 0x7f && c != '#'; validTarget(target) != want {
				t.Errorf("byte %#x at %d: target is %v, want %v", c, at, !want, want)
			}
		}
	}
	if IsToken("") || !ValidFieldValue("") {
		t.Error("an empty token, or an empty value that is none")
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"connection", "KEEP-ALIVE", "Proxy-Connection", "te", "Transfer-Encoding", "Upgrade", "HTTP2-Settings"} {
		if !IsHopByHop(name) || !ForbiddenTrailer(name) {
			t.Errorf("%s may be forwarded", name)
		}
	}
	for _, name := range []string{"Cookie", "Authorization", "Host", "Content-Length", "Content-Type", "X-Forwarded-For", "Forwarded", "Via", "X-Foo", "Date", "", "Connections"} {
		if IsHopByHop(name) || droppedWhenNamed(name) {
			t.Errorf("%s may be dropped", name)
		}
	}
	for _, name := range []string{"If-Match", "x-forwarded-proto", "Proxy-Authorization", "Client-Cert", "Set-Cookie", "Host", "content-encoding"} {
		if !ForbiddenTrailer(name) {
			t.Errorf("%s may stand in a trailer", name)
		}
	}
	for _, name := range []string{"Grpc-Status", "Grpc-Message", "Server-Timing", "Digest", "X-Checksum", "ETag"} {
		if ForbiddenTrailer(name) {
			t.Errorf("%s may not stand in a trailer", name)
		}
	}
}
