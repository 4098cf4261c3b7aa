package exchange

import (
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
)

// Opening is how an origin connection began, as it crossed the wire: the bytes of its TLS handshake, bounded. Whoever asks why an
// attempt failed reads them; on the way of a good request nobody does. Read-only once it stands in an attempt.
type Opening struct {
	Pieces []OpeningPiece // in order of time
	// Secrets are lines of an NSS key log that open the handshake itself (TLS 1.3); none opens what came after it.
	Secrets []byte
	End     time.Time // the handshake was completed or failed
}

// OpeningPiece is what one side sent at once.
type OpeningPiece struct {
	At   time.Time
	Side fact.Side
	Data []byte
}
