package fact

// Kind is what happened.
type Kind uint8

// The kinds of fact, in the order in which a connection meets them. Code, Size and Text of a Fact mean what stands beside
// each; a type in brackets is its Detail, where the whole message was seen. Handshake messages bear the names of the RFCs.
// Where nothing stands beside a kind of HTTP, Code is the stream of HTTP/2.
const (
	None Kind = iota

	DNSAnswer // Text: addresses, comma separated; Size: how many; [*DNSLookup]
	DNSFailed // Text: rcode name or timeout; [*DNSLookup]

	PoolWaited // a request waited for a free connection; Size: nanoseconds; Text: "got_one", "queue_full", "timed_out"
	ConnReused // a request goes out on a connection that was used before; Size: nanoseconds that it lay idle; Code: requests before

	TCPSyn            // [*TCPOptions]
	TCPSynAck         // [*TCPOptions]
	TCPConnected      // Text: address; Size: round trip in nanoseconds, where a capture shows it
	TCPFailed         // Code: errno; Text: errno name, "timeout"; Size: nanoseconds that it took
	TCPMidstream      // the capture begins within the connection
	TCPRetransmission // data, SYN or FIN sent again; Size: bytes; Code: how many segments in a row; Text: "syn", "syn_ack", "data", "fin"; "duplicate": the capture holds packets twice, one fact for a side
	TCPOutOfOrder     // Size: bytes; Code: how many segments in a row; Text: "too_late" when they had been given up as a gap, "outside_window" when they fit nowhere
	TCPOverlap        // a segment says other bytes than one before it at the same place; Size: bytes that differ
	TCPGap            // the capture lacks bytes of this side; Size: how many; Text: "lost" (the other side acknowledged them), "unknown", "cut" (snaplen; Code: how many segments in a row)
	TCPKeepAlive      // Code: how many probes in a row
	TCPZeroWindow     // this side cannot take more
	TCPWindowOpen     // after a zero window; Size: nanoseconds that it lasted
	TCPReset          // RST seen; [*TCPOptions] of a packet: its window, TTL and IP ID
	TCPClosed         // FIN seen
	TCPPortReused     // the same ports begin another connection
	ICMPUnreachable   // Code: type*256+code; Text: its name, mtu in it where it says one
	PathMTU           // most bytes of a packet that the way takes; Code: bytes; Text: how it is known

	PlainRequest  // the connection begins with HTTP in clear
	ProxyConnect  // a CONNECT tunnel was asked for; Text: authority
	ProxyTunnel   // the proxy's answer to it; Code: status
	ProxyProtocol // a PROXY protocol header in front; Text: its addresses

	TLSClientHello         // Size: length of the message; [*ClientHello]
	TLSHelloRetryRequest   // [*ServerHello]
	TLSServerHello         // Code: version; Text: cipher suite; [*ServerHello]
	TLSEncryptedExtensions // [*ServerHello]
	TLSCertificate         // Text: subject of the leaf, "" for an empty list; Size: certificates in it; [*Certificates]
	TLSCertificateStatus   // a stapled OCSP response; Size: bytes
	TLSServerKeyExchange   // [*KeyExchange]
	TLSCertificateRequest  // the server wants a client certificate; [*CertificateRequest]
	TLSServerHelloDone
	TLSClientKeyExchange // [*KeyExchange]
	TLSCertificateVerify // Text: signature scheme
	TLSFinished
	TLSNewSessionTicket // [*SessionTicket]
	TLSEndOfEarlyData
	TLSKeyUpdate        // Code: 1 when the other side is asked to do the same
	TLSOtherMessage     // another handshake message; Code: its type; Text: its name; Size: its length; [*Certificates] of compressed ones that could be read
	TLSEncryptedMessage // a handshake record that could not be decrypted; Size: length of the record's payload
	TLSChangeCipherSpec
	TLSHandshakeDone      // Code: version; Text: cipher suite
	TLSHelloRequest       // the server wants to renegotiate, TLS <= 1.2; Size: length of the record's payload; Text: "by_length" where no key opened it
	TLSHelloRequestAnswer // Text: "complied", "refused", "ignored"; Size: nanoseconds since the request
	TLSRenegotiated       // a handshake after the first one was completed
	TLSPostHandshakeAuth  // the server wants a client certificate after a TLS 1.3 handshake; [*CertificateRequest]
	TLSAlert              // Code: alert number; Text: its name; Size: 1 warning, 2 fatal
	TLSEncryptedAlert     // an alert that could not be decrypted
	TLSApplicationData    // a run of records of one side; Code: how many; Size: plaintext bytes, or those of the payloads when they are not decrypted
	TLSHeartbeat          // Size: payload bytes
	TLSNotTLS             // first bytes of the server were no TLS record; Text: quoted start
	TLSRecordLost         // records that the capture lacks; Code: how many, 0 when unknown; Size: bytes
	TLSBadRecord          // a MAC or tag that fails, padding that is malformed; Code: record type; Size: payload bytes; Text: which check failed
	TLSUndecryptable      // this flow, or this direction from here on, stays closed; Text: why, in words of package decrypt
	TLSDecryptable        // keys for a handshake were found; Text: where they are from
	TLSVerified           // what became of the check of the server's certificate, by whoever checked; Text: "ok" or the reason (cert.expired); Code: verify settings, 0 full

	RequestSent     // Size: bytes of head and body
	RequestHead     // [*HTTPHead]
	RequestDone     // Size: body bytes
	ContinueWaited  // a body was held back for a 100; Size: nanoseconds, in captures; Text: answered or gave_up
	FirstByte       // of the response head
	ResponseInterim // a 1xx; Code: status; [*HTTPHead]
	ResponseHead    // Code: status; [*HTTPHead]
	ResponseDone    // Size: body bytes
	HTTPBroken      // framing or syntax that RFC 9112 or 9113 does not allow; Text: what, with its section
	HTTPCoding      // a body does not begin as its Content-Encoding says; Text: the coding, "gzip twice"; Size: bytes looked at; Code: the stream of HTTP/2
	HTTPCutShort    // the connection ended within a message; Text: "head", "body"; Size: body bytes that were missing, 0 when unknown
	HTTP2Preface
	HTTP2Settings     // [*HTTP2Frame]
	HTTP2GoAway       // Code: error code; Text: its name; [*HTTP2Frame]
	HTTP2RstStream    // Code: error code; Text: its name; [*HTTP2Frame]
	HTTP2FlowBlocked  // no window left; Size: nanoseconds that it lasted; [*HTTP2Frame]
	Upgraded          // a 101; Text: protocol
	WebSocketMessages // a run of messages of one side; Code: how many; Size: bytes; Text: "text", "binary", "ping", "pong"
	WebSocketClose    // Code: status code; Text: reason

	Silence    // Size: nanoseconds without a byte; Side: whose turn it was; Text: what was awaited
	GaveUp     // a timer of the client's end of this connection ended the wait; Size: nanoseconds; Text: its name ("timeouts.first_byte")
	ClientLeft // who had asked the proxy for this went away; Size: nanoseconds since it had asked

	HealthChecked // a check of the origin's health; Text: path; Code: status, 0 without; Size: nanoseconds
	OriginLogged  // what the origin wrote about this connection; Text: its phrase or code; [*OriginLog]

	kinds // how many there are
)

var kindNames = [...]string{
	None:      "none",
	DNSAnswer: "dns_answer", DNSFailed: "dns_failed", PoolWaited: "pool_waited", ConnReused: "connection_reused",
	TCPSyn: "tcp_syn", TCPSynAck: "tcp_syn_ack", TCPConnected: "tcp_connected", TCPFailed: "tcp_failed", TCPMidstream: "tcp_midstream",
	TCPRetransmission: "tcp_retransmission", TCPOutOfOrder: "tcp_out_of_order", TCPOverlap: "tcp_overlap", TCPGap: "tcp_gap",
	TCPKeepAlive: "tcp_keep_alive", TCPZeroWindow: "tcp_zero_window", TCPWindowOpen: "tcp_window_open",
	TCPReset: "tcp_reset", TCPClosed: "tcp_closed", TCPPortReused: "tcp_port_reused", ICMPUnreachable: "icmp_unreachable",
	PathMTU:      "path_mtu",
	PlainRequest: "plain_request", ProxyConnect: "proxy_connect", ProxyTunnel: "proxy_tunnel", ProxyProtocol: "proxy_protocol",
	TLSClientHello: "client_hello", TLSHelloRetryRequest: "hello_retry_request", TLSServerHello: "server_hello",
	TLSEncryptedExtensions: "encrypted_extensions", TLSCertificate: "certificate", TLSCertificateStatus: "certificate_status",
	TLSServerKeyExchange: "server_key_exchange", TLSCertificateRequest: "certificate_request", TLSServerHelloDone: "server_hello_done",
	TLSClientKeyExchange: "client_key_exchange", TLSCertificateVerify: "certificate_verify", TLSFinished: "finished",
	TLSNewSessionTicket: "new_session_ticket", TLSEndOfEarlyData: "end_of_early_data", TLSKeyUpdate: "key_update",
	TLSOtherMessage: "handshake_message", TLSEncryptedMessage: "encrypted_handshake_message", TLSChangeCipherSpec: "change_cipher_spec",
	TLSHandshakeDone: "handshake_done", TLSHelloRequest: "hello_request", TLSHelloRequestAnswer: "hello_request_answer",
	TLSRenegotiated: "renegotiated", TLSPostHandshakeAuth: "post_handshake_auth", TLSAlert: "alert", TLSEncryptedAlert: "encrypted_alert",
	TLSApplicationData: "application_data", TLSHeartbeat: "heartbeat", TLSNotTLS: "not_tls", TLSRecordLost: "record_lost",
	TLSBadRecord: "bad_record", TLSUndecryptable: "undecryptable", TLSDecryptable: "decryptable", TLSVerified: "verified",
	RequestSent: "request_sent", RequestHead: "request_head", RequestDone: "request_done", ContinueWaited: "continue_waited",
	FirstByte: "first_byte", ResponseInterim: "response_interim", ResponseHead: "response_head", ResponseDone: "response_done",
	HTTPBroken: "http_broken", HTTPCoding: "http_coding", HTTPCutShort: "http_cut_short", HTTP2Preface: "http2_preface", HTTP2Settings: "http2_settings",
	HTTP2GoAway: "http2_goaway", HTTP2RstStream: "http2_rst_stream", HTTP2FlowBlocked: "http2_flow_blocked", Upgraded: "upgraded",
	WebSocketMessages: "websocket_messages", WebSocketClose: "websocket_close",
	Silence: "silence", GaveUp: "gave_up", ClientLeft: "client_left", HealthChecked: "health_checked", OriginLogged: "origin_logged",
}

func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return "unknown"
}

// KindNamed is the kind with this name, as String gives it.
func KindNamed(name string) (Kind, bool) {
	for k := None + 1; k < kinds; k++ {
		if kindNames[k] == name {
			return k, true
		}
	}
	return None, false
}
