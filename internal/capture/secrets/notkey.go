package secrets

import (
	"bytes"
	"strings"
)

// What to do with what is no RSA key.
const (
	jksNext = "convert it with keytool -importkeystore -srckeystore FILE -destkeystore key.p12 -deststoretype PKCS12, then give --key key.p12"

	certificateNext = "a certificate is public and opens nothing; give the private key that belongs to it with --key"
	keyLogNext      = "a key log is needed (\"lunette keys\" says how to get one)"
)

var (
	ecdsaKey  = ephemeralKey("an ECDSA key")
	publicKey = format{"", "a public key", "it opens nothing; give the private key that belongs to it"}
)

// ephemeralKey is a private key that cannot open recorded traffic.
func ephemeralKey(seems string) format {
	return format{"key", seems, "it cannot open recorded traffic, because with it the key exchange is ephemeral: " + keyLogNext}
}

// otherBlock names a PEM block that is no RSA key by its type.
func otherBlock(kind string) format {
	switch kind {
	case "EC PRIVATE KEY":
		return ecdsaKey
	case "DSA PRIVATE KEY":
		return ephemeralKey("a DSA key")
	case "OPENSSH PRIVATE KEY":
		return format{"key", "a key of OpenSSH", "if it is the server's RSA key, copy it and convert the copy with ssh-keygen -p -m PEM -f COPY"}
	case "SSH2 ENCRYPTED PRIVATE KEY":
		return format{"key", "a key of SSH", "a server's TLS key is needed: PEM or .pfx"}
	case "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE":
		return format{"", "a certificate", certificateNext}
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		return format{"", "a certificate request", "it holds no private key; give the one that it was made with"}
	case "PUBLIC KEY", "RSA PUBLIC KEY", "SSH2 PUBLIC KEY":
		return publicKey
	case "PKCS7", "CMS":
		return format{"", "a bundle of certificates (PKCS#7, .p7b)", "it cannot hold a private key; export the certificate with its key as .pfx"}
	case "EC PARAMETERS", "DH PARAMETERS", "DSA PARAMETERS":
		return format{"", "parameters without a key", "give the private key"}
	}
	if len(kind) > 40 || strings.ContainsFunc(kind, func(r rune) bool { return r < ' ' || r > '~' }) {
		kind = "unknown type"
	}
	return format{"", "a PEM block of " + kind, "PEM, PKCS#8, DER and PKCS#12 (.pfx, .p12) are read"}
}

// notKey recognises what was given as a private key, is no PEM, and holds no RSA key in DER.
func notKey(data []byte) format {
	if f, ok := captureOrArchive(data); ok {
		return f
	}
	switch head := data[:min(len(data), maxLine)]; {
	case len(data) == 0:
		return format{"", "an empty file", "give the file of the private key"}
	case bytes.HasPrefix(head, []byte("PuTTY-User-Key-File")):
		return format{"", "a key of PuTTY", "if it is the server's RSA key, convert it with puttygen FILE -O private-openssh -o key.pem"}
	case bytes.HasPrefix(head, []byte("\xfe\xed\xfe\xed")), bytes.HasPrefix(head, []byte("\xce\xce\xce\xce")):
		return format{"", "a Java key store (JKS)", jksNext}
	case bytes.HasPrefix(head, []byte("ssh-")), bytes.HasPrefix(head, []byte("ecdsa-sha2-")):
		return format{"", "a public key of SSH", "a server's private key is needed: PEM or .pfx"}
	case bytes.Contains(head, []byte("CLIENT_RANDOM ")), bytes.Contains(head, []byte("_TRAFFIC_SECRET")):
		return format{"", "a key log", "give it with --keylog"}
	}
	return format{"", "", "PEM, PKCS#8, DER and PKCS#12 (.pfx, .p12) are read"}
}
