package reason

import (
	"iter"
	"sync"
)

// table is the one source of what is published about the codes, in the order of publication: docs/reasons.md is generated
// from it. Its parts stand in table_*.go, a few phases each. Columns of a row:
//
//	code, side, status, status when in the client's message, Proxy-Status, HAProxy, Envoy, nginx, Cloudflare, retry,
//	what it means,
//	what to check first
var table = [...][]Info{
	gatewayRows, limitRows, dnsRows, tcpRows, tlsRows, certRows, writeRows, readRows,
	http1Rows, http2Rows, http3Rows, originRows, wafRows, clientRows, usRows,
}

// notGiven are the codes that are published, so that their names are fixed, and that nothing gives yet.
var notGiven = [...]Code{
	ConfigAllOriginsDraining,
	LimitCircuitOpen, LimitRetryBudget, LimitRateLimited, LimitOverloadShed, LimitBufferExceeded,
	DNSForbiddenIP, DNSAnswerChanged,
	TLSNoCommonGroup, TLSLegacyKEXOnly, TLSECHOrExtFault,
	CertRevoked, CertOCSPBad, CertPinMismatch, CertDrifted,
	ReadTooSlow,
	HTTP3GoAway, HTTP3RST, HTTP3FlowControl, HTTP3BadFrame, HTTP3NoStatus, HTTP3Push, HTTP3QuicClose, HTTP3RefusedStream,
	OriginStatusUnexpected, OriginHealthBodyMismatch, OriginGRPC,
	UsReloadDrain, UsAdminKill,
}

var index = sync.OnceValue(func() map[Code]*Info {
	m := make(map[Code]*Info, 256)
	for _, rows := range table {
		for i := range rows {
			m[rows[i].Code] = &rows[i]
		}
	}
	return m
})

// Lookup returns what is published about c in constant time. For a code that is not published it returns the Info of
// [UsInternal] with Code set to c, so that a caller always has a status and a sentence.
func Lookup(c Code) Info {
	if i, ok := index()[c]; ok {
		return *i
	}
	i := *index()[UsInternal]
	i.Code = c
	return i
}

// Known reports whether c is published.
func Known(c Code) bool {
	_, ok := index()[c]
	return ok
}

// All yields every published code in the order of the table.
func All() iter.Seq[Info] {
	return func(yield func(Info) bool) {
		for _, rows := range table {
			for _, i := range rows {
				if !yield(i) {
					return
				}
			}
		}
	}
}
