package explain

// mostAligned is how many rows of each flow are aligned; the work grows with its square.
const mostAligned = 2000

// pairing is one line of two flows side by side: the indices of the rows, -1 where one side has none.
type pairing struct{ a, b int }

// align sets the rows of two flows side by side so that as many as possible of the same key meet (a longest common subsequence).
func align(a, b []row) []pairing {
	a, b = a[:min(len(a), mostAligned)], b[:min(len(b), mostAligned)]
	var out []pairing
	from := 0
	for from < len(a) && from < len(b) && a[from].key == b[from].key {
		out = append(out, pairing{from, from})
		from++
	}
	// length[i][j] is that of the longest common subsequence of a[from+i:] and b[from+j:].
	n, m := len(a)-from, len(b)-from
	length := make([][]int32, n+1)
	cells := make([]int32, (n+1)*(m+1))
	for i := range length {
		length[i] = cells[i*(m+1) : (i+1)*(m+1)]
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if a[from+i].key == b[from+j].key {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < n && j < m {
		switch {
		case a[from+i].key == b[from+j].key:
			out = append(out, pairing{from + i, from + j})
			i++
			j++
		case length[i+1][j] >= length[i][j+1]:
			out = append(out, pairing{from + i, -1})
			i++
		default:
			out = append(out, pairing{-1, from + j})
			j++
		}
	}
	for ; i < n; i++ {
		out = append(out, pairing{from + i, -1})
	}
	for ; j < m; j++ {
		out = append(out, pairing{-1, from + j})
	}
	return out
}
