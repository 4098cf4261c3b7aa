package cli

// keysOfClients are the recipes of clients, languages and libraries.
func keysOfClients() []recipe {
	return []recipe{
		{name: "openssl", aliases: []string{"s_client", "s_server"}, title: "Programs on OpenSSL", short: "s_client and s_server -keylogfile; a preloaded library for the rest", steps: []step{
			{say: `OpenSSL's own client and server, since 1.1.1:`,
				do: "openssl s_client -connect origin.example:443 -servername origin.example -keylogfile keys.txt\nopenssl s_server -accept 4433 -cert cert.pem -key key.pem -www -keylogfile keys.txt", lang: "sh"},
			{say: `A session that s_client printed (Session-ID and Master-Key, TLS 1.2 and below) can be given to --keylog as it is.`},
			{say: `The library itself heeds SSLKEYLOGFILE from 3.5 on, where it was built with enable-sslkeylog, which distributions mostly leave out. For other programs that are linked to libssl dynamically, preload the library that "lunette keys nginx" shows:`,
				do: "SSLKEYLOGFILE=$PWD/keys.txt LD_PRELOAD=./libkeylog.so PROGRAM", lang: "sh"},
		}},
		{name: "curl", title: "curl", short: "SSLKEYLOGFILE in the environment", steps: []step{
			{do: "SSLKEYLOGFILE=$PWD/keys.txt curl https://origin.example/", lang: "sh",
				say: `With OpenSSL, GnuTLS and most other TLS libraries (curl -V names it):`},
			{say: `The curl.exe of Windows uses Schannel and writes none. There, or where only the server's key is at hand, make the key exchange RSA; with OpenSSL:`,
				do: "curl --tls-max 1.2 --ciphers AES128-SHA256:AES128-SHA https://origin.example/", lang: "sh"},
		}},
		{name: "gnutls", aliases: []string{"wget", "gnutls-cli"}, title: "Programs on GnuTLS", short: "SSLKEYLOGFILE in the environment: gnutls-cli, wget on Debian, …", steps: []step{
			{say: `The library heeds SSLKEYLOGFILE in every program that uses it:`,
				do: "SSLKEYLOGFILE=$PWD/keys.txt gnutls-cli origin.example", lang: "sh"},
		}},
		{name: "browser", aliases: []string{"chrome", "chromium", "firefox", "edge", "browsers"}, title: "Browsers", short: "SSLKEYLOGFILE: Firefox, Chrome, Edge", steps: []step{
			{say: `Firefox, Chrome, Chromium and Edge heed SSLKEYLOGFILE when they start; close every window first. Safari has nothing of the kind. On Linux:`,
				do: "SSLKEYLOGFILE=$HOME/keys.txt firefox", lang: "sh"},
			{say: `On macOS:`, do: "SSLKEYLOGFILE=$HOME/keys.txt \"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome\"", lang: "sh"},
			{say: `On Windows, in PowerShell:`, do: "$env:SSLKEYLOGFILE = \"$HOME\\keys.txt\"\n& \"C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe\"", lang: "powershell"},
			{say: `HTTP/3 runs over QUIC, which is not read here: Chrome stays with TCP under --disable-quic.`},
		}},
		{name: "go", aliases: []string{"golang"}, title: "Go", short: "tls.Config.KeyLogWriter", steps: []step{
			{say: `There is no variable: the program must set KeyLogWriter. It writes a line for every handshake, renegotiations included.`,
				do: "f, err := os.OpenFile(\"keys.txt\", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)\nif err != nil {\n\treturn err\n}\ntransport := http.DefaultTransport.(*http.Transport).Clone()\ntransport.TLSClientConfig = &tls.Config{KeyLogWriter: f}\nclient := &http.Client{Transport: transport}", lang: "go"},
		}},
		{name: "java", aliases: []string{"jvm", "tomcat", "jetty", "spring"}, title: "Java", short: "an agent; the JDK has no key log", steps: []step{
			{say: `The JDK writes no key log. Agents do, which hook its TLS classes: extract-tls-secrets and jSSLKeyLog. Get one that names your Java version, then restart the program with it:`,
				do: "java -javaagent:extract-tls-secrets.jar=/tmp/keys.txt -jar app.jar\njava -javaagent:jSSLKeyLog.jar=/tmp/keys.txt -jar app.jar", lang: "sh"},
			{say: `A Tomcat takes it from CATALINA_OPTS. A server whose key is RSA opens with the key too when the key exchange is RSA; from a key store:`,
				do: "keytool -importkeystore -srckeystore keystore.jks -destkeystore key.p12 -deststoretype PKCS12\nlunette explain --key key.p12 capture.pcapng", lang: "sh"},
		}},
		{name: "node", aliases: []string{"nodejs", "node.js"}, title: "Node.js", short: "--tls-keylog, or the keylog event", steps: []step{
			{do: "node --tls-keylog=keys.txt app.js\nNODE_OPTIONS=--tls-keylog=/tmp/keys.txt npm start", lang: "sh",
				say: `For every TLS connection of the process:`},
			{say: `It has the first handshake of each connection only: what comes after a renegotiation stays closed. Take the secrets from the other side when that matters. In code:`,
				do: "https.globalAgent.on('keylog', (line) => fs.appendFileSync('keys.txt', line, { mode: 0o600 }))", lang: "js"},
		}},
		{name: "python", aliases: []string{"requests", "mitmproxy"}, title: "Python", short: "SSLKEYLOGFILE in the environment", steps: []step{
			{say: `Since 3.8, for contexts of ssl.create_default_context and for urllib3 and requests. Python started with -E or -I does not look at it.`,
				do: "SSLKEYLOGFILE=$PWD/keys.txt python3 app.py", lang: "sh"},
			{say: `A context that the program makes itself:`, do: "context.keylog_filename = \"keys.txt\"", lang: "python"},
			{say: `mitmproxy has a variable of its own, for both of its legs:`, do: "MITMPROXY_SSLKEYLOGFILE=$PWD/keys.txt mitmproxy", lang: "sh"},
		}},
	}
}

// keysOfWindows is the recipe of IIS and all that uses Schannel.
func keysOfWindows() []recipe {
	return []recipe{
		{name: "iis", aliases: []string{"schannel", "windows", "http.sys", ".net", "dotnet", "pfx"}, title: "IIS, and all that uses Schannel on Windows", short: "no key log: log on the other side, or RSA key exchange and the .pfx", steps: []step{
			{say: `Schannel has no key log. Take the secrets from the other side of the connection, the proxy or the client; else make the key exchange RSA for some minutes and use the private key of the site. Every Windows Server still offers TLS_RSA_ suites by default.`},
			{say: `1. Find the certificate of the site. The hash is the thumbprint.`,
				do: "netsh http show sslcert\nGet-ChildItem Cert:\\LocalMachine\\My | Format-List Subject, Thumbprint, HasPrivateKey", lang: "powershell"},
			{say: `2. Export it with its private key, in a PowerShell or a command prompt of an administrator. Where the key was marked as not exportable both refuse: look for the .pfx that it was imported from. An ECDSA certificate is of no use here.`,
				do: "$password = Read-Host -AsSecureString\nExport-PfxCertificate -Cert Cert:\\LocalMachine\\My\\THUMBPRINT -FilePath C:\\temp\\origin.pfx -Password $password\n# or\ncertutil -p PASSWORD -exportPFX My THUMBPRINT C:\\temp\\origin.pfx", lang: "powershell"},
			{say: `3. Let the client offer RSA key exchange alone, up to TLS 1.2: nothing need change on the server. "lunette keys nginx", "apache" and "curl" say how. For a client on OpenSSL:`,
				do: "curl --tls-max 1.2 --ciphers AES128-SHA256:AES128-SHA https://origin.example/", lang: "sh"},
			{say: `A Server 2008 R2 knows TLS 1.0 alone unless it was told otherwise, which OpenSSL 3 speaks at security level 0 only:`,
				do: "curl --tlsv1.0 --tls-max 1.0 --ciphers AES128-SHA:@SECLEVEL=0 https://origin.example/", lang: "sh"},
			{say: `Where the client cannot be changed, take the other suites away on the server (2016 and later); it concerns all sites, takes away TLS 1.3 too, and may take a restart of the server to count. Keep the list, and put it back afterwards in its order, with Enable-TlsCipherSuite -Name NAME -Position N.`,
				do: "(Get-TlsCipherSuite).Name | Set-Content C:\\temp\\suites.txt\nGet-TlsCipherSuite | Where-Object Name -notlike 'TLS_RSA_*' | ForEach-Object { Disable-TlsCipherSuite -Name $_.Name }", lang: "powershell"},
			{say: `4. Record, from before the connection on. These commands are those of Server 2022 and later; docs/capture.md has netsh trace for older ones.`,
				do: "pktmon filter remove\npktmon filter add -t TCP -p 443\npktmon start --capture --comp nics --pkt-size 0 --file-name C:\\temp\\c.etl\n# let it happen\npktmon stop\npktmon filter remove\npktmon etl2pcap C:\\temp\\c.etl --out C:\\temp\\c.pcapng", lang: "powershell"},
			{say: `5. Explain it, and delete the .pfx.`,
				do: "lunette explain --key C:\\temp\\origin.pfx C:\\temp\\c.pcapng\nRemove-Item C:\\temp\\origin.pfx", lang: "powershell"},
		}},
	}
}
