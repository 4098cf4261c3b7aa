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
		"key-update-stall":              {"http1.answer_stalled", "tls.key_update_stall", "crypto/tls answers a KeyUpdate by itself, and TLS 1.3 hides it from the tap"},
		"cert-chain-gap":                {"cert.chain_incomplete", "cert.unknown_ca", trust},
		"renegotiate-insecure":          {"tls.hello_request_refused", "", "the gateway refuses by closing, without an alert"},
		"gzip-garbage":                  {"", "http1.content_coding_broken", bodies},
		"gzip-twice":                    {"", "http1.content_coding_broken", bodies},
		"redirect-loop":                 {"", "origin.redirect_loop", bodies},
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

// otherwise is what the doctor says first where the gateway says something else.
type otherwise struct {
	probed []finding.Code
	why    string
}

func probedOtherwise() map[string]otherwise {
	const (
		fourWays = "the doctor leaves a HelloRequest without an answer too, and what a client meets that does so stands first"
		others   = "the doctor has other connections to set it against, the gateway only this one"
		unmet    = "the doctor's request names the site, as Lunette's does by itself"
		small    = "the doctor's bodies are small"
	)
	one := func(why string, codes ...finding.Code) otherwise { return otherwise{codes, why} }
	return map[string]otherwise{
		"dns-stale":                     one("the doctor knows what the name has now", "dns.stale_address"),
		"dns-flapping":                  one("by which address it is told first", "dns.stale_address", "tcp.refused", ""),
		"dns-ipv6-broken":               one(others, "dns.ipv6_path_broken"),
		"cert-differs-between-nodes":    one(others, "cert.differs_between_nodes"),
		"accept-then-close":             one(others, "tcp.reset_after_accept"),
		"accept-then-reset":             one(others, "tcp.reset_after_accept"),
		"plain-on-tls-port-reset":       one(others, "tls.plain_http_on_tls_port"),
		"large-hello-dropped":           one(others, "tls.large_client_hello_dropped"),
		"large-hello-reset":             one(others, "tls.large_client_hello_dropped"),
		"version-intolerant":            one(others, "tls.version_intolerant"),
		"sni-reset":                     one(others, "network.sni_reset"),
		"weak-dh":                       one(others, "tls.weak_dh"),
		"cert-ecdsa-only":               one(others, "cert.key_type_mismatch"),
		"alert-handshake-failure":       one("the doctor has tried every hello, and none was taken", "cert.key_type_mismatch"),
		"sni-missing-reset":             one(unmet, ""),
		"sni-missing-alert":             one(unmet, ""),
		"sni-missing-default":           one(unmet, ""),
		"post-handshake-auth-unoffered": one("the doctor's client tells which message it was", "tls.post_handshake_auth"),
		"key-update-stall":              one("the doctor has the secrets of its connections", "tls.key_update_stall"),
		"renegotiate-ignore":            one(fourWays, "tls.hello_request_ignored"),
		"renegotiate-accept":            one(fourWays, "tls.hello_request_ignored"),
		"renegotiate-every":             one(fourWays, "tls.hello_request_ignored"),
		"renegotiate-body-stall":        one(fourWays, "tls.hello_request_ignored"),
		"renegotiate-body-413":          one(fourWays, "tls.hello_request_ignored"),
		"hello-request-refused":         one(fourWays, "tls.hello_request_ignored"),
		"ticket-lost":                   one(fourWays, "tls.hello_request_ignored"),
		"slow-first-byte":               one("the doctor waits longer than the gateway here, and the answer comes", "", "http1.slow_first_byte"),
		"stops-reading":                 one("windows show in packets, and in writes that block; "+small, "http1.slow_first_byte"),
		"body-too-large":                one(small, ""),
		"h2-upload-stall":               one("the doctor sends no body over HTTP/2", ""),
		"early-reset":                   one("the gateway stops at the answer; the doctor goes on and meets the reset", "http1.early_answer"),
		"gzip-garbage":                  one(bodies, "http1.content_coding_broken"),
		"gzip-twice":                    one(bodies, "http1.content_coding_broken"),
		"redirect-loop":                 one(bodies, "origin.redirect_loop"),
		"bare-lf":                       one(strict, ""),
	}
}
