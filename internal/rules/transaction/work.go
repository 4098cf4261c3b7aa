package transaction

import (
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/body"
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/persist"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/internal/rules/transform"
)

// digits64 is how many digits of base64 the value with a number begins with.
type digits64 struct {
	value int64
	n     int
}

// work is the memory of one inspection. It is used again for others.
type work struct {
	plan   *plan
	engine *Engine
	x      *exchange.Exchange

	// Bounds.
	deadline time.Time // of the step; zero for none
	steps    int64     // bytes that operators may still look at
	unseen   int       // bytes looked at since the clock was
	phase    uint8     // that runs, or ran last

	// Values of variables.
	vars     [seclang.Variables][]value
	filled   [seclang.Variables]bool
	used     []seclang.Variable // those that are filled
	query    body.Result        // of the query and of cookies
	body     body.Result        // of the request's body
	reply    body.Result        // of the response's body
	fields   []body.Field
	response *exchange.Response
	rawBody  []byte
	rawReply []byte
	request  requestBody

	// What is known of them.
	arena     transform.Arena
	scratch   [compile.Places]match.Scratch // for the view of each place; for what needs no view, the first
	chunks    [][]text
	texts     int // taken of chunks
	edges     []edge
	base      int32           // edges that were shed: numbers up to it mean none
	derived   int             // bytes that transformations made since
	lasting   transform.Arena // text that later phases need
	large     transform.Arena // for the next long text
	baseBits  int32           // as base, of bits
	made      []made          // by chain, of the value that is scanned
	counted64 digits64
	scanned   int64 // number of that value, never used again
	bits      []uint64
	zero      match.Bits // as many zeros as patterns take
	one       match.Bits // zeros, but while one pattern is asked for
	open      match.Bits
	want      match.Bits
	asked     []*text // of the value that is being scanned
	asks      []ask
	subset    match.Bits // some of want or open
	masks     []mask
	kinds     []kinds

	// The rules of the phase.
	awake     []uint64
	first     []int32 // by position: its first hit, plus 1
	last      []int32
	hits      []hit
	removed   []uint64 // rules that ctl removed
	untargets []*untarget
	inForce   int // of untargets, for the member that runs
	allow     compile.Disrupt

	// The rule that runs.
	rule        *compile.Rule // the first of its chain
	member      *compile.Rule
	temp        []value
	counted     value // of a target that counts
	matched     []matched
	lastVar     matched // of MATCHED_VAR
	someMatched bool    // lastVar is set
	looseVar    bool    // by the phase that runs
	find        []int
	shown       int // bytes that were searched for captures which only the record shows
	captured    []string
	arg         string            // argument of an operator with macros, expanded
	argOf       *compile.Operator // which; nil: of none
	expanded    int               // depth of macros within macros

	tx          txStore
	env         []pair
	records     [recordKinds]*persist.Record
	severity    int // HIGHEST_SEVERITY
	engineMode  seclang.Mode
	bodyAccess  bool
	bodyLimit   int64 // bytes of the request's body that rules are shown; -1: all that came
	xmlArgs     seclang.Mode
	replyAccess bool
	replyLimit  int64 // the same of the response's
	ended       ending
	wouldEnd    ending
	record      record
	buf         []byte
}

// clockBytes is how many bytes may be looked at between two looks at the clock.
const clockBytes = 64 << 10

// callCost is what looking at a value costs besides its bytes, in bytes.
const callCost = 32

// spend counts n bytes that an operator or a transformation looks at.
func (w *work) spend(n int) {
	n += callCost
	w.steps -= int64(n)
	if w.unseen += n; w.unseen > clockBytes {
		w.look()
	}
}

// look ends the step if its time or its bytes are spent.
func (w *work) look() {
	w.unseen = 0
	if w.steps < 0 {
		panic(spent{"work"})
	}
	if !w.deadline.IsZero() && !time.Now().Before(w.deadline) {
		panic(spent{"time"})
	}
}

func newWork(p *plan) *work {
	w := &work{plan: p}
	for i := range w.scratch {
		w.scratch[i].Spend = w.spend
	}
	w.zero, w.one = make(match.Bits, p.words), make(match.Bits, p.words)
	w.open, w.want = make(match.Bits, p.words), make(match.Bits, p.words)
	w.subset = make(match.Bits, p.words)
	n := 0
	for i := range p.phases {
		n = max(n, len(p.phases[i].rules))
	}
	w.first, w.last, w.awake = make([]int32, n), make([]int32, n), make([]uint64, (n+63)/64)
	w.removed = make([]uint64, (len(p.program.Rules)+63)/64)
	w.tx.slots = make([]txValue, len(p.program.Slots))
	w.made = make([]made, len(p.chains))
	w.masks, w.kinds = make([]mask, maskSlots), make([]kinds, kindSlots)
	return w
}

// begin readies w for x.
func (w *work) begin(e *Engine, x *exchange.Exchange) {
	w.engine, w.x = e, x
	w.steps = e.cfg.Steps
	w.severity = 255
	w.engineMode = seclang.ModeOn
	if e.cfg.Detect {
		w.engineMode = seclang.ModeDetectionOnly
	}
	w.bodyAccess, w.replyAccess, w.bodyLimit, w.replyLimit = true, true, -1, -1
	w.xmlArgs = e.plan.program.Settings.XMLArgs
	w.tx.begin(w.plan, e.given)
}

// Memory that is kept for the next inspection, at most.
const (
	keepValues = 4096      // of one variable, and of each list of work
	keepBytes  = 256 << 10 // of a body
	keepBits   = 64 << 10  // words
)

// reset forgets the exchange, so that its memory is free and nothing of it shows up in another one.
func (w *work) reset() {
	for _, v := range w.used {
		w.vars[v] = emptied(w.vars[v])
		w.filled[v] = false
	}
	w.used = w.used[:0]
	w.query.Reset()
	w.body.Reset()
	w.reply.Reset()
	w.fields = emptied(w.fields)
	w.response = nil
	w.rawBody, w.rawReply = kept(w.rawBody), kept(w.rawReply)
	w.request = requestBody{}
	w.release()
	w.lasting.Reset()
	clear(w.made)
	if len(w.chunks) > keepValues/64 {
		w.chunks = w.chunks[: keepValues/64 : keepValues/64]
	}
	w.base, w.baseBits = 0, 0
	w.edges, w.env, w.untargets = emptied(w.edges), emptied(w.env), emptied(w.untargets)
	if cap(w.bits) > keepBits {
		w.bits = nil
	}
	clear(w.removed)
	clear(w.records[:])
	w.allow, w.rule, w.member, w.lastVar = compile.Pass, nil, nil, matched{}
	w.someMatched = false
	w.ended, w.wouldEnd = ending{}, ending{}
	w.record.reset()
	w.shown = 0
	w.tx.reset()
	if cap(w.buf) > keepBytes {
		w.buf = nil
	}
	w.engine, w.x = nil, nil
}

// emptied returns s without elements, its memory free of what they point to.
func emptied[T any](s []T) []T {
	if cap(s) > keepValues {
		return nil
	}
	clear(s)
	return s[:0]
}

func kept(b []byte) []byte {
	if cap(b) > keepBytes {
		return nil
	}
	return b[:0]
}
