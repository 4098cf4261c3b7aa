package flight

// log keeps the last of what is added to it.
type log[T any] struct {
	all  []T
	n    int64 // added so far
	most int   // that are kept; lowered when there is no memory
}

// leastLog is what every log may keep, entries.
const leastLog = 8

// add adds v. more asks for memory for so many entries.
func (l *log[T]) add(v T, more func(entries int) bool) {
	if len(l.all) < l.most && len(l.all) == cap(l.all) {
		grown := min(max(2*cap(l.all), leastLog), l.most)
		if grown > leastLog && !more(grown-cap(l.all)) {
			l.most = len(l.all)
		} else {
			all := make([]T, len(l.all), grown)
			copy(all, l.all)
			l.all = all
		}
	}
	if len(l.all) < l.most {
		l.all = append(l.all, v)
	} else {
		l.all[l.n%int64(len(l.all))] = v
	}
	l.n++
}

// at is the i-th of what is kept, the oldest first.
func (l *log[T]) at(i int) *T {
	if l.n > int64(len(l.all)) {
		i = int((l.n + int64(i)) % int64(len(l.all)))
	}
	return &l.all[i]
}
