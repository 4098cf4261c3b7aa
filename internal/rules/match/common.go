package match

import (
	"strings"
	"sync"
)

// commonText holds what ordinary values are made of. Grams that occur in it are a bad choice to look for: they would be found all the time.
const commonText = `the and that have for not with you this but his from they say her she will one all would there their what out about who get
which when make can like time just him know take people into year your good some could them see other than then now look only come its over think
also back after use two how our work first well way even new want because any these give day most between need large often hand high place hold
without around small found still own under last never before another children began while along might next below saw something thought both few those
always looked show end does asked house world going school important until form food keep feet land side been boys once animals life enough took four
head above kind almost live page got earth built grow cut kept cannot right different move letter mother answer found study still learn should america
customer order product price quantity address street city state country email phone message comment description title name first_name last_name
password username account number date created updated deliver delivery please before noon home office company invoice payment total amount currency
https://www.example.com/index.html static css main image png jpg jpeg svg js javascript json application text html xhtml xml charset utf-8 gzip
deflate
mozilla/5.0 windows nt 10.0 win64 x64 linux x86_64 macintosh intel mac os applewebkit/537.36 khtml, like gecko chrome/126.0.0.0 safari/537.36 firefox
accept-language en-us,en;q=0.9 accept-encoding content-type content-length connection keep-alive user-agent referer origin cookie session token true
false null id key value type category search query page limit offset sort filter action submit status active enabled user admin version lang region
2024 2025 2026 12:30:00 +00:00 0000 1000 monday tuesday wednesday thursday friday saturday sunday january february march april june july august
september october november december stockholm london paris berlin jane john doe smith quick brown fox jumps over lazy dog waits items reference ref`

// commonGrams are the grams of all sizes of commonText: every set needs them.
var commonGrams = sync.OnceValue(func() map[uint32]bool {
	text := strings.ReplaceAll(commonText, "\n", " ")
	out := make(map[uint32]bool, 6000)
	for i := range len(text) {
		for n := 2; n <= 4 && i+n <= len(text); n++ {
			out[gram(text[i:i+n])] = true
		}
	}
	return out
})
