// Package flow joins the stages of a capture for one connection and keeps what they saw.
//
// Input: the calls of tcpstream to a [Builder]. Output: a [Flow]: addresses, times, facts in order, TLS summary, HTTP exchanges,
// silences and whose turn it was. What a connection carries is found by its first bytes: a PROXY protocol header, a CONNECT, then TLS or HTTP
// in clear. Promises: bounded, whatever the traffic: what is not kept is counted; the same calls give the same Flow.
// Non-goals: files, goroutines (analysis), words (diagnosis/explain), STARTTLS.
package flow
