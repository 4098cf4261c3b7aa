package originlog

import (
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

// fragment reads a line of HTTPERR that lost the #Fields above it, as findstr prints it, perhaps behind the name of its file.
func (s *reader) fragment(e *Entry, line string) error {
	if i := strings.Index(line, ".log:"); i >= 0 && i < 260 {
		line = line[i+len(".log:"):]
		if number, rest, ok := strings.Cut(line, ":"); ok && !strings.Contains(number, "-") { // findstr /n
			line = rest
		}
	}
	values := strings.Fields(line)
	const least = 9
	if len(values) < least {
		return errFormat
	}
	if _, err := time.Parse("2006-01-02", values[0]); err != nil {
		return errFormat
	}
	at := slices.IndexFunc(values[least:], func(v string) bool { return slices.Contains(phrases(), v) })
	if at < 0 {
		return errFormat
	}
	old := s.fields
	defer func() { s.fields = old }()
	s.fields = []string{"date", "time", "c-ip", "c-port", "s-ip", "s-port", "cs-version", "cs-method", "cs-uri"}
	for range at {
		s.fields = append(s.fields, "-")
	}
	s.fields = append(s.fields, "s-reason", "s-queuename")
	if len(values) < len(s.fields) {
		s.fields = s.fields[:len(values)]
	}
	return s.extended(e, line)
}
