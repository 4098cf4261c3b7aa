package session

import (
	"testing"

	"github.com/lunette-waf/lunette/test/checktest"
)

func TestSamples(t *testing.T) { checktest.Samples(t, "testdata", Checks()) }
