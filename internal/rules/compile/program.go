package compile

import (
	"time"

	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/operator"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/internal/rules/transform"
)

// Phases are the phases of SecLang: 1 request headers, 2 request body, 3 response headers, 4 response body, 5 logging. Phase 0 is none.
const Phases = 6

// Program is what a set of rules compiles to. Read-only.
type Program struct {
	Rules    []Rule          // the first rule of each chain, in the order of the files
	Phases   [Phases]Phase   //
	Chains   []Chain         // transformation chains; Chains[0] is the empty one
	Patterns *match.Set      // every @rx and @pm
	Views    Views           // the same for each place
	Slots    []string        // names of TX variables that rules name, lower case; 0 to 9 are the captures TX:0 … TX:9
	Initial  []Initial       // TX variables that have a value before the first rule, folded ones among them, by slot
	Settings Settings        // what directives say that are no rules
	Folded   int             // rules that were decided at compile time and left out
	Notes    []seclang.Fault // warnings, in the order of the files: what works, but hardly as it was meant
	slot     map[string]int32
}

// Place is where patterns are looked for.
type Place uint8

// The places.
const (
	InRequest  Place = iota // values as they came, in phases 1, 2 and 5
	InResponse              // values as they came, in phases 3 and 4
	InDerived               // what transformations made of values, in all phases; without patterns that are Listed
	Places
)

// PlaceOf returns where the values of a phase are.
func PlaceOf(phase uint8) Place {
	if phase == 3 || phase == 4 {
		return InResponse
	}
	return InRequest
}

// Views are sets of the patterns of a program under the same numbers, each of which looks for those of one place only: the fewer words, the cheaper
// is a look at a value.
type Views [Places]*match.Set

// Slot finds the slot of a TX variable; name is lower case. Names that no rule names have none.
func (p *Program) Slot(name string) (int32, bool) { s, ok := p.slot[name]; return s, ok }

// Initial is a TX variable with its value at the start.
type Initial struct {
	Slot  int32
	Value string
}

// Settings is what directives say that are no rules. The zero value is what holds without them.
type Settings struct {
	Timeout   time.Duration // SecCollectionTimeout: a record of a persistent collection goes so long after its last change; 0: the store's own
	Separator byte          // SecArgumentSeparator: between the pairs of queries and forms; 0: "&"
	XMLArgs   seclang.Mode  // SecParseXmlIntoArgs
}

// Phase is the rules of one phase in their order, and what to look for before they run.
type Phase struct {
	Rules []int32 // indexes into Program.Rules; a position is an index into this slice
	Plan  Plan
}

// Plan says which rules of a phase are sure to run, and which patterns wake the others. All sets of rules are bits by position.
// A pattern that is found wakes every rule of Wakes: each of them still looks whether it was found in one of its own targets.
type Plan struct {
	Always []uint64  // rules that run whatever the values are
	Wakes  [][]int32 // by pattern: positions of the rules that begin with it
	// Wanted is what to look for, by the variable that holds the values itself: of ARGS under ARGS_GET, ARGS_POST and ARGS_PATH, of
	// ARGS_NAMES under ARGS_GET_NAMES and ARGS_POST_NAMES. nil for nothing.
	Wanted   [seclang.Variables]*Wanted
	Patterns match.Bits // all patterns of the phase's plan
}

// Wanted says what to look for in the values of one variable.
type Wanted struct {
	All     []Want            // in each of its values
	Keyed   map[string][]Want // besides, in values with this key; in lower case where the variable's keys have no case
	Touches transform.Class   // what all chains of All touch: a value without these is a fixed point of all of them
	Union   match.Bits        // the patterns of All
}

// Want is patterns to look for in a value behind one chain of transformations.
type Want struct {
	Chain    int32
	Patterns match.Bits
}

// Chain is a chain of transformations, a node of the trie.
type Chain struct {
	Parent  int32 // the chain without the last step
	Last    transform.ID
	Steps   []transform.ID  // all of them
	Touches transform.Class // union over the steps
	Names   string          // t:lowercase,t:removeNulls as in the record; "" for the empty one
}

// Rule is a rule, or a member of a chain.
type Rule struct {
	seclang.Position
	ID     int   // of the chain's first rule, for its members too
	Phase  uint8 // 1 to 5
	Member uint8 // place in its chain: 0 the first

	Targets    []Target // none for SecAction
	Operator   Operator
	Chain      int32 // transformation chain
	MultiMatch bool  // the operator looks at every step of the chain
	Capture    bool

	Do       []Do // non-disruptive actions, at each value that matches, in order
	Disrupt  Disrupt
	Status   int   // of deny, block, redirect; 0 where the rule states none
	Redirect Macro // target of redirect and proxy
	SkipTo   int32 // position in the phase to go on at (skipAfter), -1 for none
	Skip     int32 // rules to skip
	Next     *Rule // the next of the chain

	Msg, LogData       Macro
	Severity           int8 // 0 emergency to 7 debug; -1 none
	Tags               []string
	Rev, Ver           string
	Maturity, Accuracy int8
	Log, Audit         bool
	NeedsCaptures      bool    // with Capture: what it captures may decide something: an action, a test of this chain or of a later rule reads it
	CapturesInRecord   bool    // with Capture: besides, msg or logdata of this chain or of a later rule shows it
	Scores             []Score // anomaly points that it adds, in any member
	Paranoia           uint8   // from its tag paranoia-level/N; 0 without
}

// Score is points that a rule adds to an anomaly score, for the record.
type Score struct {
	Member   uint8
	Class    string // critical, error, warning, notice; "" where Points is constant
	Slot     int32  // TX variable that holds the points of Class; -1
	Points   int
	Outbound bool
}

// Disrupt is what a rule does to the exchange.
type Disrupt uint8

// The disruptive actions, block resolved to what SecDefaultAction says.
const (
	Pass Disrupt = iota
	Deny
	Drop
	Redirect
	Proxy
	Allow        // the rest of all phases but logging
	AllowPhase   // the rest of this phase
	AllowRequest // the rest of phases 1 and 2
)

// Target is one variable that a rule looks at.
type Target struct {
	Variable seclang.Variable
	Key      string        // lower case where the variable's keys have no case; "" all
	Regexp   *match.Single // of keys; nil without
	Text     string        // Regexp as written, between slashes: what the count of such values is called
	Slot     int32         // of TX with a constant key; else -1
	Slots    []int32       // of TX with Regexp: the slots whose names match; names without a slot are for Regexp to tell
	Count    bool
	Except   []Except // keys that are taken out
}

// Except takes values out of a target. A Key of "" without Regexp takes out all. Keys are compared regardless of case, of
// arguments too.
type Except struct {
	Key    string // lower case
	Regexp *match.Single
}

// Operator is the test of a rule: always, one pattern of the set, a compiled operator, or one whose argument has macros.
type Operator struct {
	ID      seclang.OperatorID // OpAlways of SecAction: it matches once, with no value
	Negated bool
	Pattern int32             // index in Program.Patterns; -1
	Test    operator.Operator // nil where Pattern >= 0, ID is OpAlways or Macro is set
	Macro   Macro             // argument to expand and hand to operator.Compare; nil without
	Text    string            // argument as written, for the record
}

// Macro is text with variables in it. A nil Macro is none.
type Macro []Part

// Part is literal text, or a variable.
type Part struct {
	Text     string
	Variable seclang.Variable // VarNone: literal
	Key      string           // lower case where the variable's keys have no case
	Slot     int32            // of TX; -1
}

// Do is a non-disruptive action. Only the fields of its ID are set.
type Do struct {
	ID  seclang.ActionID
	Set *Set // setvar, expirevar, deprecatevar, initcol, setsid, setuid, setrsc, setenv
	Ctl *Ctl
}

// Set changes a variable of a collection.
type Set struct {
	Collection seclang.Variable // TX, IP, GLOBAL, SESSION, USER, RESOURCE, ENV
	Name       Macro            // of the variable; of initcol, setsid …: empty
	Slot       int32            // of TX with a constant name; else -1
	Op         SetOp
	Value      Macro // what to set or add; the key of initcol, setsid …; seconds of expirevar; amount of deprecatevar
	Number     int64 // of Add and Subtract where Value is a constant number; seconds in which deprecatevar takes Value off
	Constant   bool  // Number holds
}

// SetOp is what setvar does.
type SetOp uint8

// The operations.
const (
	Assign SetOp = iota
	Add
	Subtract
	Remove
)

// Ctl changes how the rest of the exchange is inspected.
type Ctl struct {
	Option seclang.CtlOption
	Mode   seclang.Mode // of engines and switches
	Number int64        // of limits and levels
	Value  string       // of ...BodyProcessor in upper case, of auditLogParts
	Rules  []uint64     // of ruleRemove…: indexes into Program.Rules, as bits
	Target *Target      // of ruleRemoveTarget…
}
