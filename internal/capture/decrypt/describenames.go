package decrypt

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// Bounds of what a fact holds of lists and texts that a peer makes up.
const (
	maxNames = 200  // entries of one list
	maxText  = 1024 // bytes of one text
)

// more is the last entry of a list that was cut.
func more(n int) string { return fmt.Sprintf("and %d more", n) }

// names puts a list of numbers into words.
func names[T any](list []T, name func(T) string) []string {
	if len(list) == 0 {
		return nil
	}
	n := min(len(list), maxNames)
	out := make([]string, n, n+1)
	for i := range n {
		out[i] = name(list[i])
	}
	if n < len(list) {
		out = append(out, more(len(list)-n))
	}
	return out
}

func few(list []string) []string {
	return names(list, func(s string) string { return s[:min(len(s), maxText)] })
}

func versionNames(v []uint16) []string { return names(v, tlswire.VersionName) }
func suiteNames(v []uint16) []string   { return names(v, tlswire.SuiteName) }
func groupNames(v []uint16) []string   { return names(v, tlswire.GroupName) }
func schemeNames(v []uint16) []string  { return names(v, tlswire.SchemeName) }

func keyShareNames(v []tlswire.KeyShare) []string {
	return names(v, func(k tlswire.KeyShare) string { return tlswire.GroupName(k.Group) })
}

func extensionNames(e tlswire.Extensions) []string {
	return names(e, func(x tlswire.Extension) string { return tlswire.ExtensionName(x.Type) })
}
