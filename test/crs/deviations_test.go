package crs_test

// deviation is a test whose demand cannot be had of Lunette, and what is demanded in its place.
type deviation struct {
	instead output
	reason  string
}

// deviations lists them by test; docs/crs-tests.md says more of each.
func deviations() map[string]deviation {
	refused := func(ids ...int) output { return output{Status: 400, Log: words{IDs: ids}} }
	return map[string]deviation{
		"920100-4": {output{Status: 400, Log: words{NotIDs: []int{920100}}},
			"Apache answers CONNECT 1.2.3.4:80 as any other request; a reverse proxy that did would open a tunnel past the rules"},
		"920181-1": {refused(920181),
			"Apache drops Content-Length beside Transfer-Encoding, so that its rules cannot see it; here they do, and the request is refused"},
		"920620-1": {refused(920620),
			"Apache joins two Content-Type fields into one, so that the rule cannot match, says the file; here it does, and the request is refused"},
		"921140-1": {refused(921140),
			"Apache refuses a CR within a field before its rules see it; here they see it and match, and the request is refused all the same"},
		"933120-2": {output{Log: words{IDs: []int{933120}, Regexp: `session\.referer_check=\[masked 1 bytes\] found within ARGS:var:`}},
			"the value of whatever is called session is masked in every record"},
	}
}
