package store

import "time"

// State is where an incident stands.
type State string

// The states of an incident.
const (
	Open     State = "open"     // it has begun
	Ongoing  State = "ongoing"  // it went on for a while: seen again, or a stall that lasts
	Resolved State = "resolved" // the cause was not seen for long enough while requests went well, or a person said so
)

// Key is what makes failures one incident.
type Key struct {
	Site   string // first name of the site; the host for connections that are not ours
	Origin string // configured URL; address for connections that are not ours
	Cause  string // code of the finding; the reason where no check could say more
}

// Incident is one cause at one origin, with how often it was seen.
type Incident struct {
	ID string // 26 characters, ordered by time as ids of requests
	Key
	State      State
	Reason     string // code of the last failure
	Detail     string
	Confidence string // of the finding, the surest so far; "" without one
	Severity   string
	Title      string
	Summary    string    // of the newest sample
	Opened     time.Time // first seen
	Reopened   int       // how often it came back after it was resolved
	Last       time.Time // last seen
	ResolvedAt time.Time // zero until it is
	ResolvedBy string    // "quiet" or who said so
	Count      int64     // failures so far
	Stalls     int64     // of these, stalls that were reported while they lasted
	Proven     string    // what a counterfactual demonstrated, one sentence; "" without
	Samples    []Sample  // the oldest, then the newest; at most two
}

// Sample is a bundle on disk.
type Sample struct {
	Request   string // id of the exchange, "" for connections that are not ours
	At        time.Time
	File      string // name within the store's folder
	Size      int64  // bytes
	Encrypted bool
}

// Change is what happened to an incident since the last call of Apply.
type Change struct {
	Key
	Count, Stalls  int64 // more failures
	First, Last    time.Time
	Reason, Detail string
	Confidence     string
	Severity       string
	Title, Summary string
	Proven         string
	Requests       []string // ids of some of the exchanges, by which the incident is found
}

// Event is something worth knowing that is no failure: a certificate changed, an incident opened.
type Event struct {
	At     time.Time
	Site   string
	Origin string
	Kind   string // certificate_changed, address_changed, certificate_expires, incident_opened, …
	Text   string // one sentence
}

// Audit is one line of who took secrets out.
type Audit struct {
	At   time.Time
	Who  string // user and process, as far as it is known
	What string // export, capture, arm
	Of   string // incident, site or host
	Note string
}
