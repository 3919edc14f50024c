package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"unicode/utf8"
)

const (
	maxMessage = 64 << 20
	inFd       = 100
	outFd      = 101
)

// A message is a request of the host: Jupyter's message type, the request's id, the message's content.
type message struct {
	Type    *string         `json:"type"`
	ID      *string         `json:"id"`
	Content json.RawMessage `json:"content"`
}

// A wire is the driver's end of its two message pipes: `u32 length (big-endian) · UTF-8 JSON object`.
type wire struct {
	incoming chan message // closed when the host has closed its end
	out      *os.File
	lock     sync.Mutex
}

// openWire moves fds 3 and 4 to high numbers that no program started by a cell inherits, and begins to read.
func openWire() *wire {
	for from, to := range map[int]int{3: inFd, 4: outFd} {
		if err := syscall.Dup3(from, to, syscall.O_CLOEXEC); err != nil {
			fail(exitProtocol, "fd %d is no pipe to the host: %v", from, err)
		}
		syscall.Close(from)
	}
	return newWire(os.NewFile(inFd, "requests"), os.NewFile(outFd, "messages"))
}

// newWire begins to read.
func newWire(in, out *os.File) *wire {
	w := &wire{incoming: make(chan message), out: out}
	go w.readAll(in)
	return w
}

func (w *wire) readAll(in io.Reader) {
	for {
		read, err := readMessage(in)
		if err == io.EOF {
			close(w.incoming)
			return
		}
		if err != nil {
			fail(exitProtocol, "the host %v", err)
		}
		w.incoming <- read
	}
}

func readMessage(in io.Reader) (message, error) {
	var read message
	var length [4]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return read, io.EOF
	}
	size := binary.BigEndian.Uint32(length[:])
	if size > maxMessage {
		return read, fmt.Errorf("announced a message of %d bytes", size)
	}
	var text bytes.Buffer // grows with what comes, not with what was announced
	if _, err := io.CopyN(&text, in, int64(size)); err != nil {
		return read, io.EOF
	}
	if !utf8.Valid(text.Bytes()) || json.Unmarshal(text.Bytes(), &read) != nil {
		return read, errors.New("sent a message that is none")
	}
	if read.Type == nil || read.ID == nil || read.Content == nil {
		return read, errors.New("sent a message that lacks a part")
	}
	return read, nil
}

// write sends one message, whole whichever goroutine writes meanwhile. An error means that it cannot be sent, and that
// nothing was; when the host is gone the driver ends.
func (w *wire) write(kind, request string, content interface{}) error {
	var text bytes.Buffer
	text.Write(make([]byte, 4))
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(map[string]interface{}{"type": kind, "id": request, "content": content}); err != nil {
		return err
	}
	data := text.Bytes()
	if len(data)-4 > maxMessage {
		return fmt.Errorf("an output of %d MiB: at most %d can be shown", len(data)>>20, maxMessage>>20)
	}
	binary.BigEndian.PutUint32(data, uint32(len(data)-4))
	w.lock.Lock()
	defer w.lock.Unlock()
	if _, err := w.out.Write(data); err != nil {
		os.Exit(exitHostGone)
	}
	wroteMessage(int(w.out.Fd()))
	return nil
}
