package origin

import (
	"bytes"
	"slices"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
)

// Bounds of what is kept of a handshake: chains of certificates seldom pass 10 KiB.
const (
	mostOpening = 48 << 10 // bytes of both sides
	mostSecrets = 2 << 10
)

// keep adds what one side sent in the first handshake.
func (t *tap) keep(at time.Time, s fact.Side, p []byte) {
	if t.opening == nil {
		return
	}
	p = p[:min(len(p), mostOpening-t.kept)]
	if len(p) == 0 {
		return
	}
	t.kept += len(p)
	t.opening.Pieces = append(t.opening.Pieces, exchange.OpeningPiece{At: at, Side: s, Data: slices.Clone(p)})
}

// writeSecret takes lines of crypto/tls's key log: those that open the handshake of TLS 1.3, in which the origin's certificates, its wish for
// ours and its alerts are sealed. Those that open anything else are let go.
func (t *tap) writeSecret(line []byte) {
	o := t.opening
	if o == nil || len(o.Secrets)+len(line) > mostSecrets {
		return
	}
	if bytes.HasPrefix(line, []byte("CLIENT_HANDSHAKE_TRAFFIC_SECRET ")) || bytes.HasPrefix(line, []byte("SERVER_HANDSHAKE_TRAFFIC_SECRET ")) {
		o.Secrets = append(o.Secrets, line...)
	}
}

// handshakeSecrets is the key log of one connection.
type handshakeSecrets struct{ t *tap }

// Write implements io.Writer.
func (h handshakeSecrets) Write(p []byte) (int, error) {
	if h.t.tape != nil {
		h.t.tape.Secret(p)
	}
	if h.t.state.Load() == tapHandshake {
		h.t.writeSecret(p)
	}
	return len(p), nil
}
