package store

import "time"

// State is where an incident stands.
type State string

// The states of an incident.
const (
	StateOpen     State = "open"     // it has begun
	StateOngoing  State = "ongoing"  // it went on for a while: seen again, or a stall that lasts
	StateResolved State = "resolved" // the cause was not seen for long enough while requests went well, or a person said so
)

// ByQuiet is who resolved an incident that nobody resolved by hand.
const ByQuiet = "quiet"

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
	Cure       string    // lines of YAML below sites[] that made the difference then; "" without
	Flaps      int       // how often in a row it came back soon after it was resolved; it makes the quiet that is asked for longer
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
	ID             string // of the incident, should this be its first failure; "" lets Apply make one
	Count, Stalls  int64  // more failures
	First, Last    time.Time
	Reason, Detail string
	Confidence     string
	Severity       string
	Title, Summary string
	Proven, Cure   string
	Soon           time.Duration // a return within this time after it grew quiet counts as flapping
	Requests       []string      // ids of some of the exchanges, by which the incident is found
}

// Applied is what became of a Change.
type Applied struct {
	Incident Incident // as it stands now, without its samples; without an id where the change began none
	Opened   bool     // there was none of this key
	Reopened bool     // it was resolved
}

// Profile is what was learned of an origin.
type Profile struct {
	Site   string
	Origin string
	At     time.Time // when it was put
	Doc    []byte    // JSON of gateway/profile
}

// Query says which incidents, events or audits are wanted, the newest first. The zero value means the open incidents, all events, all audits.
type Query struct {
	All   bool   // resolved incidents, too
	Site  string // only of this site; "" for all
	Of    string // only audits about this
	Kind  string // only events of this kind
	Brief bool   // incidents without their samples
	Limit int    // 1 to 100,000; 0 means 1000
}

// Limits is what Prune leaves.
type Limits struct {
	Before       time.Time // incidents and events that were last seen before go; zero: none for their age
	MaxSize      int64     // bytes of all samples together; 0: no bound
	MaxIncidents int       // 0: no bound
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
