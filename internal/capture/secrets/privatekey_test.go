package secrets

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/test/captures"
	"github.com/lunette-waf/lunette/test/peer"
)

const password = "pässword 1"

// workshop is a folder with a key, its certificate and a program to convert them.
type workshop struct {
	t       testing.TB
	dir     string
	program string
}

// openssl makes a workshop with the key of the recorded connections: key.pem (PKCS#1), cert.pem.
func openssl(t testing.TB) workshop {
	t.Helper()
	w := workshop{t, t.TempDir(), peer.Need(t, "openssl", "openssl")}
	w.write("key.pem", w.read(captures.RSAKeyFile(t)))
	w.run("req -x509 -new -key key.pem -subj /CN=origin.example -days 2 -out cert.pem")
	return w
}

func (w workshop) write(name string, data []byte) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), data, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w workshop) read(name string) []byte {
	w.t.Helper()
	if !filepath.IsAbs(name) {
		name = filepath.Join(w.dir, name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

// run starts the program; PASS in args is the password.
func (w workshop) run(args string) {
	w.t.Helper()
	fields := strings.Fields(args)
	for i := range fields {
		fields[i] = strings.ReplaceAll(fields[i], "PASS", password)
	}
	cmd := exec.Command(w.program, fields...)
	cmd.Dir = w.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("%s: %v\n%s", args, err, out)
	}
}

// answers is a password function that counts.
func answers(text string, asked *int) func() ([]byte, error) {
	return func() ([]byte, error) { *asked++; return []byte(text), nil }
}

// holds demands that data holds the key of the recorded connections, opened with the password.
func holds(t *testing.T, data []byte, questions int) {
	t.Helper()
	want := captures.RSAKey(t)
	s, asked := New(), 0
	if err := s.AddPrivateKey("key", data, answers(password, &asked)); err != nil {
		t.Fatal(err)
	}
	keys := s.RSAKeys(want.N.Bytes())
	if len(keys) != 1 || keys[0].N.Cmp(want.N) != 0 || keys[0].D.Cmp(want.D) != 0 || s.Empty() || s.Generation() != 1 {
		t.Errorf("%d keys, generation %d", len(keys), s.Generation())
	}
	if asked != questions {
		t.Errorf("asked %d times for the password, want %d", asked, questions)
	}
	if err := s.AddPrivateKey("key", data, answers(password, &asked)); err != nil || len(s.RSAKeys(nil)) != 1 || s.Generation() != 1 {
		t.Errorf("a second time: %v, %d keys", err, len(s.RSAKeys(nil)))
	}
	if questions == 0 {
		return
	}
	if err := New().AddPrivateKey("key", data, answers("wrong", &asked)); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("wrong password: %v", err)
	}
	if err := New().AddPrivateKey("key", data, nil); !errors.Is(err, ErrPasswordNeeded) {
		t.Errorf("no password: %v", err)
	}
	cancel := errors.New("interrupted")
	if err := New().AddPrivateKey("key", data, func() ([]byte, error) { return nil, cancel }); !errors.Is(err, cancel) {
		t.Errorf("a question without an answer: %v", err)
	}
}

// TestKeysOfOpenSSL reads a key in every form that OpenSSL writes.
func TestKeysOfOpenSSL(t *testing.T) {
	w := openssl(t)
	const legacy = " -provider legacy -provider default"
	for _, c := range []struct {
		args      string
		questions int
	}{
		{"rsa -in key.pem -traditional", 0},
		{"rsa -in key.pem -outform DER", 0},
		{"rsa -in key.pem -outform DER -traditional", 0},
		{"pkcs8 -topk8 -in key.pem -nocrypt", 0},
		{"pkcs8 -topk8 -in key.pem -nocrypt -outform DER", 0},
		{"rsa -in key.pem -traditional -aes128 -passout pass:PASS", 1},
		{"rsa -in key.pem -traditional -aes256 -passout pass:PASS", 1},
		{"rsa -in key.pem -traditional -des3 -passout pass:PASS", 1},
		{"rsa -in key.pem -traditional -des -passout pass:PASS" + legacy, 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS", 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -outform DER", 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v2 aes-128-cbc -v2prf hmacWithSHA1", 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v2 aes-192-cbc -v2prf hmacWithSHA224", 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v2 aes-256-cbc -v2prf hmacWithSHA384", 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v2 aes-256-cbc -v2prf hmacWithSHA512 -iter 20000", 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v2 des3", 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v2 des-cbc" + legacy, 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v2 rc2-cbc" + legacy, 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -scrypt", 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v1 PBE-MD5-DES" + legacy, 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v1 PBE-SHA1-DES" + legacy, 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v1 PBE-MD5-RC2-64" + legacy, 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v1 PBE-SHA1-RC2-64" + legacy, 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v1 PBE-SHA1-3DES", 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v1 PBE-SHA1-2DES", 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v1 PBE-SHA1-RC2-40" + legacy, 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v1 PBE-SHA1-RC2-128" + legacy, 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v1 PBE-SHA1-RC4-40" + legacy, 1},
		{"pkcs8 -topk8 -in key.pem -passout pass:PASS -v1 PBE-SHA1-RC4-128" + legacy, 1},
		{"pkcs12 -export -inkey key.pem -in cert.pem -passout pass:PASS", 1},
		{"pkcs12 -export -inkey key.pem -in cert.pem -passout pass:", 0},
		{"pkcs12 -export -inkey key.pem -in cert.pem -passout pass:PASS -legacy", 1},
		{"pkcs12 -export -inkey key.pem -in cert.pem -passout pass: -legacy", 0},
		{"pkcs12 -export -inkey key.pem -in cert.pem -passout pass:PASS -descert -legacy", 1},
		{"pkcs12 -export -inkey key.pem -in cert.pem -passout pass:PASS -keypbe NONE -certpbe NONE", 0},
		{"pkcs12 -export -inkey key.pem -in cert.pem -passout pass:PASS -keypbe NONE -certpbe NONE -nomac", 0},
		{"pkcs12 -export -inkey key.pem -in cert.pem -passout pass:PASS -keypbe NONE -certpbe AES-256-CBC", 0},
		{"pkcs12 -export -inkey key.pem -in cert.pem -passout pass:PASS -keypbe PBE-SHA1-RC2-40 -certpbe PBE-SHA1-RC2-40 -legacy", 1},
		{"pkcs12 -export -inkey key.pem -in cert.pem -passout pass:PASS -keypbe AES-128-CBC -certpbe NONE -macalg SHA512", 1},
		{"pkcs12 -export -inkey key.pem -nocerts -passout pass:PASS", 1},
		{"pkcs12 -export -inkey key.pem -in cert.pem -certfile cert.pem -name origin -caname ca -passout pass:PASS -nomac", 1},
	} {
		t.Run(c.args, func(t *testing.T) {
			w.t = t
			w.run(c.args + " -out out")
			holds(t, w.read("out"), c.questions)
		})
	}
}

// TestKeysBesideOthers reads files that hold more than one key.
func TestKeysBesideOthers(t *testing.T) {
	w := openssl(t)
	w.run("pkcs12 -export -inkey key.pem -in cert.pem -name origin -passout pass:PASS -out key.pfx")
	w.run("pkcs12 -in key.pfx -passin pass:PASS -nodes -out bags.pem") // "Bag Attributes" before each block
	w.run("pkcs12 -in key.pfx -passin pass:PASS -passout pass:PASS -out shrouded.pem")
	w.run("ecparam -name prime256v1 -genkey -out ec.pem")
	key, cert, ec := w.read("key.pem"), w.read("cert.pem"), w.read("ec.pem")
	join := func(parts ...[]byte) (out []byte) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	for name, c := range map[string]struct {
		data      []byte
		questions int
	}{
		"certificate first":         {join(cert, key), 0},
		"certificate behind":        {join(key, cert), 0},
		"an ECDSA key first":        {join(ec, key), 0},
		"twice":                     {join(key, key), 0},
		"bags as PEM":               {w.read("bags.pem"), 0},
		"shrouded bags as PEM":      {w.read("shrouded.pem"), 1},
		"CRLF":                      {[]byte(strings.ReplaceAll(string(key), "\n", "\r\n")), 0},
		"UTF-8 with mark":           {join([]byte("\xef\xbb\xbf"), key), 0},
		"UTF-16 of a Windows shell": {utf16Text(string(key)), 0},
	} {
		t.Run(name, func(t *testing.T) { holds(t, c.data, c.questions) })
	}
}

func utf16Text(s string) []byte {
	out := []byte{0xff, 0xfe}
	for _, c := range []byte(s) {
		out = append(out, c, 0)
	}
	return out
}

// TestKeysOfKeytool reads PKCS#12 stores of Java, new and old, and names its own formats.
func TestKeysOfKeytool(t *testing.T) {
	w := openssl(t)
	w.run("pkcs12 -export -inkey key.pem -in cert.pem -name origin -passout pass:changeit -out key.pfx")
	w.program = peer.Need(t, "keytool", "default-jdk-headless")
	for kind, options := range map[string]string{"PKCS12": "", "pkcs12": " -J-Dkeystore.pkcs12.legacy", "JKS": "", "JCEKS": ""} {
		t.Run(kind+options, func(t *testing.T) {
			w.t = t
			out := filepath.Join(t.TempDir(), "store")
			w.run("-importkeystore -srckeystore key.pfx -srcstorepass changeit -deststorepass changeit -destkeystore " + out + " -deststoretype " + kind + options)
			asked := 0
			s := New()
			err := s.AddPrivateKey("store", w.read(out), answers("changeit", &asked))
			if strings.EqualFold(kind, "PKCS12") {
				if err != nil || len(s.RSAKeys(nil)) != 1 || asked != 1 {
					t.Errorf("%d keys, asked %d times: %v", len(s.RSAKeys(nil)), asked, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), "a Java key store (JKS): convert it with keytool -importkeystore -srckeystore FILE") {
				t.Error(err)
			}
		})
	}
}

// TestNotAnRSAKey names what cannot open recorded traffic, and what to do.
func TestNotAnRSAKey(t *testing.T) {
	w := openssl(t)
	const ecdsa = "this is an ECDSA key: it cannot open recorded traffic, because with it the key exchange is ephemeral: a key log is needed"
	w.run("ecparam -name prime256v1 -genkey -out ec.pem")
	w.run("req -x509 -new -key ec.pem -subj /CN=origin.example -days 2 -out ec.crt")
	for _, c := range []struct{ args, want string }{
		{"ecparam -name prime256v1 -genkey", ecdsa},
		{"ecparam -name prime256v1 -genkey -noout", ecdsa},
		{"ec -in ec.pem -outform DER", ecdsa},
		{"pkcs8 -topk8 -in ec.pem -nocrypt", ecdsa},
		{"pkcs8 -topk8 -in ec.pem -passout pass:PASS", ecdsa},
		{"pkcs8 -topk8 -in ec.pem -nocrypt -outform DER", ecdsa},
		{"pkcs12 -export -inkey ec.pem -in ec.crt -passout pass:PASS", ecdsa},
		{"genpkey -algorithm ED25519", "this is an EdDSA key"},
		{"genpkey -algorithm RSA-PSS", "this is an RSA-PSS key, which signs only"},
		{"rsa -in key.pem -pubout", "this is a public key: it opens nothing; give the private key"},
		{"rsa -in key.pem -pubout -outform DER", "this is a public key"},
		{"rsa -in key.pem -RSAPublicKey_out", "this is a public key"},
		{"rsa -in key.pem -RSAPublicKey_out -outform DER", "this is a public key"},
		{"x509 -in cert.pem", "this is a certificate: a certificate is public and opens nothing"},
		{"x509 -in cert.pem -outform DER", "this is a certificate:"},
		{"x509 -in cert.pem -trustout", "this is a certificate:"},
		{"req -new -key key.pem -subj /CN=x", "this is a certificate request"},
		{"req -new -key key.pem -subj /CN=x -outform DER", "this is a certificate request"},
		{"crl2pkcs7 -nocrl -certfile cert.pem", "this is a bundle of certificates (PKCS#7, .p7b)"},
		{"crl2pkcs7 -nocrl -certfile cert.pem -outform DER", "this is a bundle of certificates (PKCS#7, .p7b)"},
		{"pkcs12 -export -nokeys -in cert.pem -passout pass:PASS", "this is a PKCS#12 file without a private key"},
	} {
		t.Run(c.args, func(t *testing.T) {
			w.t = t
			w.run(c.args + " -out out")
			refused(t, w.read("out"), c.want)
		})
	}
}

// TestNotAKeyAtAll names files of other kinds.
func TestNotAKeyAtAll(t *testing.T) {
	for data, want := range map[string]string{
		"":                                     "this is an empty file",
		"\x0a\x0d\x0d\x0a\x1c":                 "this is a packet capture (pcapng): give it as FILE",
		"CLIENT_RANDOM " + random + " " + long: "this is a key log: give it with --keylog",
		"PuTTY-User-Key-File-2: ssh-rsa":       "this is a key of PuTTY: if it is the server's RSA key, convert it with puttygen FILE -O private-openssh",
		"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ me@host": "this is a public key of SSH",
		"hello":            "nothing in it looks like one: PEM, PKCS#8, DER and PKCS#12 (.pfx, .p12) are read",
		"\x30\x03\x02\x01": "nothing in it looks like one",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----\n": "ssh-keygen -p -m PEM -f COPY",
		"-----BEGIN MESSAGE-----\nAAAA\n-----END MESSAGE-----\n":                                     "this is a PEM block of MESSAGE",
	} {
		refused(t, []byte(data), want)
	}
}

// refused demands a FormatError that says want, and that no password was asked in vain.
func refused(t *testing.T, data []byte, want string) {
	t.Helper()
	s, asked := New(), 0
	err := s.AddPrivateKey("key", data, answers(password, &asked))
	var format *FormatError
	if !errors.As(err, &format) || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "read private key key: ") || !s.Empty() {
		t.Errorf("%.40q: %v, want %q", data, err, want)
	}
}

// TestDamagedKeys holds that damage is an error and names no byte of the key.
func TestDamagedKeys(t *testing.T) {
	w := openssl(t)
	w.run("rsa -in key.pem -outform DER -traditional -out key.der")
	der := w.read("key.der")
	for name, data := range map[string][]byte{
		"PEM without its end":       w.read("key.pem")[:200],
		"DER with another exponent": flip(der, 400),
		"too large":                 make([]byte, maxKeyFile+1),
		"a short PEM block":         []byte("-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n"),
		"a short encrypted block":   []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"),
	} {
		s := New()
		if err := s.AddPrivateKey("key", data, nil); err == nil || !s.Empty() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func flip(b []byte, at int) []byte {
	b = append([]byte(nil), b...)
	b[at] ^= 1
	return b
}
