package originlog

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// phrases are the reasons of HTTPERR (Microsoft KB820729).
func phrases() []string {
	return []string{"AppOffline", "AppPoolTimer", "AppShutdown", "BadRequest", "Client_Reset", "Connection_Abandoned_By_AppPool",
		"Connection_Abandoned_By_ReqQueue", "Connection_Dropped", "Connection_Dropped_List_Full", "ConnLimit", "Connections_Refused", "Disabled",
		"EntityTooLarge", "FieldLength", "Forbidden", "Header", "Hostname", "Internal", "Invalid_CR/LF", "LengthRequired", "N/A", "N/I", "Number",
		"Precondition", "QueueFull", "RequestLength", "Timer_AppPool", "Timer_ConnectionIdle", "Timer_EntityBody", "Timer_HeaderWait",
		"Timer_MinBytesPerSecond", "Timer_ReqQueue", "Timer_Response", "Timer_SslRenegotiation", "URL", "URL_Length", "Verb", "Version_N/S"}
}

// fragment reads a line of HTTPERR that lost the #Fields above it, as findstr prints it, perhaps behind the name of its file. Without
// them its fields are known by their places alone, so that each must be what its place wants: what a visitor wrote into some other
// log must not pass for one.
func (s *reader) fragment(e *Entry, line string) error {
	values := strings.Split(unprefixed(line), " ") // one space between fields; within them http.sys writes "+" for it
	const least, reason = 9, 11
	if len(values) <= reason || !fixedFields(values) {
		return errFormat
	}
	at := reason
	if countOrNone(values[at]) {
		at++ // behind a streamid
	}
	if at >= len(values) || at+3 < len(values) || !slices.Contains(phrases(), values[at]) {
		return errFormat
	}
	for _, v := range values[least:at] { // streamid, sc-status, s-siteid
		if !countOrNone(v) {
			return errFormat
		}
	}
	old := s.fields
	defer func() { s.fields = old }()
	s.fields = []string{"date", "time", "c-ip", "c-port", "s-ip", "s-port", "cs-version", "cs-method", "cs-uri"}
	for range at - least {
		s.fields = append(s.fields, "-")
	}
	s.fields = append(s.fields, "s-reason", "s-queuename", "transport")[:len(values)]
	return s.extended(e, strings.Join(values, " "))
}

// unprefixed is a line without the name of its file, and the number of the line, that findstr and grep write in front: one word, of a
// file that is named as http.sys names its logs.
func unprefixed(line string) string {
	name, rest, ok := strings.Cut(line, ".log:")
	if !ok || len(name) > 260 || strings.ContainsAny(name, "\"[]<>|\t ") {
		return line
	}
	base := strings.ToLower(name[strings.LastIndexAny(name, "/\\")+1:])
	if !strings.HasPrefix(base, "httperr") {
		return line
	}
	if n, after, ok := strings.Cut(rest, ":"); ok && !strings.Contains(n, "-") { // findstr /n
		rest = after
	}
	return rest
}

// fixedFields reports whether date, client, server and version stand where http.sys writes them.
func fixedFields(values []string) bool {
	if _, err := time.Parse("2006-01-02", values[0]); err != nil {
		return false
	}
	for i := 2; i <= 4; i += 2 {
		if _, err := netip.ParseAddr(values[i]); err != nil || number(values[i+1], 65535) == 0 {
			return false
		}
	}
	return values[6] == "-" || strings.HasPrefix(values[6], "HTTP/")
}

// countOrNone reports whether a field holds a number, or nothing.
func countOrNone(v string) bool { return v == "-" || v == "0" || number(v, 1<<31-1) > 0 }
