package cli

import "testing"

func TestHeadroomGivesWayToTheOperator(t *testing.T) {
	for _, c := range []struct {
		gogc, limit string
		want        int
	}{{"", "", headroomSize}, {"100", "", 0}, {"", "1GiB", 0}} {
		t.Setenv("GOGC", c.gogc)
		t.Setenv("GOMEMLIMIT", c.limit)
		if got := len(headroom()); got != c.want {
			t.Errorf("GOGC=%q GOMEMLIMIT=%q: %d bytes, want %d", c.gogc, c.limit, got, c.want)
		}
	}
}
