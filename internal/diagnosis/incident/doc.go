// Package incident groups failures into incidents and writes their samples.
//
// Input: failures, as they happen, and word of requests that went well. Output: incidents in a store, events, and for each incident its
// oldest and its newest sample as a bundle: incident.json, flow.pcapng, flow.har, report.md. Promises: Add never waits and never loses
// a count; memory is bounded whatever fails; a sample is on disk whole or not at all. Non-goals: finding causes (diagnosis/check),
// recording (gateway/flight), where failures come from (app, and lunette watch).
//
// When an incident is over. Its cause must not have been seen for Config.ResolveAfter, and a request to the same site and origin must have
// gone well in the second half of that time: one that goes well right after a failure proves nothing, and neither does a night without
// visitors. An incident that comes back within eight times ResolveAfter after it grew quiet flaps: each time in a row doubles the quiet that
// is asked for, up to eight times ResolveAfter. What a person resolved does not count as flapping.
//
// What is counted. Each Failure is one. A stall that ends with the same cause is the failure that was counted when it was reported; one
// that ends with another cause is counted once more, under that cause: the stall was seen, and so was the other. Counts never go down.
package incident
