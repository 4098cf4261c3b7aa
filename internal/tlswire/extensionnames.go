package tlswire

// ExtensionName returns the IANA name of an extension, "GREASE" for those values, its number as hex when it is not known.
func ExtensionName(t uint16) string { return nameIn(extensionNames[:], t) }

// extensionNames is the IANA registry "TLS ExtensionType Values", in order of number, with the drafts that browsers sent.
var extensionNames = [...]name{
	{ExtServerName, "server_name"}, {ExtMaxFragmentLength, "max_fragment_length"}, {2, "client_certificate_url"},
	{3, "trusted_ca_keys"}, {4, "truncated_hmac"}, {ExtStatusRequest, "status_request"}, {6, "user_mapping"}, {7, "client_authz"},
	{8, "server_authz"}, {9, "cert_type"}, {ExtSupportedGroups, "supported_groups"}, {ExtPointFormats, "ec_point_formats"},
	{12, "srp"}, {ExtSignatureAlgorithms, "signature_algorithms"}, {14, "use_srtp"}, {15, "heartbeat"},
	{ExtALPN, "application_layer_protocol_negotiation"}, {17, "status_request_v2"}, {ExtSCT, "signed_certificate_timestamp"},
	{19, "client_certificate_type"}, {20, "server_certificate_type"}, {ExtPadding, "padding"},
	{ExtEncryptThenMAC, "encrypt_then_mac"}, {ExtExtendedMasterSecret, "extended_master_secret"}, {24, "token_binding"},
	{25, "cached_info"}, {26, "tls_lts"}, {ExtCompressCertificate, "compress_certificate"}, {ExtRecordSizeLimit, "record_size_limit"},
	{29, "pwd_protect"}, {30, "pwd_clear"}, {31, "password_salt"}, {32, "ticket_pinning"}, {33, "tls_cert_with_extern_psk"},
	{ExtDelegatedCredential, "delegated_credential"}, {ExtSessionTicket, "session_ticket"}, {36, "TLMSP"}, {37, "TLMSP_proxying"},
	{38, "TLMSP_delegate"}, {39, "supported_ekt_ciphers"}, {ExtPreSharedKey, "pre_shared_key"}, {ExtEarlyData, "early_data"},
	{ExtSupportedVersions, "supported_versions"}, {ExtCookie, "cookie"}, {ExtPSKModes, "psk_key_exchange_modes"},
	{extCertificateAuthorities, "certificate_authorities"}, {48, "oid_filters"}, {ExtPostHandshakeAuth, "post_handshake_auth"},
	{ExtSignatureAlgorithmsCert, "signature_algorithms_cert"}, {ExtKeyShare, "key_share"}, {52, "transparency_info"},
	{53, "connection_id_deprecated"}, {54, "connection_id"}, {55, "external_id_hash"}, {56, "external_session_id"},
	{57, "quic_transport_parameters"}, {58, "ticket_request"}, {59, "dnssec_chain"}, {60, "sequence_number_encryption_algorithms"},
	{61, "rrc"}, {62, "tls_flags"},
	{ExtNextProtocol, "next_protocol_negotiation"}, {ExtALPSOld, "application_settings"}, {ExtALPS, "application_settings"},
	{0x754f, "channel_id_old"}, {0x7550, "channel_id"}, {0xca34, "trust_anchors"}, {0xfd00, "ech_outer_extensions"}, {ExtEncryptedClientHello, "encrypted_client_hello"},
	{ExtRenegotiationInfo, "renegotiation_info"}, {0xffa5, "quic_transport_parameters"}, {0xffce, "encrypted_server_name"},
}
