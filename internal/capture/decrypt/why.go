package decrypt

// Why says why a flow, or a part of it, was not decrypted.
type Why string

// The reasons why.
const (
	WhyNot            Why = ""                      // it was
	WhyNoSecrets      Why = "no_secrets"            // nothing was given to decrypt with
	WhyNoSecret       Why = "no_secret"             // the key log has no line for this client random
	WhyEphemeral      Why = "ephemeral"             // a private key cannot open (EC)DHE: a key log is needed
	WhyWrongKey       Why = "wrong_key"             // no private key fits the server's certificate, or the pre-master secret does not open
	WhyWrongSecret    Why = "wrong_secret"          // there is a secret, and records do not open under it
	WhyStartMissing   Why = "start_missing"         // the capture begins after the hellos
	WhyNoHello        Why = "client_hello_missing"  // the capture lacks the ClientHello, and has the ServerHello
	WhyHandshakeHoles Why = "handshake_holes"       // bytes of the handshake are missing that the keys depend on
	WhyResumed        Why = "resumed_first_missing" // resumed a session whose full handshake is not in the capture
	WhySuite          Why = "unsupported_suite"
	WhyNoHandshake    Why = "no_handshake"                 // it failed before any key was in use
	WhyLost           Why = "lost_position"                // after lost records the cipher's place was not found again
	WhyLaterHandshake Why = "renegotiation_secret_missing" // the first handshake opened, a later one's secret is missing
)

// Text is the sentence for it, with the next step.
func (w Why) Text() string {
	for i := range whyTexts {
		if whyTexts[i].why == w {
			return whyTexts[i].text
		}
	}
	return string(w)
}

var whyTexts = [...]struct {
	why  Why
	text string
}{
	{WhyNot, "it was decrypted"},
	{WhyNoSecrets, "nothing was given to decrypt with: give a key log (--keylog), the server's RSA key (--key) or a pre-shared key (--psk)"},
	{WhyNoSecret, "no secret is known for this client random: the key log must come from one of the two programs that spoke, and run while they did"},
	{WhyEphemeral, "the key exchange is ephemeral (DHE, ECDHE, TLS 1.3), which a private key cannot open: give a key log (--keylog), or let the client offer TLS_RSA suites only"},
	{WhyWrongKey, "no private key given opens it: give the key that belongs to the certificate which the server sent"},
	{WhyWrongSecret, "a secret is known for this handshake, and its records do not open under it: the key log is another connection's or was altered"},
	{WhyStartMissing, "the capture begins after the hellos, without whose random numbers no key can be made: capture from the start of the connection"},
	{WhyNoHello, "the capture lacks the ClientHello, whose random number the keys and the lines of a key log depend on: capture from the start of the connection"},
	{WhyHandshakeHoles, "the capture lacks a part of the handshake that the keys depend on: capture without loss, or give a key log, which needs the two hellos only"},
	{WhyResumed, "it resumed a session whose full handshake is not in the capture: capture the first connection too, or give a key log"},
	{WhySuite, "its cipher suite is not one that can be opened here"},
	{WhyNoHandshake, "the handshake ended before any key was in use: all there is to see is in clear"},
	{WhyLost, "records are missing, and the cipher's place after them was not found again: capture without loss"},
	{WhyLaterHandshake, "the first handshake opened, and no secret is known for a later one on the same connection: some programs log the first one only, so log on the other side"},
}
