package crs_test

// skip is a demand of a test that cannot be held against Lunette.
type skip struct {
	what   string // how the fault begins, e.g. "status": everything else that the test demands counts
	reason string
}

// skips lists them by test. docs/crs-tests.md says more of each.
func skips() map[string]skip {
	return map[string]skip{}
}
