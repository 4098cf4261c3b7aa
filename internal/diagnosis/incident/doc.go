// Package incident groups failures into incidents and writes their samples.
//
// Input: failures, as they happen, and word of requests that went well. Output: incidents in a store, events, and for each incident its
// oldest and its newest sample as a bundle: incident.json, flow.pcapng, flow.har, report.md. Promises: Add never waits and never loses
// a count; memory is bounded whatever fails; a sample is on disk whole or not at all. Non-goals: finding causes (diagnosis/check),
// recording (gateway/flight), where failures come from (app, and lunette watch).
package incident
