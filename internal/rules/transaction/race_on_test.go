//go:build race

package transaction_test

// raced says that the race detector is on: then pools drop at random what they are given back.
const raced = true
