package transform

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/experimental/plugins"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
	"github.com/corazawaf/coraza/v3/types"
)

// oracle is Coraza with one rule for each transformation that it knows, and an operator that keeps what it is given.
type oracle struct {
	mu   sync.Mutex
	waf  coraza.WAF
	seen [ids]string
	set  [ids]bool
}

// keep is the operator.
type keep struct {
	o  *oracle
	id ID
}

func (k keep) Evaluate(_ plugintypes.TransactionState, value string) bool {
	k.o.seen[k.id], k.o.set[k.id] = strings.Clone(value), true
	return false
}

// lacking lists what Coraza does not know.
func lacking() []ID { return []ID{parityEven7bit, parityOdd7bit, parityZero7bit, sqlHexDecode} }

func knows(id ID) bool {
	for _, l := range lacking() {
		if l == id {
			return false
		}
	}
	return true
}

// theOracle makes one per process: the registry of operators is Coraza's own global state.
var theOracle = sync.OnceValues(newOracle)

func newOracle() (*oracle, error) {
	o := &oracle{}
	plugins.RegisterOperator("lunetteKeep", func(p plugintypes.OperatorOptions) (plugintypes.Operator, error) {
		id, ok := Lookup(p.Arguments)
		if !ok {
			return nil, fmt.Errorf("no transformation %q", p.Arguments)
		}
		return keep{o, id}, nil
	})
	var rules strings.Builder
	rules.WriteString("SecRuleEngine On\n")
	for id := ID(1); id < ids; id++ {
		if knows(id) {
			fmt.Fprintf(&rules, "SecRule ARGS_GET:v \"@lunetteKeep %s\" \"id:%d,phase:1,pass,nolog,t:none,t:%[1]s\"\n", id, id)
		}
	}
	var err error
	o.waf, err = coraza.NewWAF(coraza.NewWAFConfig().WithDirectives(rules.String()))
	return o, err
}

// results returns what Coraza makes of s by each transformation.
func (o *oracle) results(t testing.TB, s string) [ids]string {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.set = [ids]bool{}
	tx := o.waf.NewTransaction()
	defer func() {
		if err := tx.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	tx.AddGetRequestArgument("v", s)
	var stopped *types.Interruption
	if stopped = tx.ProcessRequestHeaders(); stopped != nil {
		t.Fatal("a rule stopped the request")
	}
	for id := ID(1); id < ids; id++ {
		if knows(id) && !o.set[id] {
			t.Fatalf("Coraza did not run %s", id)
		}
	}
	return o.seen
}
