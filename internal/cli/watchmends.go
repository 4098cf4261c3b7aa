package cli

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/finding"
)

// watchedProxy is where mends are made that a gateway would make: at the proxy whose traffic is watched.
const watchedProxy finding.System = "the proxy that asks"

// proxySetting is what a key of Lunette's is called elsewhere. Of lines, VALUE is the value with its unit, SECONDS that in seconds.
type proxySetting struct {
	key   string
	do    string
	lines string
}

// proxySettings are in the order in which they are looked for.
func proxySettings() []proxySetting {
	return []proxySetting{
		{"first_byte", "Set how long it waits for an answer to begin, best for the path that needs it; whoever asks the proxy must wait longer still.",
			"nginx     proxy_read_timeout SECONDSs;\nHAProxy   timeout server SECONDSs\nApache    ProxyTimeout SECONDS"},
		{"read_idle", "Set how long a pause in an answer may be, best for the path of the stream alone.",
			"nginx     proxy_read_timeout SECONDSs;\nHAProxy   timeout server SECONDSs  (timeout tunnel for WebSocket)\nApache    ProxyTimeout SECONDS"},
		{"write", "Set when it gives up on an origin that takes nothing, so that others are not held up.",
			"nginx     proxy_send_timeout SECONDSs;\nHAProxy   timeout server SECONDSs\nApache    ProxyTimeout SECONDS"},
		{"keepalive_idle", "Let it close idle connections before the origin does.",
			"nginx     keepalive_timeout SECONDSs;  (in the upstream block)\nHAProxy   server … pool-purge-delay SECONDSs\nApache    ProxyPass … ttl=SECONDS"},
		{"max_version", "Let it offer this origin nothing newer than TLS VALUE.",
			"nginx     proxy_ssl_protocols TLSvVALUE;\nHAProxy   server … ssl-max-ver TLSvVALUE\nApache    SSLProxyProtocol -all +TLSvVALUE"},
		{"server_name", "Set which name it sends in the TLS handshake (SNI) and expects in the certificate.",
			"nginx     proxy_ssl_server_name on; proxy_ssl_name VALUE;\nHAProxy   server … sni str(VALUE)\nApache    ProxyPreserveHost On  (sends the name that the visitor asked for)"},
		{"ca", "Set which authority it trusts, for this origin alone.",
			"nginx     proxy_ssl_trusted_certificate VALUE;\nHAProxy   server … verify required ca-file VALUE\nApache    SSLProxyCACertificateFile VALUE"},
		{"max_header", "Let it take larger heads of answers.",
			"nginx     proxy_buffer_size 64k;\nHAProxy   tune.bufsize 65536\nApache    ProxyPass … responsefieldsize=65536"},
		{"max_connections", "Set how many connections to this origin it may have at once.",
			"nginx     server … max_conns=VALUE;\nHAProxy   server … maxconn VALUE\nApache    ProxyPass … max=VALUE  (for each process)"},
		{"groups", "Let it offer these groups and no others.",
			"nginx     proxy_ssl_conf_command Groups VALUE;\nHAProxy   server … curves VALUE"},
		{"host", "Set which name it asks for (Host).",
			"nginx     proxy_set_header Host VALUE;\nHAProxy   http-request set-header Host VALUE\nApache    RequestHeader set Host VALUE, ProxyPreserveHost On"},
	}
}

// watchMends are mends for who watches a proxy that is not Lunette: those on Lunette make room for what the same change is called at other
// proxies, behind the first mend, where all of it is known there.
func watchMends(all []finding.Mend) []finding.Mend {
	others := make([]finding.Mend, 0, len(all))
	var own *finding.Mend
	for _, m := range all {
		if m.On != finding.Lunette {
			others = append(others, m)
		} else if own == nil {
			own = proxyMend(m.Lines)
		}
	}
	if own == nil {
		return others
	}
	return slices.Insert(others, min(1, len(others)), *own)
}

// proxyMend is what lines of Lunette's YAML are called at other proxies; nil where one of its settings has no name there.
func proxyMend(lines string) *finding.Mend {
	values := map[string]string{}
	for _, leaf := range regexp.MustCompile(`([a-z_]+): *("[^"]*"|\[[^\]]*\]|[^\s{\[",}#][^\s",}#]*)`).FindAllStringSubmatch(lines, -1) {
		values[leaf[1]] = strings.Trim(leaf[2], `"`)
	}
	out := finding.Mend{On: watchedProxy}
	for _, s := range proxySettings() {
		value, ok := values[s.key]
		if !ok {
			continue
		}
		delete(values, s.key)
		if list, ok := strings.CutPrefix(value, "["); ok {
			value = strings.ReplaceAll(strings.TrimSuffix(list, "]"), ", ", ":")
		}
		words := []string{"VALUE", value}
		if d, err := time.ParseDuration(value); err == nil && d >= time.Second {
			words = append(words, "SECONDS", strconv.FormatInt(int64(d/time.Second), 10))
		}
		r := strings.NewReplacer(words...)
		out.Do = strings.TrimSpace(out.Do + " " + r.Replace(s.do))
		out.Lines = strings.TrimSpace(out.Lines + "\n" + r.Replace(s.lines))
	}
	if len(values) > 0 || out.Do == "" || strings.Contains(out.Lines, "SECONDS") {
		return nil
	}
	return &out
}
