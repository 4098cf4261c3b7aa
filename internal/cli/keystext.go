package cli

// keysOverview says what opens what.
func keysOverview() []step {
	return []step{
		{say: `Recorded TLS opens with a key log, or with the server's RSA private key. A key log (SSLKEYLOGFILE, RFC 9850) is a text file to which one side of the connection writes the secrets of each handshake. It opens every version and every key exchange. One side is enough: take the one that you can restart, mostly the proxy or the client.`},
		{say: `The server's RSA private key opens a connection only when the key exchange is RSA: suites whose name begins with TLS_RSA_, in TLS 1.2 and below. With ECDHE, DHE or TLS 1.3 the key exchange is ephemeral and no private key opens it afterwards. The client decides: one that offers nothing but TLS_RSA_ suites up to TLS 1.2 makes its traffic readable with the key.`},
		{say: `Start the key log before the connection: secrets come up in the handshake alone, and traffic recorded without them stays closed for ever. Start the capture before it too, because TLS 1.2 and below need the two hello messages; with a private key, also the first connection of a session that later ones resume.`},
		{say: `Then open the capture with them (--keylog and --key may be repeated; .pfx files are read), or put the key log into the capture itself, which Wireshark then opens as well:`,
			do: "lunette explain --keylog keys.txt capture.pcapng\nlunette explain --key origin.pfx capture.pcapng\neditcap --inject-secrets tls,keys.txt capture.pcapng with-keys.pcapng", lang: "sh"},
		{say: `Whether the secrets fit, connection by connection, and why not:`,
			do: "lunette keys check --keylog keys.txt capture.pcapng", lang: "sh"},
		{say: `Where the program cannot be restarted, Lunette reads the secrets out of it as it runs ("lunette keys live"), on Linux as root:`,
			do: "lunette capture --host origin.example --exe nginx", lang: "sh"},
		{say: `A key log opens everything that was said while it was written, passwords and cookies too. Write it for minutes, for one origin where that can be set, and delete it afterwards.`},
	}
}

// preload is a library that makes any program on OpenSSL write a key log: it is tested with nginx.
const preload = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
static void line(const void *ssl, const char *text) {
    FILE *f = fopen(getenv("SSLKEYLOGFILE"), "a");
    if (f) { fprintf(f, "%s\n", text); fclose(f); }
}
void *SSL_new(void *ctx) {
    void *(*next)(void *) = dlsym(RTLD_NEXT, "SSL_new");
    void (*set)(void *, void (*)(const void *, const char *)) = dlsym(RTLD_NEXT, "SSL_CTX_set_keylog_callback");
    if (set && getenv("SSLKEYLOGFILE")) set(ctx, line);
    return next(ctx);
}`

// rsaOnly are the suites with RSA key exchange, in OpenSSL's names.
const rsaOnly = "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES256-SHA256:AES128-SHA:AES256-SHA"

// keysOfServers are the recipes of proxies and servers.
func keysOfServers() []recipe {
	return []recipe{
		{name: "lunette", title: "Lunette as the gateway", short: "the gateway's own leg to an origin", steps: []step{
			{say: `"lunette capture --site" writes the packets of the gateway's leg to the origins of a site with the secrets of exactly these connections, while the gateway runs (docs/capture-live.md).`,
				do: "lunette capture --site shop.test --config lunette.yaml", lang: "sh"},
			{say: `For a capture that is made without it, take the secrets from the origin (apache, nginx, java, … in this list), or make the key exchange RSA and use the origin's private key: Lunette offers RSA key exchange with the TLS profiles "compatible" and "legacy" (docs/configuration.md), and the origin must then choose it: on the origin allow TLS_RSA_ suites alone, up to TLS 1.2, for the minutes of the capture.`,
				do: "lunette explain --key origin.pfx capture.pcapng", lang: "sh"},
		}},
		{name: "nginx", aliases: []string{"openresty", "angie"}, title: "nginx", short: "no key log of its own for TLS over TCP: live, a preloaded library, or RSA key exchange", steps: []step{
			{say: `Without a restart: "lunette capture --exe nginx" reads the secrets of both legs out of the workers ("lunette keys live").`},
			{say: `NGINX Plus since 1.27.2 (R33) has directives for it: ssl_key_log for clients, proxy_ssl_key_log for origins.`,
				do: "proxy_ssl_key_log /run/nginx/keys.txt;", lang: "nginx"},
			{say: `The open source nginx has none for TLS over TCP. Preload this library (keylog.c), which asks OpenSSL for the lines:`,
				do: preload, lang: "c"},
			{do: "cc -shared -fPIC -o /usr/local/lib/libkeylog.so keylog.c -ldl\ninstall -m 600 -o www-data /dev/null /run/nginx-keys.txt\n", lang: "sh",
				say: `Build it, and make a file that the worker's user may write to (www-data on Debian, nginx elsewhere):`},
			{say: `nginx clears the environment of its workers, so name the variable at the top of nginx.conf:`,
				do: "env SSLKEYLOGFILE;", lang: "nginx"},
			{say: `Restart it with both variables; with systemd by "systemctl edit nginx". A reload is not enough. It logs both legs, to clients and to origins. Undo it in the same way.`,
				do: "[Service]\nEnvironment=LD_PRELOAD=/usr/local/lib/libkeylog.so\nEnvironment=SSLKEYLOGFILE=/run/nginx-keys.txt", lang: "ini"},
			{say: `Without a library: make the key exchange RSA for that one origin, and use the origin's private key. In the location that proxies to it, then nginx -s reload:`,
				do: "proxy_ssl_protocols TLSv1.2;\nproxy_ssl_ciphers " + rsaOnly + ";\nproxy_ssl_session_reuse off;", lang: "nginx"},
		}},
		{name: "apache", aliases: []string{"httpd"}, title: "Apache httpd", short: "SSLKEYLOGFILE in the environment at its start", steps: []step{
			{say: `mod_ssl writes a key log of both legs, to clients and to origins, when SSLKEYLOGFILE is set as it starts (current 2.4 versions with OpenSSL 1.1.1 or later; an older one says nothing and writes nothing). A reload is not enough. On Debian the line goes into /etc/apache2/envvars, on Red Hat into /etc/sysconfig/httpd without "export":`,
				do: "export SSLKEYLOGFILE=/run/apache2-keys.txt", lang: "sh"},
			{do: "apachectl stop\napachectl start", lang: "sh", say: `Then:`},
			{say: `Or make the key exchange RSA for the origin, and use its private key:`,
				do: "SSLProxyProtocol TLSv1.2\nSSLProxyCipherSuite " + rsaOnly, lang: "apache"},
		}},
		{name: "haproxy", title: "HAProxy", short: "tune.ssl.keylog, and a log format that writes the lines", steps: []step{
			{say: `HAProxy keeps the secrets when it is told to, and writes them where its log goes. For the leg to the server, with TLS 1.2 (2.6 and later):`,
				do: "global\n    tune.ssl.keylog on\n    log stdout format raw local0\nfrontend in\n    log global\n    log-format \"CLIENT_RANDOM %[ssl_bc_client_random,hex] %[ssl_bc_session_key,hex]\"\nbackend origin\n    server o1 192.0.2.10:443 ssl verify none ssl-max-ver TLSv1.2", lang: "haproxy"},
			{say: `For the leg to the client use ssl_fc_ in place of ssl_bc_; its secrets of TLS 1.3 are ssl_fc_client_handshake_traffic_secret, ssl_fc_server_handshake_traffic_secret, ssl_fc_client_traffic_secret_0 and ssl_fc_server_traffic_secret_0, each a line of its own with its label. New versions have the whole as variables:`,
				do: "log-format \"$HAPROXY_KEYLOG_FC_LOG_FMT\"   # clients\nlog-format \"$HAPROXY_KEYLOG_BC_LOG_FMT\"   # servers", lang: "haproxy"},
			{say: `A line must begin with its label: "format raw" leaves out the header of syslog. Lines are written when a request ends.`},
		}},
		{name: "envoy", aliases: []string{"istio"}, title: "Envoy", short: "key_log in the TLS context of a cluster or a listener", steps: []step{
			{say: `In the transport socket of the cluster (UpstreamTlsContext, to the origin) or of the listener (DownstreamTlsContext). The address ranges are optional and keep the log small.`,
				do: "common_tls_context:\n  key_log:\n    path: /tmp/keys.txt\n    remote_address_range:\n    - address_prefix: 192.0.2.10\n      prefix_len: 32", lang: "yaml"},
		}},
		{name: "caddy", title: "Caddy", short: "insecure_secrets_log, for the leg to clients", steps: []step{
			{say: `In the site's tls block. It covers the leg from clients to Caddy.`,
				do: "example.com {\n    tls {\n        insecure_secrets_log /tmp/keys.txt\n    }\n}", lang: "caddyfile"},
			{say: `The leg to an origin (reverse_proxy) has no such setting: read it out of the process with "lunette capture --exe caddy" ("lunette keys live"), or take the secrets from the origin.`},
		}},
	}
}
