package compile

// Unfolded returns o with folding off.
func Unfolded(o Options) Options {
	o.Unfolded = true
	return o
}
