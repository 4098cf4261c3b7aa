// Package uprobe reads the TLS secrets of programs that run, without restarting or configuring them: small programs in the kernel
// (eBPF) look on when OpenSSL, GnuTLS or Go's crypto/tls derives them.
//
// Input: process ids and names or paths of programs ([Config]). Output: one [Secret] after another, each a line of an NSS key log
// (RFC 9850) as capture/secrets and Wireshark read it.
//
// Promises: nothing in the traced process is written or stopped; everything read from it has a fixed bound (names 16 bytes, secrets
// 64); what is attached belongs to file descriptors of this process and goes with it, also on kill -9; only processes that were asked
// for pass the filter, which runs in the kernel; what could not be hooked is listed with the reason ([Reader.Attached]).
//
// What is hooked (docs/decisions/0009-uprobes.md says why):
//
//	OpenSSL 3      TLS 1.0–1.3: EVP_KDF_derive of libcrypto, its parameters are public ABI
//	OpenSSL 1.1.1  TLS 1.0–1.2: the session's master key, fields found in the code of the exported accessors
//	GnuTLS         TLS 1.0–1.2: the same; TLS 1.3: nettle_hkdf_expand of libnettle
//	Go             TLS 1.0–1.3: crypto/tls.(*Config).writeKeyLog, found in the function table, stripped or not
//
// Connections that were open before: TLS 1.2 and below of OpenSSL and GnuTLS, when they next read or write. TLS 1.3 and Go: no.
//
// Non-goals: BoringSSL, NSS, Java, Schannel, rustls (said by Attached), packets, systems other than Linux on amd64.
package uprobe
