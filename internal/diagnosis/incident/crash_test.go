package incident

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/store"
)

const (
	crashFolder = "LUNETTE_TEST_CRASH_FOLDER"
	crashBatch  = 20 // failures between two flushes of the child
	crashKeys   = 3
)

// TestCrashChild is the process that TestCrash kills: it adds failures with samples as fast as it can, and says after each flush how many
// there were before it.
func TestCrashChild(t *testing.T) {
	folder := os.Getenv(crashFolder)
	if folder == "" {
		t.Skip("started by TestCrash")
	}
	s, err := store.Open(store.Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	k, err := New(Config{Folder: folder, Plain: true}, s)
	if err != nil {
		t.Fatal(err)
	}
	content := strings.Repeat("packets ", 5000)
	for n := 0; ; {
		for range crashBatch {
			f := failure("x.y" + strconv.Itoa(n%crashKeys))
			f.Request = "R" + strconv.Itoa(n)
			f.Sample = &Sample{Packets: func(w io.Writer) error { _, err := io.WriteString(w, content); return err }}
			k.Add(f)
			n++
		}
		k.turn(context.Background())
		fmt.Printf("counted %d\n", n)
	}
}

// TestCrash kills a process fifty times in the middle of its work. After each: the store opens, every count that was flushed is there and
// none is made up, and every sample that an incident names is whole.
func TestCrash(t *testing.T) {
	kills := 50
	if testing.Short() {
		kills = 5
	}
	folder := t.TempDir()
	total, named := int64(0), 0
	for i := range kills {
		said := killed(t, folder, rand.IntN(8))
		count, samples := inspect(t, folder)
		if most := total + said + crashBatch; count < total+said || count > most {
			t.Fatalf("kill %d: %d failures are there, %d to %d were counted", i, count, total+said, most)
		}
		total, named = count, named+samples
	}
	if total == 0 || named < kills {
		t.Errorf("%d failures, %d samples: the processes did nothing", total, named)
	}
	if aside, _ := filepath.Glob(filepath.Join(folder, "*damaged*")); len(aside) > 0 {
		t.Errorf("damaged: %v", aside)
	}
}

// killed runs the child, kills it at some point after it has said so many lines, and returns the last number that it said.
func killed(t *testing.T, folder string, lines int) (said int64) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashChild$", "-test.v")
	child.Env = append(os.Environ(), crashFolder+"="+folder)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for scan := bufio.NewScanner(out); scan.Scan(); {
		text, ok := strings.CutPrefix(scan.Text(), "counted ")
		if !ok {
			continue
		}
		if said, err = strconv.ParseInt(text, 10, 64); err != nil {
			t.Fatal(err)
		}
		if seen++; seen > lines {
			_ = child.Process.Kill() // what is in the pipe is read all the same
		}
	}
	if err := child.Wait(); err == nil || seen == 0 {
		t.Fatalf("the child ended by itself: %v, after %d lines", err, seen)
	}
	return said
}

// inspect counts the failures and the samples, all of which must be whole.
func inspect(t *testing.T, folder string) (count int64, samples int) {
	t.Helper()
	s, err := store.Open(store.Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	all, err := s.Incidents(t.Context(), store.Query{All: true})
	if err != nil || len(all) > crashKeys {
		t.Fatalf("%v, %d incidents", err, len(all))
	}
	for _, n := range all {
		count += n.Count
		for _, x := range n.Samples {
			samples++
			path, _ := SamplePath(folder, x.File)
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			b, err := OpenBundle(file, nil)
			info, statErr := file.Stat()
			_ = file.Close()
			if err != nil || statErr != nil || info.Size() != x.Size || b.Document.Incident.ID != n.ID || len(b.Packets) != 40_000 || len(b.Report) == 0 {
				t.Fatalf("%s is not whole: %v", x.File, err)
			}
		}
	}
	return count, samples
}
