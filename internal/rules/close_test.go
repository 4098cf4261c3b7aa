package rules_test

import (
	"sync"
	"testing"

	"github.com/lunette-waf/lunette/internal/rules"
)

// TestCloseUnderWay closes an engine as a reload does: while exchanges are with it, and before others that hold the old
// configuration begin. The last user of the compiled rules is gone by then.
func TestCloseUnderWay(t *testing.T) {
	e, err := factory.Open(rules.Settings{Exclusions: []rules.Exclusion{{Path: "/elsewhere"}}}) // a program of its own, with the patterns of keep
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	begun := make(chan struct{}, 4)
	for range 4 {
		wg.Go(func() {
			for i := range 20 {
				o := run(e, get("/?q=1'+or+'1'='1"), "")
				if o.err == nil || len(o.waf.Matches) == 0 {
					t.Errorf("passed: %+v", o.waf)
				}
				if i == 0 {
					begun <- struct{}{}
				}
			}
		})
	}
	for range 4 {
		<-begun
	}
	e.Close()
	e.Close() // twice is once
	wg.Wait()
}
