package cli

// keysLive is the recipe for programs that run and cannot be restarted.
func keysLive() []recipe {
	return []recipe{
		{name: "live", aliases: []string{"pid", "exe", "ebpf", "uprobe"}, title: "A program that runs (live keys)", short: "out of the process by eBPF, without a restart: --exe, --pid", steps: []step{
			{say: `On Linux "lunette capture" and "lunette watch" read the secrets out of programs as they run, without restart, setting or key log. --exe takes every process of a program, by name or path, those that start later too; --pid takes one process with its children, such as the workers of a master. Both may be repeated.`,
				do: "lunette capture --host 192.0.2.10:443 --exe nginx\nlunette watch --interface any --host 192.0.2.10:443 --pid 4711", lang: "sh"},
			{say: `It works for OpenSSL 3 (nginx, Apache, HAProxy, curl, Python, mitmproxy, …), GnuTLS (wget on Debian, gnutls-cli) and Go since 1.17 (Caddy, stripped or not), with TLS 1.0 to 1.3, both legs of a proxy, whole handshakes and resumed ones. OpenSSL 1.1.1 gives TLS 1.2 and below; that is not tested.`},
			{say: `It does not work for: BoringSSL (Envoy, Chrome), NSS (Firefox), Java, rustls, OpenSSL linked statically without symbols, programs for 32 bits, and connections of Go that resume a session in TLS 1.2. Take a key log there. What was found in a program and could not be hooked is said at the start, with the reason.`},
			{say: `Connections that were open before: those of OpenSSL and GnuTLS with TLS 1.2 and below give their secrets when they next read or write; those of TLS 1.3 and of Go do not. And a capture opens only connections whose handshake is in it: let the program make new ones, a reload of the proxy does it.`},
			{say: `It needs root (CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and CAP_SYS_ADMIN), x86-64, a kernel from 5.15 with BTF (/sys/kernel/btf/vmlinux) that is not in lockdown "confidentiality", and the process ids of the host: in a container docker run --pid=host --privileged. The traced program may be in a container of its own.`},
			{say: `What it costs: a hooked call of the TLS library takes some 10 µs longer, and that for every process that uses the library, named or not; with --exe the libraries of the system are hooked as well. An nginx took 40 to 50 µs more processor time for each request on a keep-alive connection, 150 µs more for one with a new connection. So read for minutes, not for ever. Nothing is left when Lunette ends, not even when it is killed.`},
			{say: `The secrets open passwords and cookies of these connections: the file that holds them is made with mode 0600. Delete it afterwards.`},
		}},
	}
}
