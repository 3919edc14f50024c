package main

import (
	"encoding/json"
	"go/token"
	"strings"
)

// isComplete tells whether a piece of source is a whole cell, as a console asks before it runs it.
func isComplete(content json.RawMessage) interface{} {
	var request struct {
		Code string `json:"code"`
	}
	status, indent := "unknown", ""
	if json.Unmarshal(content, &request) == nil {
		status, indent = completeness(request.Code)
	}
	return map[string]string{"status": status, "indent": indent}
}

func completeness(source string) (status, indent string) {
	if _, body, ok := goRunOf(source); ok {
		source = body
	}
	_, failure := parseCell(token.NewFileSet(), source, 0)
	switch {
	case failure == nil:
		return "complete", ""
	case failure.unfinished:
		return "incomplete", indentOf(source)
	}
	return "invalid", ""
}

// indentOf gives what the next line begins with: a tab more after an opening bracket.
func indentOf(source string) string {
	lines := strings.Split(strings.TrimRight(source, "\n"), "\n")
	last := lines[len(lines)-1]
	indent := last[:len(last)-len(strings.TrimLeft(last, " \t"))]
	if trimmed := strings.TrimSpace(last); trimmed != "" && strings.ContainsAny(trimmed[len(trimmed)-1:], "{([:") {
		indent += "\t"
	}
	return indent
}
