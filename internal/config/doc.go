// Package config reads Lunette's one YAML file into plain data.
//
// Call [Load]; print the [Faults]; give the [Config] to the part that builds the gateway. [Schema], [Markdown] and
// [Example] are the JSON Schema for editors, the reference in docs/configuration.md and a file to begin with.
//
// Promises: the tags on the structs of this package are the only place where a key, its meaning, its default and its
// range are stated: decoder, schema and reference all come from them. Every fault of a file is reported at once, with
// file, line, column and a hint. Input is bounded: 4 MiB, 64 levels, 200 000 values after anchors are expanded. A
// route holds whole, resolved settings: what it does not state it has from its site. Secrets never show in a fault.
// A Config is not changed after Load and may be read by many goroutines.
// Non-goals: flags, environment variables, several files, watching for changes (see [Config.Files]), SecLang syntax.
package config

//go:generate go test -run TestReferenceIsFresh -update .
