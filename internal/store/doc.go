// Package store keeps what outlives the process in one SQLite file: incidents, where their samples lie, profiles of origins, events,
// and who exported what.
//
// Input: values of this package. Output: the same, after a restart too. Promises: every change is one transaction, so that kill -9 loses
// at most the change under way; several processes may read and change one file; what is kept is bounded. Non-goals: deciding what an
// incident is (diagnosis/incident), the content of samples.
package store
