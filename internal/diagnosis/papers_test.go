package diagnosis

import (
	"regexp"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/finding"
)

// TestMendsPaste holds the lines of mends to what can be pasted: the shell is named and its own, nothing is deleted before what follows is
// filled in, and what is to be filled in is a word in capitals that no command takes.
func TestMendsPaste(t *testing.T) {
	template := regexp.MustCompile(`<[a-z0-9 ]+>|…|\{[a-z]+\}`)
	powershell := regexp.MustCompile(`(?m)^(?:\(|& )?(?:Get|Set|New|Enable|Disable|Import|Install|Restart|Select)-[A-Z]`)
	for _, k := range Checks() {
		for _, m := range k.Mends {
			lines := check.Example(m.Lines)
			if found := template.FindString(strings.ReplaceAll(lines, "{text}", "")); found != "" && m.On != finding.Java && m.On != finding.Node && !strings.HasPrefix(lines, "<") {
				t.Errorf("%s, %s: %q is to be filled in and is no word in capitals", k.Code, m.On, found)
			}
			for _, bad := range []string{"delete sslcert", "DisableRenegoOnServer", "Default Web Site", "DefaultAppPool", "net stop", "nft add rule", "appid={"} {
				if strings.Contains(lines, bad) {
					t.Errorf("%s, %s: %q does harm on a machine in use", k.Code, m.On, bad)
				}
			}
			if m.On != finding.IIS || lines == "" {
				continue
			}
			cmd := strings.Contains(lines, "%windir%") || strings.Contains(lines, "%System")
			switch head, _, _ := strings.Cut(lines, "\n"); {
			case strings.HasPrefix(head, ":: cmd") && !powershell.MatchString(lines), strings.HasPrefix(head, "# PowerShell") && !cmd && !strings.Contains(lines, "&&"):
			case strings.HasPrefix(head, "; ") || strings.HasPrefix(head, "//") || strings.HasPrefix(head, "<"):
			default:
				t.Errorf("%s: the lines for IIS do not name their shell, or are not of it:\n%s", k.Code, lines)
			}
		}
	}
}

// TestCommandsInCode holds that what Markdown would take for marks stands in code spans, so that the raw page holds true commands.
func TestCommandsInCode(t *testing.T) {
	span := regexp.MustCompile("`[^`]*`")
	for _, k := range Checks() {
		for _, a := range k.Asks {
			if bare := span.ReplaceAllString(a, ""); strings.ContainsAny(bare, `<*|%\$`) || strings.Contains(bare, "curl -") {
				t.Errorf("%s: a command outside of backquotes: %s", k.Code, a)
			}
		}
	}
}
