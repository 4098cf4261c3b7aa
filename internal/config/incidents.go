package config

import "time"

// Incidents is what is kept of failures.
type Incidents struct {
	_ struct{} `doc:"What is kept of failures: each cause is an incident with its count, and with samples that hold the packets."`

	Folder       string        `key:"folder" is:"folder" absent:"incidents live in memory, without samples, until the process ends" doc:"Folder for incidents and what is learned of origins; made with mode 0700. Samples (facts, packets with the secrets of their connections, HAR, report) are written nowhere else."`
	Recipients   []string      `key:"recipients" is:"age recipient" absent:"none" doc:"Public keys (age1…, made by lunette incidents key) that samples are encrypted to. With folder, either these or plain must be set."`
	Plain        bool          `key:"plain" default:"false" doc:"Write samples unencrypted, mode 0600: whoever reads them reads what visitors sent on these connections."`
	Keep         time.Duration `key:"keep" default:"720h" min:"1m" max:"87600h" doc:"How long an incident is kept after it was seen last."`
	MaxSize      int64         `key:"max_size" default:"1GiB" min:"1MiB" max:"1PiB" doc:"Bytes of all samples together; the oldest go first."`
	MaxIncidents int           `key:"max_incidents" default:"10000" min:"10" max:"1000000" doc:"Incidents that are kept; those that were seen last the longest time ago go first."`
	ResolveAfter time.Duration `key:"resolve_after" default:"15m" min:"10ms" max:"168h" doc:"How long a cause must not have been seen, while requests to the same origin went well, until its incident is resolved."`
}
