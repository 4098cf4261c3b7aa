package reason

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// declared returns the values of the constants in codes.go.
func declared(t *testing.T) []Code {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []Code
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, v := range spec.Values {
			s, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, Code(s))
		}
		return false
	})
	if len(out) < 100 {
		t.Fatalf("codes.go: only %d codes found", len(out))
	}
	return out
}

func TestTableHoldsEveryCodeOnce(t *testing.T) {
	codes := declared(t)
	rows := map[Code]int{}
	for i := range All() {
		rows[i.Code]++
	}
	for _, c := range codes {
		if rows[c] != 1 {
			t.Errorf("%s: %d rows in the table, want 1", c, rows[c])
		}
		delete(rows, c)
	}
	for c := range rows {
		t.Errorf("%s: in the table but not in codes.go", c)
	}
	sorted := slices.Clone(codes)
	slices.Sort(sorted)
	if n := len(slices.Compact(sorted)); n != len(codes) {
		t.Errorf("codes.go: %d codes, %d different ones", len(codes), n)
	}
}

func TestRowsAreSane(t *testing.T) {
	code := regexp.MustCompile(`^[a-z0-9]+\.[a-z0-9_]+$`)
	haproxy := regexp.MustCompile(`^(|--|D|K|[CSPLRIcs][RQCHDLT])$`)
	envoy := strings.Fields("UH UF UO NR URX NC DT DC LH UT LR UR UC DI FI RL UAEX RLSE IH SI DPE UPE UMSDR RFCF NFCF OM DF DO DR UDO")
	statuses := []int{0, 400, 403, 408, 413, 415, 421, 429, 431, 499, 500, 502, 503, 504, 505, 508}
	cloudflare := []int{0, 520, 521, 522, 523, 524, 525, 526, 530}
	for i := range All() {
		check := func(ok bool, what string, got any) {
			if !ok {
				t.Errorf("%s: %s: %v", i.Code, what, got)
			}
		}
		check(code.MatchString(string(i.Code)), "not phase.cause", i.Code)
		check(i.Side.String() != "", "side", i.Side)
		check(i.Retry.String() != "", "retry", i.Retry)
		check(slices.Contains(statuses, i.Status), "status", i.Status)
		check(i.RequestStatus == 0 || i.RequestStatus >= 400 && slices.Contains(statuses, i.RequestStatus), "request status", i.RequestStatus)
		check(i.ProxyStatus == "" || slices.Contains(proxyStatusTypes, i.ProxyStatus), "Proxy-Status type", i.ProxyStatus)
		check(haproxy.MatchString(i.HAProxy), "HAProxy state", i.HAProxy)
		check(i.Envoy == "" || slices.Contains(envoy, i.Envoy), "Envoy flag", i.Envoy)
		check(slices.Contains(cloudflare, i.Cloudflare), "Cloudflare status", i.Cloudflare)
		check(len(i.Means) > 20 && strings.HasSuffix(i.Means, "."), "what it means", i.Means)
		check(len(i.Check) > 10 && strings.ContainsAny(i.Check[len(i.Check)-1:], ".?"), "what to check", i.Check)
		check(i.StatusFor(false) >= 400 && i.StatusFor(true) >= 400, "StatusFor", i.StatusFor(true))
		check(i.Status == 0 || i.Code == ClientGone || i.ProxyStatus != "", "an answer of ours needs a Proxy-Status type", i.Status)
	}
}

// proxyStatusTypes are the error types registered by RFC 9209 section 2.3.
var proxyStatusTypes = strings.Fields(`dns_timeout dns_error destination_not_found destination_unavailable destination_ip_prohibited
	destination_ip_unroutable connection_refused connection_terminated connection_timeout connection_read_timeout
	connection_write_timeout connection_limit_reached tls_protocol_error tls_certificate_error tls_alert_received
	http_request_error http_request_denied http_response_incomplete http_response_header_section_size
	http_response_header_size http_response_body_size http_response_trailer_section_size http_response_trailer_size
	http_response_transfer_coding http_response_content_coding http_response_timeout http_upgrade_failed
	http_protocol_error proxy_internal_response proxy_internal_error proxy_configuration_error proxy_loop_detected`)

func TestLookup(t *testing.T) {
	for i := range All() {
		if got := Lookup(i.Code); got != i {
			t.Errorf("Lookup(%s) = %+v", i.Code, got)
		}
		if !Known(i.Code) {
			t.Errorf("Known(%s) = false", i.Code)
		}
	}
	if got := Lookup("no.such"); got.Code != "no.such" || got.Status != 500 || got.Means == "" || Known("no.such") {
		t.Errorf("Lookup of an unknown code = %+v", got)
	}
	if n := testing.AllocsPerRun(100, func() { Lookup(UsNotSent) }); n != 0 {
		t.Errorf("Lookup allocates %v times", n)
	}
}

// The published list is a superset of what other proxies can say. Phase, then its causes.
var superset = map[string]string{
	"config":     "no_site no_origin all_origins_down all_origins_draining sni_host_mismatch loop_detected bad_setting",
	"limit":      "queue_full queue_timeout conn_limit circuit_open retry_budget rate_limited no_ports no_fds no_memory overload_shed body_too_big buffer_exceeded",
	"dns":        "nxdomain no_address servfail refused timeout no_resolver bad_answer forbidden_ip answer_changed",
	"tcp":        "refused reset timeout no_route net_down host_down local_bind_failed closed_before_use",
	"proxyproto": "rejected not_spoken",
	"tls": "not_tls wrong_port timeout eof reset alert no_common_version no_common_cipher no_common_group alpn_none alpn_mismatch " +
		"unrecognized_name client_cert_required client_cert_rejected renegotiation_asked legacy_kex_only weak_key_or_hash session_fault " +
		"ech_or_ext_fault renegotiation_refused renegotiation_failed client_identity_lost",
	"cert":  "expired not_yet_valid unknown_ca self_signed chain_gap wrong_order name_mismatch no_san bad_usage revoked ocsp_bad pin_mismatch parse_error drifted",
	"write": "timeout reset eof early_response expect_refused",
	"read":  "first_byte_timeout header_stall body_stall truncated eof_before_header stale_reused_connection too_slow over_total_time",
	"http1": "bad_status_line bad_header header_too_big duplicate_header cl_and_te bad_cl bad_te bad_chunk extra_data bad_trailer bad_encoding bad_upgrade",
	"http2": "goaway rst flow_control bad_frame no_status push ping_flood settings_flood refused_stream",
	// PING and SETTINGS floods belong to HTTP/2: in HTTP/3 a second SETTINGS is a bad frame, PING is below it. quic_close is HTTP/3's alone.
	"http3":  "goaway rst flow_control bad_frame no_status push quic_close refused_stream",
	"origin": "status_5xx status_4xx status_unexpected health_body_mismatch health_status_mismatch grpc",
	"waf":    "blocked_request blocked_response parse_error timeout engine_error fail_open fail_closed skipped_by_limit",
	"client": "gone slow bad_request upgrade_ended",
	"us":     "panic shutdown reload_drain admin_kill not_sent",
}

func TestSuperset(t *testing.T) {
	for phase, causes := range superset {
		for _, cause := range strings.Fields(causes) {
			if c := Code(phase + "." + cause); !Known(c) {
				t.Errorf("%s is missing", c)
			}
		}
	}
	for i := range All() {
		if _, ok := superset[i.Code.Phase()]; !ok {
			t.Errorf("%s: a phase that is not published", i.Code)
		}
	}
}

// What the other vocabularies tell apart must be told apart here: one row per cause of theirs, each with codes of its own.
func TestCausesStayApart(t *testing.T) {
	rows := []struct {
		cause string
		codes []Code
	}{
		{"name service: no such name, failure, timeout, no resolver", []Code{DNSNXDomain, DNSServFail, DNSTimeout, DNSNoResolver}},
		{"connect: refused, unreachable, timeout, ports, descriptors", []Code{TCPRefused, TCPNoRoute, TCPTimeout, LimitNoPorts, LimitNoFDs}},
		{"verification: each sub-cause", []Code{CertExpired, CertNotYetValid, CertUnknownCA, CertNameMismatch, CertChainGap, CertBadUsage, CertRevoked}},
		{"no common version, cipher, group, ALPN", []Code{TLSNoCommonVersion, TLSNoCommonCipher, TLSNoCommonGroup, TLSALPNNone}},
		{"client certificate wanted, renegotiation", []Code{TLSClientCertRequired, TLSRenegotiationAsked, TLSRenegotiationRefused}},
		{"plain HTTP on a TLS port and the reverse", []Code{TLSNotTLS, TLSWrongPort, ClientPlainOnTLS}},
		{"writing: reset, timeout", []Code{WriteReset, WriteTimeout}},
		{"stale connection or a fresh one that died", []Code{ReadStaleReusedConnection, ReadEOFBeforeHeader}},
		{"first byte, stall, truncation", []Code{ReadFirstByteTimeout, ReadBodyStall, ReadTruncated}},
		{"own limits", []Code{LimitQueueFull, LimitQueueTimeout, LimitCircuitOpen, ConfigAllOriginsDown}},
		{"request or response blocked", []Code{WAFBlockedRequest, WAFBlockedResponse}},
		{"client left first", []Code{ClientGone}},
	}
	seen := map[string]Code{}
	for _, r := range rows {
		for _, c := range r.codes {
			means := Lookup(c).Means
			if other, ok := seen[means]; ok {
				t.Errorf("%s: %s says the same as %s", r.cause, c, other)
			}
			seen[means] = c
		}
	}
}
