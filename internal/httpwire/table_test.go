package httpwire

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/test/wiretable"
)

// outcome is everything that reading one message shows, as text: what must not depend on how the bytes arrive.
type outcome struct {
	refuse string            // reason code
	values map[string]string // by the keys of the tables
	lists  map[string][]string
}

func (o outcome) String() string {
	return fmt.Sprintf("refuse=%s %q %q", o.refuse, o.values, o.lists)
}

// fail notes the error that ended the reading.
func (o *outcome) fail(err error) outcome {
	e := reason.Of(err)
	if e == nil {
		return outcome{refuse: "without reason: " + err.Error()}
	}
	return outcome{refuse: string(e.Code), values: map[string]string{"detail": e.Detail}}
}

// common notes what requests and responses share, and reads the body and what is left.
func (o *outcome) common(rd *Reader, h exchange.Header, length int64, closes bool, p exchange.Proto) outcome {
	o.values["length"] = strconv.FormatInt(length, 10)
	o.values["close"] = strconv.FormatBool(closes)
	o.values["proto"] = p.String()
	for _, f := range h {
		o.lists["field"] = append(o.lists["field"], f.Name+": "+f.Value)
	}
	body := rd.Body(length, Limits{})
	content, err := io.ReadAll(body)
	if err != nil {
		return o.fail(err)
	}
	if !body.Done() || body.Received() != int64(len(content)) {
		return outcome{refuse: "body read to its end is not done, or miscounted"}
	}
	o.values["body"] = string(content)
	for _, f := range body.Trailer() {
		o.lists["trailer"] = append(o.lists["trailer"], f.Name+": "+f.Value)
	}
	left, err := io.ReadAll(rd)
	if err != nil {
		return o.fail(err)
	}
	o.values["left"] = string(left)
	return *o
}

func readRequest(src io.Reader) outcome {
	rd, o := NewReader(src), outcome{values: map[string]string{}, lists: map[string][]string{}}
	var r exchange.Request
	if err := rd.ReadRequest(Limits{}, &r); err != nil {
		return o.fail(err)
	}
	query := "none"
	if r.HasQuery {
		query = r.Query
	}
	for key, value := range map[string]string{
		"method": r.Method, "target": r.Target, "authority": r.Authority, "path": r.Path, "query": query,
		"expect": strconv.FormatBool(r.Expect), "upgrade": r.Upgrade,
	} {
		o.values[key] = value
	}
	return o.common(rd, r.Header, r.Length, r.Close, r.Proto)
}

func readResponse(method string) func(io.Reader) outcome {
	return func(src io.Reader) outcome {
		rd, o := NewReader(src), outcome{values: map[string]string{}, lists: map[string][]string{}}
		var r exchange.Response
		if err := rd.ReadResponse(Limits{}, method, &r); err != nil {
			return o.fail(err)
		}
		o.values["status"], o.values["phrase"], o.values["method"] = strconv.Itoa(r.Status), r.Phrase, method
		return o.common(rd, r.Header, r.Length, r.Close, r.Proto)
	}
}

func TestRequestTable(t *testing.T) {
	runTable(t, "testdata/requests.txt", 150, func(*wiretable.Case) func(io.Reader) outcome { return readRequest })
}

func TestResponseTable(t *testing.T) {
	runTable(t, "testdata/responses.txt", 60, func(c *wiretable.Case) func(io.Reader) outcome {
		return readResponse(c.Want("method", "GET"))
	})
}

// runTable holds every case of a table to its verdict, and to the same outcome however its bytes are split.
func runTable(t *testing.T, file string, least int, reading func(*wiretable.Case) func(io.Reader) outcome) {
	cases, err := wiretable.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < least {
		t.Errorf("%s has %d cases, want at least %d", file, len(cases), least)
	}
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.Name, "/", "_"), func(t *testing.T) {
			read := reading(&c)
			got := read(bytes.NewReader(c.Raw))
			compare(t, file, &c, got)
			for name, src := range map[string]io.Reader{
				"one byte at a time": iotest.OneByteReader(bytes.NewReader(c.Raw)),
				"end with the bytes": iotest.DataErrReader(bytes.NewReader(c.Raw)),
			} {
				if again := read(src).String(); again != got.String() {
					t.Errorf("%s: %s\nwhole: %s", name, again, got)
				}
			}
			for at := 1; at < len(c.Raw); at += stride(c.Raw) {
				two := io.MultiReader(bytes.NewReader(c.Raw[:at]), bytes.NewReader(c.Raw[at:]))
				if again := read(two).String(); again != got.String() {
					t.Fatalf("split at byte %d: %s\nwhole: %s", at, again, got)
				}
			}
		})
	}
}

// stride is the distance of the places where a message is split: every byte, but for those that are long for their limits' sake.
func stride(raw []byte) int {
	if len(raw) <= 4096 {
		return 1
	}
	return len(raw) / 61
}

// compare holds got to what the table says.
func compare(t *testing.T, file string, c *wiretable.Case, got outcome) {
	t.Helper()
	if got.refuse != c.Refuse {
		t.Errorf("%s:%d: %s\n got %s\nwant refuse=%s", file, c.Line, c.RFC, got, c.Refuse)
		return
	}
	if c.Refuse != "" && !strings.Contains(got.values["detail"], "(RFC ") {
		t.Errorf("%s:%d: detail %q names no section", file, c.Line, got.values["detail"])
	}
	taken := map[string]int{}
	for _, w := range c.Wants {
		switch w.Key {
		case "field", "trailer":
			rest := got.lists[w.Key][taken[w.Key]:]
			i := 0
			for i < len(rest) && rest[i] != w.Value {
				i++
			}
			if i == len(rest) {
				t.Errorf("%s:%d: no %s %q in %q", file, c.Line, w.Key, w.Value, rest)
			}
			taken[w.Key] += min(i+1, len(rest))
		default:
			if value, ok := got.values[w.Key]; !ok || value != w.Value {
				t.Errorf("%s:%d: %s is %q, want %q", file, c.Line, w.Key, value, w.Value)
			}
		}
	}
	if _, said := got.values["left"]; said && got.values["left"] != c.Want("left", "") {
		t.Errorf("%s:%d: %q is left, want %q", file, c.Line, got.values["left"], c.Want("left", ""))
	}
}

// TestPrefixes shows that a part of a message is either incomplete or gets the verdict of the whole.
func TestPrefixes(t *testing.T) {
	verdict := func(n int, err error) string {
		if err != nil {
			return err.Error()
		}
		return strconv.Itoa(n)
	}
	check := func(file string, parse func(c *wiretable.Case, b []byte) string) {
		cases, err := wiretable.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			whole := parse(&c, c.Raw)
			for at := 0; at < len(c.Raw); at += stride(c.Raw) {
				if part := parse(&c, c.Raw[:at:at]); part != "0" && part != whole {
					t.Fatalf("%s:%d: first %d bytes: %s, whole: %s", file, c.Line, at, part, whole)
				}
			}
		}
	}
	check("testdata/requests.txt", func(_ *wiretable.Case, b []byte) string {
		var r exchange.Request
		return verdict(ParseRequest(b, Limits{}, &r))
	})
	check("testdata/responses.txt", func(c *wiretable.Case, b []byte) string {
		var r exchange.Response
		return verdict(ParseResponse(b, Limits{}, c.Want("method", "GET"), &r))
	})
}

// TestOutcomesDiffer shows that the outcomes compared above tell messages apart.
func TestOutcomesDiffer(t *testing.T) {
	if got := readRequest(strings.NewReader("")); got.refuse != "without reason: EOF" {
		t.Errorf("a connection that ends between messages gives %s", got)
	}
	if a, b := readRequest(strings.NewReader("GET /a HTTP/1.0\r\n\r\n")), readRequest(strings.NewReader("GET /b HTTP/1.0\r\n\r\n")); a.String() == b.String() {
		t.Error("two requests that differ have the same outcome")
	}
}
