package telemetry

import (
	"crypto/tls"
	"strconv"
	"sync"

	"github.com/lunette-waf/lunette/internal/exchange"
)

var cipherNames = sync.OnceValue(func() map[uint16]string {
	m := map[uint16]string{0: ""}
	for _, s := range tls.CipherSuites() {
		m[s.ID] = s.Name
	}
	for _, s := range tls.InsecureCipherSuites() {
		m[s.ID] = s.Name
	}
	return m
})

func cipherName(id uint16) string {
	if s, ok := cipherNames()[id]; ok {
		return s
	}
	return "0x" + strconv.FormatUint(uint64(id)|0x10000, 16)[1:]
}

func versionName(v uint16) string {
	switch v {
	case 0:
		return ""
	case 0x0300:
		return "SSL 3.0"
	case tls.VersionTLS10:
		return "1.0"
	case tls.VersionTLS11:
		return "1.1"
	case tls.VersionTLS12:
		return "1.2"
	case tls.VersionTLS13:
		return "1.3"
	}
	return "0x" + strconv.FormatUint(uint64(v)|0x10000, 16)[1:]
}

func protoName(p exchange.Proto) string {
	if p == 0 {
		return ""
	}
	return p.String()
}
