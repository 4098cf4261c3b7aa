package differential_test

// row is a difference that stands.
type row struct {
	name  string
	what  string
	right string // who is, by the reference of SecLang
	// is picks those of the differences on a request that the row explains.
	is func(r *request, list []difference) []bool
}

// rows lists them.
func rows() []row { return nil }

// unexplained returns the differences that no row explains, and the rows that explained something.
func unexplained(r *request, list []difference) (left []difference, names []string) {
	left = list
	for _, w := range rows() {
		if len(left) == 0 {
			break
		}
		picked := w.is(r, left)
		var rest []difference
		for i, d := range left {
			if !picked[i] {
				rest = append(rest, d)
			}
		}
		if len(rest) < len(left) {
			names = append(names, w.name)
		}
		left = rest
	}
	return left, names
}
