package cli

import "os"

// headroomSize is by how many bytes the heap may outgrow what the collector would otherwise let it grow to.
const headroomSize = 32 << 20

// headroom returns memory that is never touched, and so never resident: it only counts as heap. The collector runs when
// the heap has doubled, which a small gateway under load does dozens of times a second; with this it takes 32 MiB more.
// To be called before anything was freed, since memory that is used again is cleared. Whoever sets GOGC or GOMEMLIMIT
// has decided otherwise and gets none.
func headroom() []byte {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	return make([]byte, headroomSize)
}
