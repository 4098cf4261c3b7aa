package transform

import (
	"strconv"
	"strings"
	"testing"
)

// benchInputs are values of about 10 KB: ordinary text, and what costs most.
func benchInputs() []struct{ name, value string } {
	return []struct{ name, value string }{
		{"plain", strings.Repeat("thequickbrownfoxjumpsoverthelazydog", 300)},
		{"text", strings.Repeat("The quick brown fox, jumps over the lazy dog. ", 220)},
		{"form", strings.Repeat("name=Jos%C3%A9+Garcia&mail=jose%40example.com&", 220)},
		{"cyrillic", strings.Repeat("Съешь ещё этих мягких французских булок ", 140)},
		{"percent", strings.Repeat("%41", 3400)},
		{"entity", strings.Repeat("&lt;", 2500)},
		{"noentity", strings.Repeat("&abcdef", 1450)},
		{"shortno", strings.Repeat("&aa", 3400)},
		{"bare", strings.Repeat("&notin0x", 1250)},
		{"greek", strings.Repeat("\u1f08\u1f88\u1fb3", 1100)},
		{"jsescape", strings.Repeat("\\u0041", 1700)},
		{"comment", strings.Repeat("/*", 5000)},
		{"comments", strings.Repeat("/**/", 2500)},
		{"stars", strings.Repeat("*", 10000)},
		{"dotdot", strings.Repeat("../", 3400)},
		{"updown", strings.Repeat("a/../", 2000)},
		{"spaces", strings.Repeat(" ", 10000)},
		{"high", strings.Repeat("\xff", 10000)},
	}
}

// benchIDs are the transformations that the Core Rule Set uses, and the rest that scan.
func benchIDs() []ID {
	return []ID{
		lowercase, uppercase, urlDecode, urlDecodeUni, utf8toUnicode, htmlEntityDecode, jsDecode, cssDecode, escapeSeqDecode, removeNulls,
		cmdLine, normalizePath, normalizePathWin, removeWhitespace, compressWhitespace, removeComments, removeCommentsChar, replaceComments,
		base64Decode, base64DecodeExt, hexEncode, urlEncode, sqlHexDecode, length, sha1Sum, md5Sum, trim,
	}
}

func BenchmarkApply(b *testing.B) {
	for _, id := range benchIDs() {
		for _, in := range benchInputs() {
			b.Run(id.String()+"/"+in.name, func(b *testing.B) {
				a := &Arena{}
				b.ReportAllocs()
				for b.Loop() {
					a.Reset()
					Apply(a, id, in.value)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(in.value)), "ns/byte")
			})
		}
	}
}

func BenchmarkFixed(b *testing.B) {
	for _, id := range benchIDs() {
		for _, in := range benchInputs() {
			c := Classify(in.value)
			if !Fixed(id, in.value, c) || c&Touches(id) == 0 {
				continue
			}
			b.Run(id.String()+"/"+in.name, func(b *testing.B) {
				for b.Loop() {
					Fixed(id, in.value, c)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(in.value)), "ns/byte")
			})
		}
	}
}

func BenchmarkClassify(b *testing.B) {
	for _, n := range []int{8, 32, 10000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := strings.Repeat("The quick, brown", 625)[:n]
			for b.Loop() {
				Classify(s)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/byte")
		})
	}
}
