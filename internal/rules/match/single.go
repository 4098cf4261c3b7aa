package match

import "sync"

// Single is one regular expression by itself, for keys. Safe for concurrent use.
type Single struct {
	set     *Set
	scratch sync.Pool
}

// single is what one Match needs.
type single struct {
	scratch    Scratch
	want, hits Bits
}

// NewSingle compiles expr as a Regexp pattern.
func NewSingle(expr string) (*Single, error) {
	set, errs := New([]Pattern{{Kind: Regexp, Expr: expr}}, Limits{})
	if errs != nil {
		return nil, errs[0].Err
	}
	return &Single{set: set}, nil
}

// Match reports whether value matches.
func (s *Single) Match(value string) bool {
	x, _ := s.scratch.Get().(*single)
	if x == nil {
		x = &single{want: Bits{1}, hits: Bits{0}}
	}
	x.hits[0] = 0
	s.set.Scan(&x.scratch, value, x.want, x.hits)
	hit := x.hits[0] != 0
	s.scratch.Put(x)
	return hit
}
