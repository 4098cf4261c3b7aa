package parity_test

import (
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/lab"
)

// unplayed says why a fault cannot be played through the gateway, "" where it can.
func unplayed(f lab.Fault) string {
	switch f.Ask {
	case lab.Drops:
		return "the gateway never leaves a HelloRequest without an answer"
	case lab.Login:
		return "the gateway keeps both messages of NTLM on one connection"
	}
	return ""
}

// unseen says why the capture has no connection of a fault, "" where it should have one.
func unseen(f lab.Fault) string {
	if f.Ask == lab.Resolve {
		return "names are looked up over UDP"
	}
	return ""
}

// difference is what each of the two finds where they cannot agree.
type difference struct {
	live, captured finding.Code
	why            string
}

const (
	trust   = "which authorities the gateway trusts no packet shows"
	bodies  = "the gateway does not read bodies, nor keep the head of an answer that is none of an error"
	strict  = "the answer ends where the gateway's own rules or limits end it; others may take it"
	library = "crypto/tls does not tell which message it could not take, and TLS 1.3 hides it from the tap"
)

func differences() map[string]difference {
	return map[string]difference{
		"post-handshake-auth-unoffered": {"tls.handshake_alert", "tls.post_handshake_auth", library},
		"cert-chain-gap":                {"cert.chain_incomplete", "cert.unknown_ca", trust},
		"early-reset":                   {"http1.early_answer", "", "the gateway ends the connection first, and why it sends no more no packet shows"},
		"plain-on-tls-port-alert":       {"tls.plain_http_on_tls_port", "http1.malformed_answer", "the gateway tells a TLS record by what it is"},
		"accept-then-close":             {"tls.closed_after_hello", "", "by chance the end comes before the ClientHello; the gateway sees it after"},
		"renegotiate-insecure":          {"tls.hello_request_refused", "", "the gateway refuses by closing, without an alert"},
		"gzip-garbage":                  {"", "http1.content_coding_broken", bodies},
		"gzip-twice":                    {"", "http1.content_coding_broken", bodies},
		"redirect-loop":                 {"", "origin.redirect_loop", bodies},
		"storm-1xx":                     {"http1.malformed_answer", "", strict},
		"bare-lf":                       {"http1.malformed_answer", "", strict},
		"header-too-big":                {"http1.header_too_large", "", strict},
	}
}

// unrecorded says why a fault cannot show through a relay, "" where it can.
func unrecorded(f lab.Fault) string {
	switch f.Name {
	case "refused", "accept-queue-full", "accept-then-reset":
		return "the relay takes the connection itself"
	}
	if f.Ask == lab.Resolve {
		return "names are looked up over UDP"
	}
	return ""
}
