package archtest

// row is one line of the import law: the package (and what lies below it) may import the listed packages of this
// module (and what lies below them), and the reason why no more.
type row struct {
	pkg string   // folder below internal/, or a folder of the module that begins with "/"
	may []string // folders below internal/; "*" is every one; "!x" takes x out again
	why string
}

// leaves are the shared values; each may import those that its row names and nothing else.
func leaves(more ...string) []string {
	return append([]string{"fact", "reason", "budget", "redact", "exchange", "httpwire", "spelling"}, more...)
}

// law is the import law. The first row whose pkg is the package or a parent of it counts.
func law() []row {
	const (
		vocabulary = "a leaf: everything stands on it, so it stands on nothing but earlier leaves"
		stage      = "stages never import one another nor config: what they share lies in exchange, app wires them"
		passive    = "capture reads bytes: stages go one way, and only sniff may touch a socket"
	)
	return []row{
		{"fact", nil, vocabulary},
		{"reason", nil, vocabulary},
		{"budget", nil, vocabulary},
		{"redact", nil, vocabulary},
		{"exchange", []string{"fact", "reason"}, vocabulary},
		{"httpwire", []string{"exchange", "reason", "fact"}, "HTTP/1.1 messages as data: a leaf that both sides of the gateway share"},
		{"spelling", nil, vocabulary},
		{"finding", []string{"fact", "reason"}, "a cause is stated in terms of facts and the reasons that it refines"},

		{"tlswire", []string{"budget"}, "TLS messages as data: standard library, x/crypto and budget"},
		{"tlscrypt", []string{"budget", "tlswire"}, "key schedules and ciphers stand on the messages"},

		{"config", leaves(), "configuration is data; app translates it for the stages"},
		{"store", leaves(), "storage knows values, not who made them"},
		{"telemetry", leaves(), "telemetry reads exchanges when they are over"},

		{"gateway/listener", leaves("telemetry", "tlswire", "tlscrypt"), stage},
		{"gateway/site", leaves("telemetry"), stage},
		{"gateway/policy", leaves("telemetry"), stage + "; policy declares the interface that rules fulfil"},
		{"gateway/origin", leaves("telemetry", "tlswire", "tlscrypt"), stage},
		{"gateway/profile", leaves("telemetry"), stage},
		{"gateway/flight", leaves("telemetry", "recording", "tlswire"), stage},

		{"rules/seclang", leaves(), "the language comes first"},
		{"rules/transform", leaves(), "text in, text out: no rule is known here"},
		{"rules/match", leaves(), "patterns and values: no rule is known here"},
		{"rules/body", leaves(), "bodies in, names and values out: no rule is known here"},
		{"rules/persist", leaves(), "a bounded store of counters: no rule is known here"},
		{"rules/operator", leaves("rules/seclang"), "tests of one value"},
		{"rules/compile", leaves("rules/seclang", "rules/transform", "rules/match", "rules/body", "rules/operator"), "rules stages import earlier ones only"},
		{"rules/transaction", leaves("rules", "!rules/audit"), "the last stage: runs what the others made"},
		{"rules/audit", leaves(), "an exchange that is over, in the forms that others read"},
		{"rules", leaves("rules"), "settings and files in, engines out"},

		{"capture/pcap", leaves("tlswire", "tlscrypt"), passive},
		{"capture/packet", leaves("tlswire", "tlscrypt", "capture/pcap"), passive},
		{"capture/tcpstream", leaves("tlswire", "tlscrypt", "capture/pcap", "capture/packet"), passive},
		{"capture/tlsrecord", leaves("tlswire", "tlscrypt", "capture/pcap", "capture/packet", "capture/tcpstream"), passive},
		{"capture/secrets", leaves("tlswire", "tlscrypt", "capture/pcap"), passive},
		{"capture/decrypt", leaves("tlswire", "tlscrypt", "capture/tlsrecord", "capture/secrets"), passive},
		{"capture/httptimeline", leaves("tlswire", "tlscrypt", "capture/tcpstream", "capture/tlsrecord", "capture/decrypt"), passive},
		{"capture/flow", leaves("tlswire", "capture", "!capture/sniff", "!capture/uprobe", "!capture/filter"), "joins the stages for one connection; no files, no goroutines"},
		{"capture/filter", nil, "a compiler from text to BPF; x/net/bpf and nothing of ours"},
		{"capture/uprobe", leaves("capture/secrets"), "secrets out of other processes by eBPF; the only programs in the kernel, and cli and app alone import it"},
		{"capture/live", leaves("capture/pcap", "capture/packet"), "packets and secrets of several sources in one order; the caller has the sockets and the clock"},
		{"capture/sniff", leaves("capture/pcap", "capture/packet", "capture/filter"), "the only sockets of the capture lane; cli and app alone import it"},

		{"recording", leaves(), "bytes of our own connections, kept; what they mean is read elsewhere"},
		{"capture/synth", leaves("recording", "capture/pcap", "capture/packet"), "packets around recorded bytes"},
		{"diagnosis/check", []string{"fact", "reason", "finding"}, "a check sees facts, so that it works on live traffic, captures and probes alike"},
		{"diagnosis/evidence", leaves("finding", "recording", "diagnosis/check", "capture", "!capture/sniff", "!capture/uprobe"), "turns what was gathered into cases"},
		{"diagnosis/originlog", leaves(), "reads logs of origins; whose connection a line is about is said in facts"},
		{"diagnosis/incident", leaves("finding", "recording", "diagnosis/check", "store", "capture", "!capture/sniff", "!capture/uprobe"), "incidents group findings and write bundles"},
		{"diagnosis/explain", leaves("finding", "tlswire", "diagnosis/check", "diagnosis/evidence", "diagnosis/incident", "store", "capture", "!capture/sniff", "!capture/uprobe"), "explanations put findings into words"},
		{"diagnosis", leaves("finding", "diagnosis/check"), "lists the checks"},
		{"analysis", leaves("finding", "recording", "tlswire", "capture", "!capture/sniff", "!capture/uprobe", "diagnosis"), "owns the goroutines and the budget of a whole run; no sockets"},
		{"probe", leaves("tlswire", "tlscrypt", "recording"), "what it needs of the gateway, and of the capture lane, is an interface that app and cli fulfil"},
		{"lab", leaves("finding", "tlswire", "tlscrypt"), "origins that misbehave share no code with the gateway that they test"},

		{"admin", leaves(), "leaves and interfaces that it declares itself"},
		{"console", leaves(), "leaves and interfaces that it declares itself"},
		{"app", []string{"*", "!cli", "!archtest"}, "the one place that wires everything"},
		{"cli", leaves("finding", "recording", "app", "analysis", "capture", "diagnosis", "probe", "lab", "config", "store"), "commands: flags in, words out"},
		{"archtest", nil, "reads source, imports none"},

		{"/cmd", []string{"cli"}, "signals, cli.Main, exit code"},
		{"/test", []string{"*"}, "tests of the whole may see all of it"},
		{"/docs", []string{"*"}, "generators of the manual"},
	}
}

// testExtra is what _test.go files may import beyond their package's row: the lab and the harness for real peers.
func testExtra() []string { return []string{"lab", "/test"} }

// module says who may import one module that is not ours. Every entry has its line in docs/decisions/0002-dependencies.md.
type module struct {
	path string
	who  []string // as row.may; "test" stands for _test.go files and folders below /test
}

func modules() []module {
	return []module{
		{"golang.org/x/crypto", []string{"tlswire", "tlscrypt", "capture/secrets", "gateway/listener", "gateway/origin", "lab", "test"}},
		{"golang.org/x/term", []string{"cli"}},
		{"software.sslmate.com/src/go-pkcs12", []string{"test"}},
		{"github.com/youmark/pkcs8", []string{"test"}},
		{"golang.org/x/net/http2", []string{"gateway/listener", "gateway/origin", "lab", "capture/httptimeline", "probe", "test"}},
		{"golang.org/x/net/http/httpguts", []string{"gateway/listener", "gateway/origin", "test"}},
		{"golang.org/x/net/idna", []string{"config", "gateway/site", "gateway/origin", "test"}},
		{"golang.org/x/net/bpf", []string{"capture/filter", "capture/sniff", "test"}},
		{"golang.org/x/sys", []string{"gateway/listener", "gateway/origin", "gateway/flight", "capture/sniff", "capture/uprobe", "telemetry", "app", "test"}},
		{"golang.org/x/sync", []string{"app", "analysis", "gateway/origin", "gateway/policy", "test"}},
		{"github.com/corazawaf/coraza", []string{"test"}},
		{"github.com/corazawaf/coraza-coreruleset", []string{"rules", "test"}},
		{"rsc.io/binaryregexp", []string{"test"}},
		{"github.com/corazawaf/libinjection-go", []string{"rules/operator", "test"}},
		{"github.com/goccy/go-yaml", []string{"config", "test"}},
		{"github.com/kaptinlin/jsonschema", []string{"test"}},
		{"github.com/fsnotify/fsnotify", []string{"app", "gateway/listener"}},
		{"github.com/coreos/go-systemd", []string{"app"}},
		{"github.com/miekg/dns", []string{"gateway/origin", "probe", "lab", "test"}},
		{"github.com/pires/go-proxyproto", []string{"gateway/listener", "test"}},
		{"github.com/prometheus/client_golang", []string{"telemetry", "test"}},
		{"github.com/prometheus/client_model", []string{"test"}},
		{"github.com/prometheus/common", []string{"test"}},
		{"github.com/spf13/cobra", []string{"cli"}},
		{"github.com/spf13/pflag", []string{"cli"}},
		{"modernc.org/sqlite", []string{"store", "test"}},
		{"filippo.io/age", []string{"diagnosis/incident", "cli", "config", "test"}},
		{"github.com/cilium/ebpf", []string{"capture/uprobe", "test"}},
		{"golang.org/x/arch", []string{"capture/uprobe", "test"}},
		{"github.com/google/go-cmp", []string{"test"}},
		{"github.com/rogpeppe/go-internal", []string{"test"}},
	}
}

// exceptions lets single things break single rules. Each says why, and goes when it is no longer needed.
func exceptions() []Exception {
	return nil
}
