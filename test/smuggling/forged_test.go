package smuggling_test

import (
	"testing"

	"github.com/lunette-waf/lunette/test/peer"
)

func forgedFields(t *testing.T, o *peer.Server) {}
func overHTTP2(t *testing.T, o *peer.Server)    {}
