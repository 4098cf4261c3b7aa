package incident

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"filippo.io/age"
)

// The files of a bundle, in their order.
const (
	DocumentFile = "incident.json"
	PacketsFile  = "flow.pcapng"
	HARFile      = "flow.har"
	ReportFile   = "report.md"
)

// mostPart is the most bytes of one file of a bundle.
const mostPart = 64 << 20

// ErrEncrypted says that a bundle cannot be read without a private key, or not with those given.
var ErrEncrypted = errors.New("the sample is encrypted")

// errTooLarge says that a file of a bundle would be longer than is kept.
var errTooLarge = fmt.Errorf("more than %d MiB", mostPart>>20)

// Bundle is a sample as it was read. Files that it lacks are nil.
type Bundle struct {
	Document *Document
	Packets  []byte
	HAR      []byte
	Report   []byte
}

// WriteBundle writes a sample as a tar archive. A file that cannot be made is left out, and the document says why. s may be nil.
func WriteBundle(w io.Writer, doc *Document, s *Sample) error {
	var b Bundle
	own := *doc
	b.Document = &own
	if s != nil {
		b.Packets = own.made(PacketsFile, s.Packets)
		b.HAR = own.made(HARFile, s.HAR)
	}
	own.packets = b.Packets != nil
	b.Report = []byte(own.Report())
	return b.Write(w)
}

// made is what make writes; nil with a remark in the document where that fails.
func (d *Document) made(name string, write func(io.Writer) error) []byte {
	if write == nil {
		return nil
	}
	var to bounded
	if err := write(&to); err != nil {
		d.Missing = append(d.Missing, Missing{name, err.Error()})
		return nil
	}
	return to.buf.Bytes()
}

// bounded keeps what is written to it, up to mostPart.
type bounded struct{ buf bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.buf.Len()+len(p) > mostPart {
		return 0, errTooLarge
	}
	return b.buf.Write(p)
}

// Files are the names and contents of the files of b, in their order.
func (b *Bundle) Files() ([]File, error) {
	doc, err := json.MarshalIndent(b.Document, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", DocumentFile, err)
	}
	out := []File{{DocumentFile, append(doc, '\n')}}
	for _, f := range []File{{PacketsFile, b.Packets}, {HARFile, b.HAR}, {ReportFile, b.Report}} {
		if f.Data != nil {
			out = append(out, f)
		}
	}
	return out, nil
}

// File is one of a bundle.
type File struct {
	Name string
	Data []byte
}

// Write writes b as a tar archive.
func (b *Bundle) Write(w io.Writer) error {
	files, err := b.Files()
	if err != nil {
		return err
	}
	out := tar.NewWriter(w)
	for _, f := range files {
		h := &tar.Header{Name: f.Name, Mode: 0o600, Size: int64(len(f.Data)), ModTime: b.Document.Sample.At.Truncate(time.Second), Format: tar.FormatUSTAR}
		if err := out.WriteHeader(h); err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
		if _, err := out.Write(f.Data); err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

// OpenBundle reads a bundle, encrypted or not. Where none of the identities opens it the error wraps [ErrEncrypted].
func OpenBundle(r io.Reader, identities []age.Identity) (*Bundle, error) {
	in := bufio.NewReader(r)
	var src io.Reader = in
	if isEncrypted(in) {
		if len(identities) == 0 {
			return nil, fmt.Errorf("read sample: %w: give the private key with --identity KEYFILE", ErrEncrypted)
		}
		opened, err := age.Decrypt(in, identities...)
		if err != nil {
			return nil, fmt.Errorf("read sample: %w, and not to the key that was given", ErrEncrypted)
		}
		src = opened
	}
	return readBundle(src)
}

// readDocument reads incident.json. What is longer than this program writes is refused before room is made for it.
func readDocument(data []byte) (*Document, error) {
	if values := jsonValues(data); values > mostValues {
		return nil, fmt.Errorf("more than %d values: this is no sample of Lunette", mostValues)
	}
	d := &Document{}
	return d, json.Unmarshal(data, d)
}

// mostValues is the most members and elements of an incident.json: that of mostFacts facts with heads of 50 fields each, and more.
const mostValues = 2_000_000

// jsonValues is at least how many members and elements data has: each but the first of its object or list has a comma before it.
func jsonValues(data []byte) int {
	return bytes.Count(data, []byte{','}) + bytes.Count(data, []byte{'{'}) + bytes.Count(data, []byte{'['})
}

func readBundle(src io.Reader) (*Bundle, error) {
	b := &Bundle{}
	archive := tar.NewReader(src)
	for n := 0; ; n++ {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read sample: %w", err)
		}
		if h.Size > mostPart || n >= 16 {
			return nil, fmt.Errorf("read sample: %q: %w", h.Name, errTooLarge)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			return nil, fmt.Errorf("read sample: %q: %w", h.Name, err)
		}
		switch h.Name {
		case DocumentFile:
			if b.Document, err = readDocument(data); err != nil {
				return nil, fmt.Errorf("read sample: %s: %w", DocumentFile, err)
			}
		case PacketsFile:
			b.Packets = data
		case HARFile:
			b.HAR = data
		case ReportFile:
			b.Report = data
		}
	}
	if b.Document != nil {
		b.Document.packets = b.Packets != nil
	}
	if b.Document == nil {
		return nil, fmt.Errorf("read sample: no %s in it", DocumentFile)
	}
	return b, nil
}
