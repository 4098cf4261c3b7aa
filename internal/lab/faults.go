package lab

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"golang.org/x/net/http2"

	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// Fault is one way to misbehave.
type Fault struct {
	Name    string
	Does    string       // one sentence for the engineer
	Reason  reason.Code  // what a gateway with its modern defaults should say of it; "" where the answer is a good one
	Finding finding.Code // what the checks should state of such a connection; "" for nothing that fails
	Probe   finding.Code // what they state when the same is tried with other settings beside it; "": Finding
	Ask     Ask          // what brings the fault out
}

// Ask is what a client has to do so that a fault shows.
type Ask string

// The ways to ask.
const (
	Get     Ask = ""        // one GET
	Upload  Ask = "upload"  // a PUT with a body of some MiB, sent without waiting
	Expect  Ask = "expect"  // the same with Expect: 100-continue
	Twice   Ask = "twice"   // two GETs on one connection
	Again   Ask = "again"   // two GETs on two connections; the second resumes the session or looks the name up anew
	Resolve Ask = "resolve" // GET DefaultName, looked up at Origin.Resolver
	NoName  Ask = "no-name" // a GET without SNI
	Drops   Ask = "drops"   // a GET by a client that drops HelloRequest
	Refuses Ask = "refuses" // a GET by a client that answers HelloRequest with no_renegotiation
	Certify Ask = "certify" // a GET by a client that has a certificate
	Plain   Ask = "plain"   // a GET without TLS
	Upgrade Ask = "upgrade" // a GET with Upgrade: websocket
	Login   Ask = "login"   // NTLM: type 1 and type 3 on two connections
)

// fault is a Fault and how it is done; at most one of raw, answer and h2 is set.
type fault struct {
	Fault
	setup     func(*Config) error                                         // changes how the origin is set up
	hello     func(*session, *tlswire.ClientHello, *tlspeer.Config) error // sees each ClientHello before it is answered
	plain     func(*session) error                                        // owns a connection that begins without a ClientHello
	raw       func(*session)                                              // owns the connection from accept on
	answer    func(*session, *http.Request) error                         // owns each request
	h2        func(*session, *http2.Framer, *stream) error                // owns each request of an HTTP/2 connection
	listen    func(context.Context) (net.Listener, error)                 // instead of net.Listen
	names     resolver                                                    // answers at Origin.Resolver
	second    bool                                                        // the origin listens at deadAddress too
	atPreface bool                                                        // h2 is called once, when the connection begins
}

func is(name, does string, code reason.Code, found finding.Code) Fault {
	return Fault{Name: name, Does: does, Reason: code, Finding: found}
}

func (f Fault) asked(a Ask) Fault { f.Ask = a; return f }

func (f Fault) probed(c finding.Code) Fault { f.Probe = c; return f }

// Faults lists what Config.Fault can name.
func Faults() []Fault {
	var out []Fault
	for _, group := range groups() {
		for i := range group {
			out = append(out, group[i].Fault)
		}
	}
	return out
}

func findFault(name string) (fault, error) {
	if name == "" {
		return fault{}, nil
	}
	for _, group := range groups() {
		for i := range group {
			if group[i].Name == name {
				return group[i], nil
			}
		}
	}
	return fault{}, fmt.Errorf("start lab origin: no fault is called %q", name)
}

func groups() [][]fault {
	return [][]fault{nameFaults(), transportFaults(), alertFaults(), helloFaults(), tlsFaults(), stallFaults(), tls13Faults(), certFaults(),
		renegotiationFaults(), sessionFaults(), httpFaults(), requestFaults(), policyFaults(), framingFaults(), http2Faults()}
}
