package lab

import (
	"fmt"
	"net/http"

	"github.com/lunette-waf/lunette/internal/reason"
)

// Fault is one way to misbehave.
type Fault struct {
	Name   string
	Does   string      // one sentence for the engineer
	Reason reason.Code // what a gateway with its modern defaults should say of it; "" where the answer is a good one
}

// fault is a Fault and how it is done; at most one of raw and answer is set.
type fault struct {
	Fault
	setup  func(*Config) error                 // changes how the origin is set up
	raw    func(*session)                      // owns the connection from accept on
	answer func(*session, *http.Request) error // owns each request
}

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
	return [][]fault{transportFaults(), tlsFaults(), certFaults(), renegotiationFaults(), httpFaults(), framingFaults()}
}
