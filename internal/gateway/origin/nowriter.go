package origin

import (
	"errors"
	"io"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// noWriter answers a health check's exchange, which has no client.
type noWriter struct{}

func (noWriter) Informational(int, exchange.Header) error { return nil }
func (noWriter) Head(*exchange.Response) error            { return nil }
func (noWriter) Body([]byte, bool) error                  { return nil }
func (noWriter) Trailer(exchange.Header) error            { return nil }
func (noWriter) Upgrade(*exchange.Response) (io.ReadWriteCloser, error) {
	return nil, errors.New("upgrade a health check: it has no client")
}
