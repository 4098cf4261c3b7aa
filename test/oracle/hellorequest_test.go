package oracle_test

import (
	"fmt"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/captures"
)

// TestHelloRequests holds what is told of HelloRequests and the answers to them, without any secret and with all there are, to the index.
func TestHelloRequests(t *testing.T) {
	t.Parallel()
	for _, c := range captures.All(t) {
		for _, with := range []string{withNothing, withLog, withKey} {
			if with == withLog && c.KeyLog == "" && !c.DSB || with == withKey && !c.RSA {
				continue
			}
			t.Run(c.Name+"/"+with, func(t *testing.T) {
				at, answer := demanded(read(t, &c, with), c.Port)
				if at != c.HelloAt || answer != c.Answer {
					t.Errorf("HelloRequest at %s, %s; the index says at %s, %s", at, answer, c.HelloAt, c.Answer)
				}
			})
		}
	}
}

// demanded is the first HelloRequest of the first connection to the origin, and what became of it, in the words of the index.
func demanded(one *reading, port string) (at, answer string) {
	for _, f := range one.flows {
		if fmt.Sprint(f.Server.Port()) != port {
			continue
		}
		at, answer = "-", "-"
		for i := range f.Facts {
			switch e := &f.Facts[i]; {
			case e.Kind == fact.TLSHelloRequest && at == "-":
				at = fmt.Sprintf("%.3fs", e.At.Sub(one.start).Seconds())
			case e.Kind == fact.TLSHelloRequestAnswer && answer == "-":
				seconds := float64(e.Size) / 1e9
				answer = map[string]string{
					"complied": fmt.Sprintf("ClientHello after %.3fs", seconds),
					"refused":  fmt.Sprintf("alert after %.3fs", seconds),
					"ignored":  fmt.Sprintf("none for %.1fs", seconds),
				}[e.Text]
			}
		}
		return at, answer
	}
	return "-", "-"
}
