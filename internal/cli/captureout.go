package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/pflag"

	"github.com/lunette-waf/lunette/internal/capture/live"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// outFlags say where a capture goes.
type outFlags struct {
	path       string
	force      bool
	recipients []string
	plain      bool
}

func (o *outFlags) add(f *pflag.FlagSet) {
	f.StringVarP(&o.path, "write", "w", "", "`FILE` to write, mode 0600; - is standard output; default: a name with the time, in this folder")
	f.BoolVar(&o.force, "force", false, "replace the file if it is there")
	f.StringArrayVar(&o.recipients, "recipient", nil, "encrypt the file to this age public key (`age1…`); default: incidents.recipients of the configuration; may be repeated")
	f.BoolVar(&o.plain, "plain", false, "do not encrypt, whatever the configuration says")
}

func (o *outFlags) check() error {
	if o.plain && len(o.recipients) > 0 {
		return usageError{errors.New("--plain contradicts --recipient")}
	}
	_, err := readRecipients(o.recipients)
	return err
}

func readRecipients(keys []string) ([]age.Recipient, error) {
	var all []age.Recipient
	for _, k := range keys {
		some, err := age.ParseRecipients(strings.NewReader(k))
		if err != nil || len(some) != 1 {
			return nil, usageError{fmt.Errorf("recipient %.20q…: no age public key: it begins with age1 (\"lunette incidents key\" makes a pair)", k)}
		}
		all = append(all, some...)
	}
	return all, nil
}

// errFull ends a capture whose file has the size that was allowed.
var errFull = errors.New("the file has reached its size")

// captureOut is the pcapng file of a capture. It implements live.Sink. What stands in the file always ends with a whole block, but for a file
// that is encrypted, which is whole once it is closed.
type captureOut struct {
	path   string
	file   *os.File       // nil on standard output
	dst    io.Writer      // file, standard output, or the encryption before it
	cipher io.WriteCloser // nil for a plain file
	w      *pcap.Writer
	buf    []byte // whole blocks
	size   int64  // of everything that was written, buf included, before encryption
	done   int64  // of what is in the file
	most   int64
	fault  error

	packets, secrets int64
	last             int64 // time of the latest packet
	limit            int64 // of packets; 0: none
}

// fits reports whether a block with n bytes of content may be written: there must be room for the statistics at the end.
func (o *captureOut) fits(n int) bool {
	const head, end = 48, 256
	return o.size+int64(n)+head+end <= o.most
}

// createCapture makes the file, empty yet. With "-" it takes stdout.
func createCapture(o *outFlags, path string, recipients []string, most int64, stdout io.Writer) (*captureOut, error) {
	out := &captureOut{path: path, most: most}
	to, err := readRecipients(recipients)
	if err != nil {
		return nil, err
	}
	if path == "-" {
		if _, yes := terminal(stdout); yes {
			return nil, usageError{errors.New("-w - writes packets: send standard output into a file or a program, such as | wireshark -k -i -")}
		}
		out.dst = stdout
	} else {
		if out.file, err = createOwn(path, o.force); err != nil {
			return nil, err
		}
		out.dst = out.file
	}
	if len(to) > 0 {
		if out.cipher, err = age.Encrypt(out.dst, to...); err != nil {
			out.remove()
			return nil, fmt.Errorf("encrypt capture: %w", err)
		}
		out.dst = bufio.NewWriterSize(out.cipher, 64<<10)
	}
	return out, nil
}

// createOwn makes a file of mode 0600 that was not there, or takes the place of a regular one with force.
func createOwn(path string, force bool) (*os.File, error) {
	if force {
		if old, err := os.Lstat(path); err == nil {
			if !old.Mode().IsRegular() {
				return nil, fmt.Errorf("write capture: %s is no regular file: give another name", printable(path))
			}
			if err := os.Remove(path); err != nil {
				return nil, fileError("write capture", printable(path), err)
			}
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("write capture: %s is there already: --force replaces it", printable(path))
	}
	if err != nil {
		return nil, fileError("write capture", printable(path), err)
	}
	return f, nil
}

// begin writes the head of the file.
func (o *captureOut) begin(about pcap.Interface) error {
	w, err := pcap.NewWriter(o, "Lunette "+version())
	if err != nil {
		return err
	}
	o.w = w
	if _, err := w.Interface(about); err != nil {
		return err
	}
	return o.flush()
}

// Write implements io.Writer for the blocks of pcap.Writer.
func (o *captureOut) Write(block []byte) (int, error) {
	if o.fault != nil {
		return 0, o.fault
	}
	o.buf = append(o.buf, block...)
	o.size += int64(len(block))
	if len(o.buf) >= 256<<10 {
		if err := o.flush(); err != nil {
			return 0, err
		}
	}
	return len(block), nil
}

// flush puts all into the file. When that fails, such as on a full disk, the file is cut back to the last whole block.
func (o *captureOut) flush() error {
	if o.fault != nil {
		return o.fault
	}
	if len(o.buf) == 0 {
		return nil
	}
	_, err := o.dst.Write(o.buf)
	o.buf = o.buf[:0]
	if err != nil {
		o.fault = fileError("write capture", printable(o.path), err)
		if o.file != nil && o.cipher == nil {
			_ = o.file.Truncate(o.done)
		}
		return o.fault
	}
	o.done = o.size
	return nil
}

// Secrets implements live.Sink.
func (o *captureOut) Secrets(_ live.Ends, lines []byte) error {
	if !o.fits(len(lines)) {
		return errFull
	}
	o.secrets++
	return o.w.Secrets(pcap.SecretsTLSKeyLog, lines)
}

// Packet implements live.Sink.
func (o *captureOut) Packet(_ live.Ends, p *pcap.Packet) error {
	if o.limit > 0 && o.packets >= o.limit {
		return errCounted
	}
	if !o.fits(len(p.Data) + len(p.Comment)) {
		return errFull
	}
	q := *p
	q.Interface = 0
	if err := o.w.Packet(&q); err != nil {
		return err
	}
	o.last = max(o.last, q.At)
	if o.packets++; o.limit > 0 && o.packets == o.limit {
		return errCounted
	}
	return nil
}

// errCounted ends a capture that has its packets.
var errCounted = errors.New("there are as many packets as were wanted")

// end writes how many packets came and were lost, and until when there were no others than those in the file.
func (o *captureOut) end(until time.Time, received, dropped uint64) error {
	if o.w == nil || o.fault != nil {
		return o.fault
	}
	return o.w.Statistics(0, until.UnixNano(), received, dropped)
}

// close ends the file. It may be called once.
func (o *captureOut) close() error {
	err := o.flush()
	if b, ok := o.dst.(*bufio.Writer); ok && err == nil {
		err = b.Flush()
	}
	if o.cipher != nil && err == nil {
		err = o.cipher.Close()
	}
	if o.file != nil {
		if cerr := o.file.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil && !errors.Is(err, o.fault) {
		err = fileError("write capture", printable(o.path), err)
	}
	return err
}

// remove takes an unused file away.
func (o *captureOut) remove() {
	if o.file != nil {
		_ = o.file.Close()
		_ = os.Remove(o.file.Name())
	}
}
