package operator

import "strings"

// Words reads the words of @pm: apart by white space, in lower case. Only ASCII letters are turned, as only they are compared so.
func Words(argument string) []string {
	words := strings.Fields(argument)
	for i, w := range words {
		words[i] = lower(w)
	}
	return words
}

// WordsOfFile reads the words of @pmFromFile, and of a dataset: a line each, in lower case, white space around it, blank lines and
// comments (# at the start of a line) left out. A # further on belongs to the word.
func WordsOfFile(text []byte) []string {
	words := lines(text)
	for i, w := range words {
		words[i] = lower(w)
	}
	return words
}

// lines are those that hold something: trimmed, without comments.
func lines(text []byte) []string {
	var out []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			out = append(out, line)
		}
	}
	return out
}

// lower turns ASCII letters only, and leaves bytes that are no UTF-8 as they are, which strings.ToLower does not.
func lower(s string) string {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'Z' {
			b := []byte(s)
			for j, c := range b {
				if c >= 'A' && c <= 'Z' {
					b[j] = c + 0x20
				}
			}
			return string(b)
		}
	}
	return s
}
