package transform

import "strings"

// firstUnclean returns 0 where s may have a path segment that is empty, "." or "..", len(s) where it has none.
func firstUnclean(s string) int {
	for i := 0; i < len(s); {
		switch {
		case s[i] == '/' && i > 0, s[i] == '.' && dots(s, i):
			return 0
		}
		i += firstByte(s[i:], '/') + 1
	}
	return len(s)
}

// dots reports whether the segment of s that begins at i is "." or "..".
func dots(s string, i int) bool {
	if at(s, i+1, '.') {
		i++
	}
	return i+1 == len(s) || s[i+1] == '/'
}

// firstUncleanWin returns 0 where normalizePathWin may change s.
func firstUncleanWin(s string) int {
	last := byte(0) // the one before s[i]; '/' at the begin of a segment
	for i := range len(s) {
		c := s[i]
		switch c {
		case '\\', ':':
			return 0
		case '/':
			if last == '/' || last == '.' || last == ' ' {
				return 0
			}
		}
		last = c
	}
	if last == '.' || last == ' ' {
		return 0
	}
	return len(s)
}

// plainPath resolves empty, "." and ".." segments. A slash at the end stays, and "." becomes nothing.
func plainPath(a *Arena, s string) string {
	d := a.reserve(len(s) + 1)
	return a.commit(d, cleanPath(d, s, '/'))
}

// cleanPath is plainPath into d, which has room for a byte more than s, and returns how much it wrote.
// other is a byte that separates segments as the slash does.
func cleanPath(d []byte, s string, other byte) int {
	if s == "" {
		return 0
	}
	n, floor := 0, 0 // d[:floor] are leading ".." that nothing takes back
	rooted := s[0] == '/' || s[0] == other
	if rooted {
		d[0] = '/'
		n, floor = 1, 1
	}
	for i := 0; i < len(s); {
		end := i
		for end < len(s) && s[end] != '/' && s[end] != other {
			end++
		}
		segment := s[i:end]
		i = end + 1
		switch {
		case segment == "" || segment == ".":
			continue
		case segment == ".." && n > floor:
			n = parent(d, n, floor)
			continue
		case segment == ".." && rooted:
			continue
		}
		if n > 0 && d[n-1] != '/' {
			d[n] = '/'
			n++
		}
		n += copy(d[n:], segment)
		if segment == ".." {
			floor = n
		}
	}
	if c := s[len(s)-1]; n > 0 && (c == '/' || c == other) && d[n-1] != '/' {
		d[n] = '/'
		n++
	}
	return n
}

// parent drops the last segment of d[:n] and the slash before it, but nothing of d[:floor].
func parent(d []byte, n, floor int) int {
	for n--; n > floor && d[n] != '/'; {
		n--
	}
	return n
}

// plainPathWin is plainPath for a path of Windows: backslashes separate too, the name of a stream behind a colon goes (not a drive's
// letter), and dots and spaces at the end of segments go.
func plainPathWin(a *Arena, s string) string {
	d := a.reserve(len(s) + 1)
	n := cleanPath(d, s, '\\')
	n = dropStream(d, n)
	return a.commit(d, dropTails(d, n))
}

// dropStream cuts the last segment of d[:n] at its first colon.
func dropStream(d []byte, n int) int {
	from, end := 0, n
	if n >= 2 && d[1] == ':' && d[0]|0x20 >= 'a' && d[0]|0x20 <= 'z' {
		from = 2
	}
	slash := n > from && d[n-1] == '/'
	if slash {
		end--
	}
	p := text(d[from:end])
	last := strings.LastIndexByte(p, '/') + 1
	colon := strings.IndexByte(p[last:], ':')
	if colon < 0 {
		return n
	}
	n = from + last + colon
	if slash {
		d[n] = '/'
		n++
	}
	return n
}

// dropTails takes dots and spaces off the end of each segment of d[:n]; of dots alone it leaves a segment as it is, and one that
// has nothing else it drops.
func dropTails(d []byte, n int) int {
	w, wrote := 0, false
	for i := 0; i <= n; {
		end := i
		for end < n && d[end] != '/' {
			end++
		}
		segment := text(d[i:end])
		i = end + 1
		if strings.TrimRight(segment, ".") != "" {
			segment = strings.TrimRight(segment, ". ")
			if segment == "" {
				continue
			}
		}
		if wrote {
			d[w] = '/'
			w++
		}
		w += copy(d[w:], segment)
		wrote = true
	}
	return w
}
