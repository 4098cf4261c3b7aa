package http2

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/fact"
)

// frame names a frame with its error code.
func frame(x *fact.Fact) string {
	name := x.Text
	if name == "" {
		name = fmt.Sprintf("code %d", x.Code)
	}
	if x.Kind == fact.HTTP2GoAway {
		return "GOAWAY " + name
	}
	if s := streamOf(x); s != 0 {
		return fmt.Sprintf("RST_STREAM %s on stream %d", name, s)
	}
	return "RST_STREAM " + name
}

// debug is what a GOAWAY says in its debug data, in quotes with a comma in front; "" without.
func debug(x *fact.Fact) string {
	if d, ok := x.Detail.(*fact.HTTP2Frame); ok && d.Debug != "" {
		return fmt.Sprintf(", %q", d.Debug)
	}
	return ""
}
