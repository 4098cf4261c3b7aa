package audit_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	engine "github.com/corazawaf/coraza/v3"
)

// TestNamesAreCorazas: what Coraza's own JSON audit log has, ours has under the same name and with the same type.
func TestNamesAreCorazas(t *testing.T) {
	file := filepath.Join(t.TempDir(), "audit.log")
	waf, err := engine.NewWAF(engine.NewWAFConfig().WithDirectives(`SecRuleEngine On
SecRequestBodyAccess On
SecAuditEngine On
SecAuditLogParts ABCEFHIJKZ
SecAuditLogType Serial
SecAuditLogFormat JSON
SecAuditLog ` + file + `
SecComponentSignature "OWASP_CRS/4.25.0"
SecRule ARGS:name "@detectSQLi" "id:942100,phase:2,deny,msg:'found',logdata:'%{MATCHED_VAR}',severity:CRITICAL,ver:'OWASP_CRS/4.25.0',tag:'attack-sqli'"`))
	if err != nil {
		t.Fatal(err)
	}
	tx := waf.NewTransaction()
	tx.ProcessConnection("192.0.2.7", 40000, "192.0.2.1", 443)
	tx.ProcessURI("/login", "POST", "HTTP/1.1")
	tx.AddRequestHeader("Host", "shop.test")
	tx.AddRequestHeader("Content-Type", "multipart/form-data; boundary=B")
	tx.ProcessRequestHeaders()
	if _, _, err := tx.WriteRequestBody([]byte("--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nx\r\n--B\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n1' or 1=1--\r\n--B--\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ProcessRequestBody(); err != nil || !tx.IsInterrupted() {
		t.Fatal("Coraza did not block", err)
	}
	tx.AddResponseHeader("Content-Type", "text/html")
	tx.ProcessResponseHeaders(403, "HTTP/1.1")
	tx.ProcessLogging()
	_ = tx.Close()
	theirs := map[string]string{}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	collect(t, b, theirs)
	ours := map[string]string{}
	collect(t, open(t, every("json")).Append(nil, detected()), ours)
	delete(theirs, ".messages[].data.raw") // the text of rules is not kept
	if len(theirs) < 40 {
		t.Errorf("Coraza wrote only %d names: %s", len(theirs), b)
	}
	for name, kind := range theirs {
		if ours[name] != kind {
			t.Errorf("%s is %q, Coraza's is %q", name, ours[name], kind)
		}
	}
}

// collect notes the type of each member by its path. The members of headers and arguments are the client's.
func collect(t *testing.T, record []byte, into map[string]string) {
	t.Helper()
	var v any
	if err := json.Unmarshal(record, &v); err != nil {
		t.Fatalf("%v in %s", err, record)
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if path != "" {
				into[path] = "object"
			}
			if path == ".transaction.request.headers" || path == ".transaction.response.headers" || path == ".transaction.request.args" {
				return
			}
			for name, e := range v {
				walk(path+"."+name, e)
			}
		case []any:
			into[path] = "list"
			for _, e := range v {
				walk(path+"[]", e)
			}
		default:
			into[path] = fmt.Sprintf("%T", v)
		}
	}
	walk("", v)
}
