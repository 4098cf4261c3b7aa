package tcp

import (
	"strconv"
	"time"
)

// surely is how long one SYN must go without an answer to be more than a lost packet: it is sent again after one second and three.
const surely = 3 * time.Second

// times writes how often.
func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return strconv.Itoa(n) + " times"
}
