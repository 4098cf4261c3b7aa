package peer

import (
	"bytes"
	_ "embed"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
)

// TomcatConfig is a Tomcat 10 (Debian tomcat10-common, without its service) whose only page appends each request, as
// Tomcat read it, to requests.log and answers with the same JSON. See [Server.Received].
type TomcatConfig struct {
	Cert      *Cert  // nil: plain HTTP
	Connector string // further attributes of the Connector element: relaxedPathChars="…"
	Protocols string // of the SSLHostConfig element; default: "TLSv1.2+TLSv1.3"
	Ciphers   string // of that element: names of suites, comma separated; default: Tomcat's
	Weak      bool   // let the JDK speak protocols and suites that it has disabled
}

var (
	//go:embed tomcat.server.xml.tmpl
	tomcatServer string
	//go:embed tomcat.web.xml
	tomcatWeb string
	//go:embed echo.jsp
	echoJSP string
)

// Tomcat starts a Tomcat; the page is compiled before it listens.
func Tomcat(t testing.TB, cfg TomcatConfig) *Server {
	t.Helper()
	const home = "/usr/share/tomcat10"
	java := Need(t, "java", "default-jre-headless")
	NeedFile(t, home+"/bin/bootstrap.jar", "tomcat10-common")
	dir := folder(t)
	cfg.Protocols = orElse(cfg.Protocols, "TLSv1.2+TLSv1.3")
	var server bytes.Buffer
	if err := template.Must(template.New("server").Parse(tomcatServer)).Execute(&server, cfg); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "conf", "server.xml"), server.Bytes())
	write(t, filepath.Join(dir, "conf", "web.xml"), []byte(tomcatWeb))
	write(t, filepath.Join(dir, "webapps", "ROOT", "echo.jsp"), []byte(strings.ReplaceAll(echoJSP, "@DIR@", dir)))
	write(t, filepath.Join(dir, "temp", "keep"), nil)
	args := []string{
		"-Xms32m", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.security.egd=file:/dev/urandom",
		"-Dcatalina.home=" + home, "-Dcatalina.base=" + dir, "-Djava.io.tmpdir=" + filepath.Join(dir, "temp"),
	}
	if cfg.Weak {
		write(t, filepath.Join(dir, "weak.security"), []byte("jdk.tls.disabledAlgorithms=\njdk.tls.legacyAlgorithms=\n"))
		args = append(args, "-Djava.security.properties="+filepath.Join(dir, "weak.security"))
	}
	args = append(args,
		"-classpath", home+"/bin/bootstrap.jar:"+home+"/bin/tomcat-juli.jar",
		"org.apache.catalina.startup.Bootstrap", "start")
	return must(t, command{name: "tomcat", path: java, dir: dir, args: args})
}
