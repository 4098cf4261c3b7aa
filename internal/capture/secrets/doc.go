// Package secrets holds what opens recorded TLS traffic: key logs, private keys, pre-shared keys, and sessions that were met.
//
// Input: NSS key logs (files, Decryption Secrets Blocks), private keys (PEM, DER, PKCS#1, PKCS#8, encrypted, PKCS#12), PSKs.
// Output: a secret for a client random, a session, an encrypted pre-master secret. Promises: safe for concurrent use; every length
// and count is bounded; a faulty line names its file and line and costs nothing but itself; no secret ever stands in an error.
// Non-goals: deriving keys (tlscrypt), reading traffic (decrypt), asking people for passwords (cli).
package secrets
