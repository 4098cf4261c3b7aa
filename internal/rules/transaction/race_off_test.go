//go:build !race

package transaction_test

// raced says that the race detector is on.
const raced = false
