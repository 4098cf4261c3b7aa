package differential_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
)

// writer writes benign requests of one kind, as the corpus holds them: lines end in LF, an empty line stands before the body.
type writer struct {
	kind string
	f    func(r *rand.Rand) string
}

// writers lists the kinds of requests that a site gets on an ordinary day.
func writers() []writer {
	return []writer{
		{"page", page}, {"search", search}, {"asset", asset}, {"login", login}, {"comment", comment}, {"checkout", checkout}, {"upload", upload}, {"curl", curl}, {"rest", rest}, {"patch", patch},
		{"graphql", graphql}, {"soap", soap}, {"webhook", webhook}, {"metrics", metrics}, {"feed", feed}, {"oauth", oauth}, {"grpcweb", beacon}, {"preflight", preflight}, {"websocket", websocket}, {"crawler", crawler},
	}
}

func agent(r *rand.Rand) string {
	return pick(r, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36")
}

func browser(r *rand.Rand, method, target string, more ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\nHost: %s\nUser-Agent: %s\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\nAccept-Language: %s\nAccept-Encoding: gzip, deflate, br\n", method, target,
		pick(r, "shop.test", "www.shop.test", "blog.example.test", "intranet.example.test:8443"), agent(r), pick(r, "en-US,en;q=0.5", "de-DE,de;q=0.9,en;q=0.8", "ru-RU,ru;q=0.9", "ja", "fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5"))
	if r.IntN(2) == 0 {
		fmt.Fprintf(&b, "Referer: https://shop.test%s\n", pick(r, "/", "/search?q=shoes&page=2", "/de/produkte/?sort=preis", "/item/42#reviews"))
	}
	if r.IntN(2) == 0 {
		fmt.Fprintf(&b, "Cookie: %s\n", pick(r, "sid="+token(r, 24), "_ga=GA1.2.1840211223.1731600000; _gid=GA1.2.99.1731600000; theme=dark", "PHPSESSID="+token(r, 26)+"; lang=en",
			"csrftoken="+token(r, 32)+"; sessionid="+token(r, 32), "consent=%7B%22ads%22%3Afalse%2C%22stats%22%3Atrue%7D; cart=3"))
	}
	b.WriteString(pick(r, "Connection: keep-alive\n", "Connection: keep-alive\nUpgrade-Insecure-Requests: 1\nSec-Fetch-Dest: document\nSec-Fetch-Mode: navigate\nSec-Fetch-Site: same-origin\n", "DNT: 1\n", ""))
	for _, line := range more {
		b.WriteString(line + "\n")
	}
	return b.String() + "\n"
}

func token(r *rand.Rand, n int) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[r.IntN(len(digits))]
	}
	return string(b)
}

func sentence(r *rand.Rand) string {
	return pick(r, "Where is my order? It was sent on Monday.", "Ich hätte gern zwei Stück, größere als letztes Mal.", "It's great — I'd buy it again & again!", "Заказ пришёл вовремя, спасибо.", "商品はとても良かったです。", "5 stars: works as described (mostly).",
		"Please call me at +1 (555) 010-9999 between 9:00 and 17:00.", "The blue one, or the green one if blue is sold out?", "Café «Chez O'Malley», 12 rue de l'Église", "Meeting notes:\n- budget\n- travel\n\nSee you!", "price < 50 EUR and size > 40", "50% off? Count me in :)")
}

func page(r *rand.Rand) string {
	return browser(r, "GET", pick(r, "/", "/index.html", "/about-us", "/de/produkte/schuhe/", "/blog/2026/11/how-we-work.html", "/item/"+fmt.Sprint(r.IntN(9999)), "/account/orders?page="+fmt.Sprint(r.IntN(20)), "/search", "/%D0%BA%D0%B0%D1%82%D0%B0%D0%BB%D0%BE%D0%B3/"))
}

func search(r *rand.Rand) string {
	q := url.Values{"q": {pick(r, "red shoes", "how to select a laptop", "tom & jerry", "c++ books", "größe 42", "50% sale", "\"exact phrase\"", "o'reilly", "sneakers -kids", "usb-c cable 2m")}, "page": {fmt.Sprint(1 + r.IntN(9))}}
	if r.IntN(2) == 0 {
		q.Set("sort", pick(r, "price_asc", "-date", "relevance"))
		q["filter[]"] = []string{"brand:acme", "size:" + fmt.Sprint(36+r.IntN(10))}
	}
	return browser(r, "GET", "/search?"+q.Encode())
}

func asset(r *rand.Rand) string {
	return browser(r, "GET", pick(r, "/static/js/main."+token(r, 8)+".js", "/static/css/site.css?v="+fmt.Sprint(r.IntN(1000)), "/img/products/"+fmt.Sprint(r.IntN(999))+"/large@2x.webp", "/favicon.ico", "/fonts/inter-v13-latin.woff2", "/video/intro.mp4"),
		pick(r, "If-None-Match: W/\"5e3-18f\"", "If-Modified-Since: Tue, 17 Nov 2026 09:12:33 GMT", "Range: bytes=0-65535", "Cache-Control: max-age=0"))
}

func posted(r *rand.Rand, target, kind, body string, more ...string) string {
	return browser(r, "POST", target, append([]string{"Content-Type: " + kind, fmt.Sprintf("Content-Length: %d", len(body)), "Origin: https://shop.test"}, more...)...) + body
}

const formKind = "application/x-www-form-urlencoded"

func login(r *rand.Rand) string {
	return posted(r, pick(r, "/login", "/user/session", "/wp-login.php"), formKind, url.Values{"username": {pick(r, "ann", "bob@example.test", "jörg.müller")}, "password": {pick(r, "correct horse battery staple", "Tr0ub4dor&3", "p@ssw0rd!")}, "remember": {"1"}, "_csrf": {token(r, 40)}}.Encode())
}

func comment(r *rand.Rand) string {
	return posted(r, "/item/42/reviews", formKind, url.Values{"title": {pick(r, "Great!", "Not bad", "Größe passt")}, "text": {sentence(r) + " " + sentence(r)}, "rating": {fmt.Sprint(1 + r.IntN(5))}}.Encode())
}

func checkout(r *rand.Rand) string {
	q := url.Values{}
	for i, name := range []string{"first_name", "last_name", "street", "city", "zip", "country", "phone", "email", "vat_id", "note", "shipping", "payment", "terms", "coupon"} {
		q.Set(fmt.Sprintf("order[%s]", name), pick(r, "Ann", "O'Brien", "Hauptstraße 5", "Zürich", "8001", "CH", "+41 44 555 01 99", "ann@example.test", "", sentence(r), "express", "card", "on", "WINTER"+fmt.Sprint(i)))
	}
	return posted(r, "/checkout/address", formKind, q.Encode())
}

func upload(r *rand.Rand) string {
	boundary := pick(r, "----WebKitFormBoundary"+token(r, 16), "---------------------------"+fmt.Sprint(1+r.IntN(1<<30)), "------------------------"+token(r, 16))
	var b strings.Builder
	fmt.Fprintf(&b, "--%s\nContent-Disposition: form-data; name=\"title\"\n\n%s\n", boundary, sentence(r))
	for i := range 1 + r.IntN(2) {
		fmt.Fprintf(&b, "--%s\nContent-Disposition: form-data; name=\"file%d\"; filename=\"%s\"\nContent-Type: %s\n\n%s\n", boundary, i, pick(r, "cat.jpg", "report 2026.pdf", "Lebenslauf.docx", "data.csv"), pick(r, "image/jpeg", "application/pdf", "text/csv", "application/octet-stream"),
			pick(r, "id;name;price\n1;shoe;49.90\n2;hat;19.00", base64.StdEncoding.EncodeToString([]byte(token(r, 60))), "%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj"))
	}
	fmt.Fprintf(&b, "--%s--\n", boundary)
	return posted(r, "/upload", "multipart/form-data; boundary="+boundary, b.String())
}

func client(agent, method, target string, lines ...string) string {
	return method + " " + target + " HTTP/1.1\nHost: api.shop.test\nUser-Agent: " + agent + "\n" + strings.Join(lines, "\n") + "\n\n"
}

func curl(r *rand.Rand) string {
	return client(pick(r, "curl/8.5.0", "Wget/1.24.5", "HTTPie/3.2.2"), pick(r, "GET", "HEAD"), pick(r, "/health", "/api/v1/items?limit=10&offset=20", "/download/tool-1.2.3.tar.gz", "/robots.txt"), "Accept: */*")
}

func jsonBody(v any) string {
	b, _ := json.Marshal(v) //nolint:errchkjson // of strings, numbers, maps and lists
	return string(b)
}

func called(agent, method, target, kind, body string, lines ...string) string {
	return client(agent, method, target, append([]string{"Accept: application/json", "Content-Type: " + kind, fmt.Sprintf("Content-Length: %d", len(body))}, lines...)...) + body
}

func order(r *rand.Rand) map[string]any {
	items := []any{}
	for range 1 + r.IntN(4) {
		items = append(items, map[string]any{"sku": "SKU-" + token(r, 6), "qty": 1 + r.IntN(3), "price": float64(r.IntN(10000)) / 100, "note": sentence(r), "tags": []string{"new", "gift"}})
	}
	return map[string]any{"id": r.IntN(1 << 20), "customer": map[string]any{"name": "Ann O'Brien", "email": "ann@example.test", "vip": r.IntN(2) == 0}, "items": items, "created": "2026-11-23T10:00:00Z", "comment": nil}
}

func rest(r *rand.Rand) string {
	return called(pick(r, "okhttp/4.12.0", "python-requests/2.32.3", "axios/1.7.9", "Go-http-client/2.0", "Java/21.0.2"), pick(r, "POST", "PUT"), "/api/v1/orders", pick(r, "application/json", "application/json; charset=utf-8"), jsonBody(order(r)), "Authorization: Bearer "+token(r, 40))
}

func patch(r *rand.Rand) string {
	return called("axios/1.7.9", pick(r, "PATCH", "DELETE"), "/api/v1/users/"+fmt.Sprint(r.IntN(1000)), pick(r, "application/json", "application/merge-patch+json", "application/vnd.api+json"), jsonBody(map[string]any{"name": pick(r, "Ann", "Jörg"), "settings": map[string]any{"mail": true, "lang": "de"}}))
}

func graphql(r *rand.Rand) string {
	return called("apollo-client/3.11", "POST", "/graphql", "application/json", jsonBody(map[string]any{"operationName": "Item", "variables": map[string]any{"id": fmt.Sprint(r.IntN(99)), "first": 10},
		"query": pick(r, "query Item($id: ID!, $first: Int) { item(id: $id) { name price reviews(first: $first) { text author { name } } } }", "mutation AddToCart($id: ID!) { add(id: $id) { total } }", "{ viewer { login } }")}))
}

func soap(r *rand.Rand) string {
	return called("Apache-CXF/4.0.5", "POST", "/services/Orders", pick(r, "text/xml; charset=utf-8", "application/soap+xml; charset=utf-8"), `<?xml version="1.0" encoding="UTF-8"?>`+
		`<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header/><soap:Body><getOrder xmlns="urn:shop"><id>`+fmt.Sprint(r.IntN(9999))+`</id><note lang="de">`+strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(sentence(r))+`</note></getOrder></soap:Body></soap:Envelope>`,
		`SOAPAction: "urn:shop/getOrder"`)
}

func webhook(r *rand.Rand) string {
	return called(pick(r, "GitHub-Hookshot/044aadd", "Stripe/1.0 (+https://stripe.com/docs/webhooks)", "Slackbot 1.0 (+https://api.slack.com/robots)"), "POST", "/hooks/"+token(r, 12), "application/json",
		jsonBody(map[string]any{"event": pick(r, "push", "payment_intent.succeeded", "message"), "data": order(r), "ref": "refs/heads/main", "commits": []any{map[string]any{"id": token(r, 40), "message": sentence(r), "url": "https://git.example.test/a/b/commit/" + token(r, 40)}}}),
		"X-Hub-Signature-256: sha256="+token(r, 64))
}

func metrics(r *rand.Rand) string {
	return called("Prometheus/2.55.1", "POST", "/api/v1/push", "text/plain", fmt.Sprintf("http_requests_total{method=\"GET\",code=\"200\"} %d\nprocess_cpu_seconds_total %d.5\n", r.IntN(1e6), r.IntN(1000)))
}

func feed(r *rand.Rand) string {
	return called("WordPress/6.7; https://blog.example.test", "POST", "/xmlrpc", "application/atom+xml", "<entry xmlns=\"http://www.w3.org/2005/Atom\"><title>News</title><content>"+strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(sentence(r))+"</content></entry>")
}

func oauth(r *rand.Rand) string {
	return called("okhttp/4.12.0", "POST", "/oauth/token", formKind, url.Values{"grant_type": {"authorization_code"}, "code": {token(r, 30)}, "redirect_uri": {"https://app.example.test/callback?state=x"}, "client_id": {"shop-app"}, "code_verifier": {token(r, 43)}}.Encode(),
		"Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("shop:secret")))
}

func beacon(r *rand.Rand) string {
	return posted(r, "/collect?v=2&tid=G-"+token(r, 8)+"&dl=https%3A%2F%2Fshop.test%2Fitem%2F42&sr=1920x1080", "text/plain;charset=UTF-8", pick(r, "en=page_view&_et=1204", jsonBody(map[string]any{"t": "click", "x": r.IntN(1920)})))
}

func preflight(*rand.Rand) string {
	return client("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "OPTIONS", "/api/v1/orders", "Accept: */*", "Origin: https://app.example.test", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type,authorization")
}

func websocket(r *rand.Rand) string {
	return browser(r, "GET", "/live?channel="+fmt.Sprint(r.IntN(99)), "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: "+base64.StdEncoding.EncodeToString([]byte(token(r, 16))))
}

func crawler(r *rand.Rand) string {
	return "GET " + pick(r, "/robots.txt", "/sitemap.xml", "/item/"+fmt.Sprint(r.IntN(9999)), "/?utm_source=newsletter&utm_medium=email&utm_campaign=Black%20Friday%202026") + " HTTP/1.1\nHost: shop.test\nUser-Agent: " +
		pick(r, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "Feedly/1.0") + "\nAccept: */*\nFrom: bot@example.test\n\n"
}
