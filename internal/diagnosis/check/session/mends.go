package session

import "github.com/lunette-waf/lunette/internal/finding"

// mendsAsking are the ways to end, or to answer, an origin's asking for a client certificate after the request.
func mendsAsking() []finding.Mend {
	return []finding.Mend{
		{On: finding.IIS, Do: "Stop asking: SSL Settings of the site or folder that asks > Client certificates: Ignore. Whoever needs the certificate for log-in loses it.",
			Lines: `%windir%\system32\inetsrv\appcmd.exe list config "Default Web Site/app" /section:system.webServer/security/access
%windir%\system32\inetsrv\appcmd.exe set config "Default Web Site/app" -section:system.webServer/security/access /sslFlags:"Ssl" /commit:apphost
:: the same in PowerShell
Set-WebConfigurationProperty -PSPath MACHINE/WEBROOT/APPHOST -Location 'Default Web Site/app' -Filter system.webServer/security/access -Name sslFlags -Value Ssl`},
		{On: finding.IIS, Do: "Or ask in the handshake instead, so that no HelloRequest is needed: the binding is removed and added again (a moment without service), then every client of this address is asked.",
			Lines: `netsh http show sslcert ipport=0.0.0.0:443
netsh http delete sslcert ipport=0.0.0.0:443
netsh http add sslcert ipport=0.0.0.0:443 certhash=<40 hex digits> appid={4dc3e181-e14b-4a21-b022-59fc669b0914} certstorename=MY clientcertnegotiation=enable`},
		{On: finding.IIS, Do: "Or refuse renegotiation in Schannel (registry, restart needed): Accept and Require then work only with the binding above.",
			Lines: `reg add HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL /v DisableRenegoOnServer /t REG_DWORD /d 1 /f`},
		{On: finding.Apache, Do: "Ask in the handshake: move SSLVerifyClient (and SSLCipherSuite, SSLVerifyDepth) from <Location>, <Directory> or .htaccess to the <VirtualHost>, or take it out.",
			Lines: "<VirtualHost *:443>\n    ServerName {host}\n    SSLVerifyClient none        # or: optional, require\n</VirtualHost>"},
		{On: finding.Nginx, Do: "nginx never asks in mid-connection: where it is the origin's front, what asks stands behind it. It asks in the handshake.",
			Lines: "server {\n    server_name {host};\n    ssl_verify_client off;      # or: optional, on\n}"},
		{On: finding.Java, Do: "Tomcat: ask in the handshake instead of on a <auth-method>CLIENT-CERT</auth-method>: certificateVerification in server.xml.",
			Lines: `<SSLHostConfig certificateVerification="optional" truststoreFile="conf/clients.p12"> <!-- or none, required -->`},
		{On: finding.Node, Do: "Ask in the handshake (requestCert) and do not call tlsSocket.renegotiate().",
			Lines: "https.createServer({ requestCert: true, rejectUnauthorized: false, key, cert, ca }, app)"},
		{On: finding.OpenSSL, Do: "A server of your own: set the verify mode before the handshake and do not call SSL_renegotiate; or refuse renegotiation.",
			Lines: "SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, cb);\nSSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);"},
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
