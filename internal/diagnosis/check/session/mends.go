package session

import "github.com/lunette-waf/lunette/internal/finding"

// mendsAsking are the ways to end, or to answer, an origin's asking for a client certificate after the request: to stop, where nobody
// needs the certificate; else to ask earlier, with the path as closed as it was.
func mendsAsking() []finding.Mend {
	return []finding.Mend{
		mendStopAsking(),
		{On: finding.IIS, Do: "Where the certificate is needed, ask in the handshake instead of after the request: every client of this binding is then asked, and the path stays as closed as it was. " + olderWindows,
			Lines: bindingLines("clientcertnegotiation=enable")},
		{On: finding.Apache, Do: "Ask in the handshake: SSLVerifyClient in the VirtualHost, in place of the one in Location, Directory or .htaccess, and Require for the path, which so stays closed. Every client of the host is then asked.",
			Lines: "<VirtualHost *:{port}>\n    ServerName {host}\n    SSLVerifyClient optional\n    <Location \"/PATH\">\n        Require ssl-verify-client\n    </Location>\n</VirtualHost>"},
		{On: finding.Nginx, Do: "nginx never asks in mid-connection: where it is the origin's front, what asks stands behind it. It asks in the handshake, and refuses by path.",
			Lines: "server {\n    server_name {host};\n    ssl_client_certificate /etc/nginx/clients-ca.pem;\n    ssl_verify_client optional;\n    location /PATH {\n        if ($ssl_client_verify != SUCCESS) { return 403; }\n    }\n}"},
		{On: finding.Java, Do: "Tomcat: ask in the handshake (certificateVerification in server.xml), so that an auth-method of CLIENT-CERT finds the certificate there.",
			Lines: `<SSLHostConfig certificateVerification="optional" truststoreFile="conf/clients.p12">`},
		{On: finding.Node, Do: "Ask in the handshake (requestCert), do not call tlsSocket.renegotiate(), and refuse in the handler where req.socket.authorized is false.",
			Lines: "https.createServer({ requestCert: true, rejectUnauthorized: false, key, cert, ca }, app)"},
		{On: finding.OpenSSL, Do: "A server of your own: set the verify mode before the handshake and do not call SSL_renegotiate.",
			Lines: "SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, cb);"},
	}
}

// olderWindows says what to do where netsh cannot change a binding in place.
const olderWindows = "\"netsh http update sslcert\" is there since Windows Server 2019; before it a binding has to be deleted and added again with all its settings, without TLS on it in between: write both lines out beforehand."

// bindingLines change one setting of a binding in http.sys. THUMBPRINT is refused as it stands, and then nothing has changed.
func bindingLines(settings string) string {
	return `# PowerShell, as administrator. Look first: by SNI the site has a "Hostname:port" of its own, else an "IP:port" serves it, and others too
netsh http show sslcert
# repeat all that was shown for it (certificate, store, each setting that is not the default); by address: ipport=ADDRESS:PORT for hostnameport=...
netsh http update sslcert hostnameport={host}:{port} certhash=THUMBPRINT appid="{4dc3e181-e14b-4a21-b022-59fc669b0914}" certstorename=MY ` + settings + `
netsh http show sslcert hostnameport={host}:{port}`
}

// mendStopAsking ends the asking on IIS.
func mendStopAsking() finding.Mend {
	return finding.Mend{On: finding.IIS, Do: "Where it says Accept and nobody logs in by certificate, stop asking: SSL Settings of the site or folder that asks > Client certificates: Ignore. Not where it says Require: the path would be open to everybody unless the application itself checks.",
		Lines: accessLines("without SslNegotiateCert and SslRequireCert, None if nothing is left")}
}

// accessLines change the flags of a path's SSL Settings.
func accessLines(which string) string {
	return `:: cmd, as administrator: what is set now
%windir%\system32\inetsrv\appcmd.exe list config "SITE/PATH" /section:system.webServer/security/access
:: FLAGS: those of the list, ` + which + `
%windir%\system32\inetsrv\appcmd.exe set config "SITE/PATH" -section:system.webServer/security/access /sslFlags:"FLAGS" /commit:apphost`
}

// sslFlagsLines change the switches of a binding of IIS.
func sslFlagsLines() string {
	return `:: cmd, as administrator: the bindings and their sslFlags now
%windir%\system32\inetsrv\appcmd.exe list site "SITE" /config
%windir%\system32\inetsrv\appcmd.exe set site "SITE" "/bindings.[protocol='https',bindingInformation='*:{port}:{host}'].sslFlags:FLAGS"`
}

// mendsDemanded are for an origin that requires a certificate: show it one.
func mendsDemanded() []finding.Mend {
	return []finding.Mend{mendCertificate(), mendForward(),
		{On: finding.Nginx, Do: "Accept the authority of Lunette's certificate: add it to the file.", Lines: "ssl_client_certificate /etc/nginx/clients-ca.pem;"},
		{On: finding.Apache, Do: "Accept the authority of Lunette's certificate: add it to the file.", Lines: "SSLCACertificateFile /etc/ssl/clients-ca.pem"},
		{On: finding.IIS, Do: "Accept the authority of Lunette's certificate: its root belongs in the computer's store of trusted roots, which is trusted machine-wide.",
			Lines: "# PowerShell, as administrator\ncertutil -addstore Root clients-root.cer"},
	}
}

// mendsOpening take the lock off the door. They stand last.
func mendsOpening() []finding.Mend {
	const open = "Last resort: accept connections without a certificate. Everybody gets in then, unless the application itself checks."
	return []finding.Mend{
		{On: finding.Nginx, Do: open, Lines: "ssl_verify_client optional;"},
		{On: finding.Apache, Do: open, Lines: "SSLVerifyClient optional"},
		{On: finding.IIS, Do: open + " SSL Settings > Client certificates: Accept (SslNegotiateCert) instead of Require (SslRequireCert).",
			Lines: accessLines("with SslNegotiateCert and without SslRequireCert")},
	}
}

// mendAnswer makes Lunette answer HelloRequests.
func mendAnswer() finding.Mend {
	return finding.Mend{On: finding.Lunette, Do: "Answer the HelloRequest (auto is the default), with an empty certificate where none is configured; only TLS up to 1.2 and HTTP/1.1 have it.",
		Lines: "origin:\n  tls:\n    renegotiation: auto\n    max_version: \"1.2\"\n  http: \"1.1\""}
}

// mendCertificate makes Lunette show a certificate of its own.
func mendCertificate() finding.Mend {
	return finding.Mend{On: finding.Lunette, Do: "Show the origin a certificate of Lunette's own, from an authority that it accepts. The origin then sees Lunette, not the user.",
		Lines: "origin:\n  tls:\n    client_certificate: {file: gateway.crt, key: gateway.key}"}
}

// mendForward lets the origin's application learn the user's certificate from a field.
func mendForward() finding.Mend {
	return finding.Mend{On: finding.Lunette, Do: "Ask the user for the certificate here and hand it on in a field; the application must read the field and trust nobody else to send it.",
		Lines: "client_auth: {mode: request, ca: clients-ca.pem}\nforward_client_cert: [client-cert, x-arr-clientcert]"}
}
