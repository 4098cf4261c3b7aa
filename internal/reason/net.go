package reason

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
)

// Phase is what was being done when a network call failed.
type Phase uint8

// The phases, in the order of an exchange.
const (
	PhaseConnect     Phase = iota // resolve, dial and TCP connect
	PhaseTLS                      // TLS handshake with the origin
	PhaseWrite                    // sending the request to the origin
	PhaseFirstByte                // waiting for the first byte of the response
	PhaseHead                     // part of the response head is there
	PhaseBody                     // reading the response body
	PhaseClientRead               // reading from the client
	PhaseClientWrite              // writing to the client
	phases
)

// Of returns the *Error in err's chain, or nil.
func Of(err error) *Error {
	if err == nil {
		return nil // without the memory that errors.As takes
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// fault is what happened to a connection, whatever the phase.
type fault uint8

const (
	faultTimeout fault = iota
	faultEOF
	faultReset
	faultPipe // EPIPE: the peer had ended its side before it reset
	faults
)

// phaseCodes says what each fault is called in each phase.
var phaseCodes = [phases][faults]Code{
	PhaseConnect:     {TCPTimeout, TCPClosedBeforeUse, TCPReset, TCPClosedBeforeUse},
	PhaseTLS:         {TLSTimeout, TLSEOF, TLSReset, TLSEOF},
	PhaseWrite:       {WriteTimeout, WriteEOF, WriteReset, WriteEOF},
	PhaseFirstByte:   {ReadFirstByteTimeout, ReadEOFBeforeHeader, ReadResetBeforeHeader, ReadEOFBeforeHeader},
	PhaseHead:        {ReadHeaderStall, ReadEOFInHeader, ReadResetBeforeHeader, ReadEOFInHeader},
	PhaseBody:        {ReadBodyStall, ReadTruncated, ReadResetInBody, ReadTruncated},
	PhaseClientRead:  {ClientSlow, ClientGone, ClientGone, ClientGone},
	PhaseClientWrite: {ClientSlow, ClientGone, ClientGone, ClientGone},
}

// FromNet classifies an error of the net or os package by its type and errno; nil for nil. An error that already carries
// a reason keeps it. Detail is the errno's name where there is one.
//
// Callers whose context may end ask context.Cause first: a bare context.Canceled or net.ErrClosed only says that Lunette
// itself gave up (us.not_sent before anything was written, else us.internal_error; client.gone in the client's phases).
func FromNet(err error, p Phase) *Error {
	if err == nil {
		return nil
	}
	if e := Of(err); e != nil {
		return e
	}
	if p >= phases {
		return New(UsInternal, "unknown phase", err)
	}
	var dns *net.DNSError
	if errors.As(err, &dns) { // before errno: a refused connection to the resolver is not the origin's
		return New(dnsCode(dns), "", err)
	}
	if e := fromErrno(err, p); e != nil {
		return e
	}
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		return New(phaseCodes[p][faultTimeout], "", err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return New(phaseCodes[p][faultEOF], "", err)
	case errors.Is(err, context.Canceled), errors.Is(err, net.ErrClosed):
		return New(givenUp(p), "ended by lunette", err)
	}
	return New(UsInternal, "", err)
}

func givenUp(p Phase) Code {
	switch p {
	case PhaseClientRead, PhaseClientWrite:
		return ClientGone
	case PhaseConnect, PhaseTLS:
		return UsNotSent
	}
	return UsInternal
}

func dnsCode(e *net.DNSError) Code {
	switch {
	case e.IsTimeout:
		return DNSTimeout
	case e.IsNotFound:
		return DNSNXDomain
	case e.IsTemporary:
		return DNSServFail
	}
	return DNSBadAnswer
}

// fromErrno returns nil when err carries no errno that says something.
func fromErrno(err error, p Phase) *Error {
	for i := range errnos {
		n := &errnos[i]
		if !errors.Is(err, n.errno) {
			continue
		}
		code := n.code
		if code == "" {
			code = phaseCodes[p][n.fault]
		}
		var call *os.SyscallError
		if code == LimitNoPorts && errors.As(err, &call) && call.Syscall == "bind" {
			code = TCPLocalBindFailed // the name of the call is data, not text
		}
		return New(code, n.name, err)
	}
	return nil
}

// errnoRow maps one errno to a code that holds in every phase, or else to a fault whose name depends on the phase.
type errnoRow struct {
	errno error
	name  string
	code  Code
	fault fault
}
