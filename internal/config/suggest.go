package config

import "strings"

// nearest is a hint that names the word nearest to got, "" when none is near.
func nearest(got string, words []string) string {
	if best := closest(got, words); best != "" {
		return didYouMean(best)
	}
	return ""
}

func didYouMean(word string) string { return `did you mean "` + word + `"?` }

// closest is the word nearest to got, "" when none is near.
func closest(got string, words []string) string {
	best, least := "", 1+max(1, len(got)/3)
	for _, w := range words {
		if d := distance(strings.ToLower(got), strings.ToLower(w), least); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance counts the insertions, deletions, changes and swaps of neighbours between a and b; bound when it is bound or more.
func distance(a, b string, bound int) int {
	if len(a)-len(b) >= bound || len(b)-len(a) >= bound || len(a) > 64 {
		return bound
	}
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		for j := 1; j <= len(b); j++ {
			change := row[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			next[j] = min(change, row[j]+1, next[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row, next = row, next, before
	}
	return min(row[len(b)], bound)
}

// foreign maps words of other proxies' files to ours.
func foreign(key string) string {
	return map[string]string{
		"server_names": "names", "hosts": "names", "domains": "names", "domain": "names",
		"upstream": "origin", "upstreams": "origin", "backend": "origin", "proxy_pass": "origin",
		"servers": "urls", "url": "urls", "ssl": "tls", "bind": "address", "addr": "address", "port": "address",
		"locations": "routes", "location": "routes", "sni": "server_name",
		"cert": "certificate", "certificates": "certificate", "ca_file": "ca", "cert_file": "file", "key_file": "key",
		"insecure_skip_verify": "verify", "proxy_ssl_verify": "verify", "client_max_body_size": "body", "curves": "groups",
		"modsecurity": "waf", "paranoia_level": "paranoia", "lb_policy": "balance", "prefix": "path",
		"read_timeout": "read_idle", "connect_timeout": "connect", "listeners": "listen", "logs": "access_log", "audit": "audit_log", "auditlog": "audit_log",
	}[key]
}

// meant finds the key of o that an unknown one stands for, "" when none is near, and says so.
func (o *object) meant(key string) (ours, hint string) {
	if ours = foreign(strings.ToLower(key)); ours != "" && o.field(ours) != nil {
		return ours, `here it is called "` + ours + `"`
	}
	if ours = strings.ReplaceAll(key, "-", "_"); o.field(ours) != nil {
		return ours, didYouMean(ours)
	}
	if ours = closest(key, o.keys()); ours != "" {
		return ours, didYouMean(ours)
	}
	return "", ""
}

// keyHint says where an unknown key of o that is near none of its keys may belong.
func keyHint(root, o *object, key string) string {
	var homes []string
	root.walk("", func(path string, f *field) {
		if f.key == key && !strings.HasPrefix(path, "sites.routes.") && len(homes) < 3 {
			homes = append(homes, path)
		}
	})
	if len(homes) > 0 {
		return "there is such a key elsewhere: " + strings.Join(homes, ", ")
	}
	return "known keys here: " + strings.Join(o.keys(), ", ")
}
