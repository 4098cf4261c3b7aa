package transform

// firstCmdLine finds the first byte that cmdLine changes or drops, also where it changes but its case.
func firstCmdLine(s string, cased bool) int {
	certain := classQuote | classBackslash | classCaret | classComma
	if cased {
		certain |= ClassUpper
	}
	for i := range len(s) {
		k := classes[s[i]]
		if k&(certain|classSpace|classBlank) == 0 {
			continue
		}
		if k&certain != 0 {
			return i
		}
		switch s[i] {
		case '\t', '\r', '\n':
			return i
		case ' ':
			if i+1 < len(s) && (s[i+1] == ' ' || s[i+1] == '/' || s[i+1] == '(') {
				return i
			}
		}
	}
	return len(s)
}

// plainCmdLine writes a command line as a shell of any kind would read it: no quotes, backslashes and carets; comma, semicolon and
// white space as one space; no space before / and (; lower case.
func plainCmdLine(a *Arena, s string, i int) string {
	d := a.reserve(len(s))
	n := copy(d, s[:i])
	space := i > 0 && s[i-1] == ' '
	for ; i < len(s); i++ {
		c := s[i]
		switch c {
		case '"', '\'', '\\', '^':
			continue
		case ' ', ',', ';', '\t', '\r', '\n':
			if space {
				continue
			}
			c, space = ' ', true
		case '/', '(':
			if space {
				n--
			}
			space = false
		default:
			if c-'A' < 26 {
				c |= 0x20
			}
			space = false
		}
		d[n] = c
		n++
	}
	return a.commit(d, n)
}

// at reports whether s has c at i.
func at(s string, i int, c byte) bool { return i < len(s) && s[i] == c }

// opensHTML reports whether s has <!-- at i.
func opensHTML(s string, i int) bool {
	return i+4 <= len(s) && s[i:i+4] == "<!--"
}

// firstComment finds the first mark of a comment. marks says that one that ends a comment counts too.
func firstComment(marks bool, s string) int {
	for i := range len(s) {
		switch s[i] {
		case '#':
			return i
		case '/':
			if at(s, i+1, '*') {
				return i
			}
		case '<':
			if opensHTML(s, i) {
				return i
			}
		case '-':
			if at(s, i+1, '-') {
				return i
			}
		case '*':
			if marks && at(s, i+1, '/') {
				return i
			}
		}
	}
	return len(s)
}

// dropComments leaves out /* */ and <!-- --> (either end ends either), and all from -- or # on. As in ModSecurity and Coraza the byte
// after a comment is never the begin of another (at the end of the value it is a NUL), and a comment that never ends leaves a space.
func dropComments(a *Arena, s string, i int) string {
	d := a.reserve(len(s))
	n := copy(d, s[:i])
	for i < len(s) {
		c := s[i]
		switch {
		case c == '/' && at(s, i+1, '*'):
			i = endOfComment(s, i+2)
		case c == '<' && opensHTML(s, i):
			i = endOfComment(s, i+4)
		case c == '#', c == '-' && at(s, i+1, '-'):
			return a.commit(d, n)
		default:
			d[n] = c
			n++
			i++
			continue
		}
		switch {
		case i < 0:
			d[n] = ' '
			return a.commit(d, n+1)
		case i < len(s):
			d[n] = s[i]
		default:
			d[n] = 0
		}
		n++
		i++
	}
	return a.commit(d, n)
}

// endOfComment returns the index behind the end of the comment that s is in at i, -1 where it has none.
func endOfComment(s string, i int) int {
	for ; i < len(s); i++ {
		if s[i] == '*' && at(s, i+1, '/') {
			return i + 2
		}
		if s[i] == '-' && at(s, i+1, '-') && at(s, i+2, '>') {
			return i + 3
		}
	}
	return -1
}

// dropCommentMarks leaves out the marks that begin and end comments, not what is between them.
func dropCommentMarks(a *Arena, s string, i int) string {
	d := a.reserve(len(s))
	n := copy(d, s[:i])
	for i < len(s) {
		c := s[i]
		switch {
		case c == '#':
			i++
		case c == '/' && at(s, i+1, '*'), c == '*' && at(s, i+1, '/'):
			i += 2
		case c == '<' && opensHTML(s, i):
			i += 4
		case c == '-' && at(s, i+1, '-'):
			i += 2
			if at(s, i, '>') {
				i++
			}
		default:
			d[n] = c
			n++
			i++
		}
	}
	return a.commit(d, n)
}

// firstBlockComment finds the first /*.
func firstBlockComment(s string) int {
	for i := firstByte(s, '*'); i < len(s); i++ {
		if i+8 <= len(s) && hasByte(load(s, i), '*') == 0 {
			i += 7
			continue
		}
		if s[i] == '*' && i > 0 && s[i-1] == '/' {
			return i - 1
		}
	}
	return len(s)
}

// blankComments makes one space of each /* */, of one that never ends too.
func blankComments(a *Arena, s string, i int) string {
	d := a.reserve(len(s))
	n := copy(d, s[:i])
	for i < len(s) {
		c := s[i]
		if c != '/' || !at(s, i+1, '*') {
			d[n] = c
			n++
			i++
			continue
		}
		i += 2
		for i < len(s) && (s[i] != '*' || !at(s, i+1, '/')) {
			i++
		}
		i += 2
		d[n] = ' '
		n++
	}
	return a.commit(d, n)
}
