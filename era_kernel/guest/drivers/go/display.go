package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"reflect"
	"strings"
)

// A bundle is an output in several formats, by mime type.
type bundle struct{ data map[string]interface{} }

func text(plain string) bundle { return bundle{map[string]interface{}{"text/plain": plain}} }

// of adds a format, whose plain text is `plain`.
func of(mime string, value interface{}, plain string) bundle {
	made := text(plain)
	made.data[mime] = value
	return made
}

// bundleOf is how a value is shown: an image as one, all else as text.
func bundleOf(value interface{}) bundle {
	if picture, ok := value.(image.Image); ok && !isNil(value) {
		if made, err := pictureBundle(picture); err == nil {
			return made
		}
	}
	if number, ok := value.(uint8); ok {
		return text(fmt.Sprint(number))
	}
	return text(render(value))
}

func isNil(value interface{}) bool {
	inner := reflect.ValueOf(value)
	return inner.Kind() == reflect.Pointer && inner.IsNil()
}

func pictureBundle(picture image.Image) (bundle, error) {
	var data bytes.Buffer
	if err := png.Encode(&data, picture); err != nil {
		return bundle{}, err
	}
	size := picture.Bounds().Size()
	return bytesBundle("image/png", data.Bytes(), fmt.Sprintf("<%T of %d × %d>", picture, size.X, size.Y)), nil
}

func bytesBundle(mime string, data []byte, plain string) bundle {
	return of(mime, base64.StdEncoding.EncodeToString(data), plain)
}

// A Handle is an output that was shown, to show something else in its place.
type Handle struct {
	session *session
	id      string
	isShown bool
}

// displaySymbols makes the package "display".
func (s *session) displaySymbols() map[string]reflect.Value {
	fresh := func() *Handle {
		var id [16]byte
		if _, err := rand.Read(id[:]); err != nil {
			panic(err)
		}
		return &Handle{session: s, id: hex.EncodeToString(id[:])}
	}
	return map[string]reflect.Value{
		"Handle":   reflect.ValueOf((*Handle)(nil)),
		"ID":       reflect.ValueOf(func(id string) *Handle { return &Handle{session: s, id: id} }),
		"Update":   reflect.ValueOf(func(id string) *Handle { return &Handle{session: s, id: id, isShown: true} }),
		"Clear":    reflect.ValueOf(s.clearOutput),
		"Show":     reflect.ValueOf(func(values ...interface{}) *Handle { return fresh().Show(values...) }),
		"Text":     reflect.ValueOf(func(text string) *Handle { return fresh().Text(text) }),
		"HTML":     reflect.ValueOf(func(text string) *Handle { return fresh().HTML(text) }),
		"Markdown": reflect.ValueOf(func(text string) *Handle { return fresh().Markdown(text) }),
		"LaTeX":    reflect.ValueOf(func(text string) *Handle { return fresh().LaTeX(text) }),
		"SVG":      reflect.ValueOf(func(text string) *Handle { return fresh().SVG(text) }),
		"PNG":      reflect.ValueOf(func(data []byte) *Handle { return fresh().PNG(data) }),
		"JPEG":     reflect.ValueOf(func(data []byte) *Handle { return fresh().JPEG(data) }),
		"JSON":     reflect.ValueOf(func(value interface{}) *Handle { return fresh().JSON(value) }),
		"Image":    reflect.ValueOf(func(picture image.Image) *Handle { return fresh().Image(picture) }),
		"Mime":     reflect.ValueOf(func(data map[string]interface{}) *Handle { return fresh().Mime(data) }),
	}
}

// clearOutput removes what the cell has shown; with `wait` when the next output comes.
func (s *session) clearOutput(wait bool) {
	_ = s.send("clear_output", map[string]bool{"wait": wait})
}

// show shows an output; the first time in a place of its own, then in that place.
func (h *Handle) show(made bundle) *Handle {
	kind := "display_data"
	if h.isShown {
		kind = "update_display_data"
	}
	h.isShown = true
	err := h.session.send(kind, map[string]interface{}{
		"data": made.data, "metadata": struct{}{}, "transient": map[string]string{"display_id": h.id},
	})
	if err != nil {
		fmt.Fprintf(os.Stderr, "[era] an output cannot be shown: %v\n", err)
	}
	return h
}

// ID gives the output's display_id.
func (h *Handle) ID() string { return h.id }

// Show shows values as the last expression of a cell is shown.
func (h *Handle) Show(values ...interface{}) *Handle { return h.show(bundleOfAll(values)) }

// Text shows plain text.
func (h *Handle) Text(plain string) *Handle { return h.show(text(plain)) }

// HTML shows HTML.
func (h *Handle) HTML(source string) *Handle { return h.show(of("text/html", source, source)) }

// Markdown shows Markdown.
func (h *Handle) Markdown(source string) *Handle { return h.show(of("text/markdown", source, source)) }

// LaTeX shows LaTeX.
func (h *Handle) LaTeX(source string) *Handle { return h.show(of("text/latex", source, source)) }

// SVG shows an SVG image.
func (h *Handle) SVG(source string) *Handle {
	return h.show(of("image/svg+xml", source, "<SVG image>"))
}

// PNG shows a PNG image.
func (h *Handle) PNG(data []byte) *Handle {
	return h.show(bytesBundle("image/png", data, "<PNG image>"))
}

// JPEG shows a JPEG image.
func (h *Handle) JPEG(data []byte) *Handle {
	return h.show(bytesBundle("image/jpeg", data, "<JPEG image>"))
}

// JSON shows a value as JSON that front ends can unfold.
func (h *Handle) JSON(value interface{}) *Handle {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return h.show(of("application/json", json.RawMessage(encoded), string(encoded)))
}

// Image shows an image.
func (h *Handle) Image(picture image.Image) *Handle {
	made, err := pictureBundle(picture)
	if err != nil {
		panic(err)
	}
	return h.show(made)
}

// Mime shows an output in several formats at once; bytes are sent as base64.
func (h *Handle) Mime(data map[string]interface{}) *Handle {
	made := bundle{map[string]interface{}{}}
	for mime, value := range data {
		if raw, ok := value.([]byte); ok {
			value = base64.StdEncoding.EncodeToString(raw)
		}
		made.data[mime] = value
	}
	return h.show(made)
}

// ---- results

// bundleOfAll is how the values of one expression are shown. That nothing went wrong is not.
func bundleOfAll(values []interface{}) bundle {
	if count := len(values); count > 1 && values[count-1] == nil {
		values = values[:count-1]
	}
	if len(values) == 1 {
		return bundleOf(values[0])
	}
	texts := make([]string, len(values))
	for index, each := range values {
		texts[index] = render(each)
	}
	return text("(" + strings.Join(texts, ", ") + ")")
}

// show shows the value of a cell's last expression.
func (s *session) show(values ...interface{}) {
	s.lock.Lock()
	now := s.cell
	s.lock.Unlock()
	if now.captured != nil {
		*now.captured = bundleOfAll(values)
		return
	}
	if now.Silent || isNothing(values) {
		return
	}
	made := bundleOfAll(values)
	err := s.send("execute_result", map[string]interface{}{
		"execution_count": now.ExecutionCount, "data": made.data, "metadata": struct{}{},
	})
	if err != nil {
		fmt.Fprintf(os.Stderr, "[era] the result cannot be shown: %v\n", err)
	}
}

// isNothing tells of results that say no more than that all went well.
func isNothing(values []interface{}) bool {
	for _, each := range values {
		if _, ok := each.(*Handle); each != nil && !ok {
			return false
		}
	}
	return true
}

// showFailure shows the error of a call whose other results nobody wants to see.
func (s *session) showFailure(values ...interface{}) {
	for _, each := range values {
		if err, ok := each.(error); ok && err != nil {
			s.show(err)
		}
	}
}
