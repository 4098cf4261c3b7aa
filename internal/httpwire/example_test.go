package httpwire_test

import (
	"fmt"
	"io"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
)

// A request is read off a connection and serialised for an origin.
func Example() {
	conn := strings.NewReader("POST http://shop.test/cart?id=7 HTTP/1.1\r\nHost: shop.test\r\nConnection: close, Cookie\r\n" +
		"Cookie: a=b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
	in := httpwire.NewReader(conn)
	var r exchange.Request
	if err := in.ReadRequest(httpwire.Limits{}, &r); err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(in.Body(r.Length, httpwire.Limits{}))
	fmt.Printf("%s %v\n", body, err)
	out, err := httpwire.AppendRequest(nil, &r)
	fmt.Println(strings.ReplaceAll(string(out), "\r", ""), err)
	// Output:
	// hello <nil>
	// POST /cart?id=7 HTTP/1.1
	// Host: shop.test
	// Cookie: a=b
	// Transfer-Encoding: chunked
	//
	//  <nil>
}
