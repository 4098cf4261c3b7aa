package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
)

// midstream begins a connection whose hellos are missing: both sides are under keys. Up to TLS 1.2 nothing opens it, for the keys
// need both random numbers; secrets of TLS 1.3 need none.
func (s *Session) midstream(r *tlsrecord.Record) {
	cause := &dark{why: WhyStartMissing}
	switch {
	case s.src.empty():
		cause.why = WhyNoSecrets
	case s.greeted:
		cause.why = WhyHandshakeHoles
	}
	for i := range s.lanes {
		if s.lanes[i].epoch == epochClear {
			s.lanes[i].start(epochApplication)
			s.lanes[i].torn, s.lanes[i].cause = true, cause
		}
	}
	if s.version == 0 {
		s.version = r.Version
	}
}
