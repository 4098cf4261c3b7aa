package tcpstream

// Shed gives up half of the connections, those first that are over or were idle for longest: for an owner who is short of memory
// for reasons that Config.Budget does not count.
func (t *Tracker) Shed() {
	for range (t.table.n + 1) / 2 {
		if !t.evict() {
			return
		}
	}
}
