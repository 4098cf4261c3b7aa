package rules

import "maps"

// Refused returns the directives that are refused, with what to do instead.
func Refused() map[string]string {
	m := owned()
	maps.Copy(m, unsupported())
	return m
}
