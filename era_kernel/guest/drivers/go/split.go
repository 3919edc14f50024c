package main

import (
	"fmt"
	"go/parser"
	"go/scanner"
	"go/token"
)

// What a piece of a cell is.
type pieceKind int

const (
	packagePiece pieceKind = iota
	importPiece
	declarationPiece // type, const, func with a name
	variablePiece    // var
	statementPiece
)

// A piece is a declaration or a statement at the top of a cell. Start and end are byte offsets in the cell.
type piece struct {
	kind       pieceKind
	start, end int
	line, col  int // of its start, in bytes, from 1
}

// A place is a line and a column of a cell, both from 1, the column in bytes.
type place struct{ line, col int }

// A syntaxError is the first error of a cell's text. Where `unfinished` more text could mend it.
type syntaxError struct {
	place
	text       string
	unfinished bool
}

func (e *syntaxError) Error() string { return e.text }

// A placedError is an error of a cell that is well formed.
type placedError struct {
	place
	text string
}

func (e *placedError) Error() string { return e.text }

var closers = map[token.Token]token.Token{
	token.LBRACE: token.RBRACE, token.LPAREN: token.RPAREN, token.LBRACK: token.RBRACK,
}

// A splitter cuts a cell into its pieces: at the semicolons, written or inserted, outside all brackets.
type splitter struct {
	source string
	file   *token.File
	pieces []piece
	tokens []token.Token // of the piece under way
	start  token.Pos
	open   []opening
	err    *syntaxError
}

type opening struct {
	token token.Token
	pos   token.Pos
}

// split gives a cell's pieces in their order.
func split(source string) ([]piece, *syntaxError) {
	fset := token.NewFileSet()
	s := &splitter{source: source, file: fset.AddFile("", fset.Base(), len(source))}
	var lexer scanner.Scanner
	lexer.Init(s.file, []byte(source), s.lexicalError, 0)
	for s.err == nil {
		pos, tok, literal := lexer.Scan()
		if tok == token.EOF {
			s.finish(pos)
			break
		}
		s.take(pos, tok, literal)
	}
	return s.pieces, s.err
}

func (s *splitter) lexicalError(pos token.Position, text string) {
	if s.err == nil {
		s.err = &syntaxError{place{pos.Line, pos.Column}, text, false}
		// An open raw string or comment goes on in the next line; an open "string" does not.
		s.err.unfinished = text == "raw string literal not terminated" || text == "comment not terminated"
	}
}

func (s *splitter) fail(pos token.Pos, unfinished bool, format string, arguments ...interface{}) {
	if s.err == nil {
		at := s.file.Position(pos)
		s.err = &syntaxError{place{at.Line, at.Column}, fmt.Sprintf(format, arguments...), unfinished}
	}
}

func (s *splitter) take(pos token.Pos, tok token.Token, literal string) {
	if tok == token.SEMICOLON && len(s.open) == 0 && !(literal == ";" && s.inHeader(pos)) {
		s.cut(pos)
		return
	}
	if len(s.tokens) == 0 {
		s.start = pos
	}
	s.tokens = append(s.tokens, tok)
	switch tok {
	case token.LBRACE, token.LPAREN, token.LBRACK:
		s.open = append(s.open, opening{tok, pos})
	case token.RBRACE, token.RPAREN, token.RBRACK:
		last := len(s.open) - 1
		if last < 0 || closers[s.open[last].token] != tok {
			s.fail(pos, false, "unexpected %s", tok)
			return
		}
		s.open = s.open[:last]
	}
}

// inHeader tells whether a semicolon stands within the head of a statement: for i := 0; i < 3; i++ {.
func (s *splitter) inHeader(pos token.Pos) bool {
	for _, tok := range s.tokens {
		switch tok {
		case token.FOR, token.IF, token.SWITCH:
			text := s.source[s.file.Offset(s.start):s.file.Offset(pos)]
			_, err := parser.ParseFile(token.NewFileSet(), "", "package p; func _() {\n"+text+"\n}", 0)
			return err != nil
		case token.IDENT, token.COLON: // a label
		default:
			return false
		}
	}
	return false
}

func (s *splitter) cut(end token.Pos) {
	if len(s.tokens) > 0 {
		at := s.file.Position(s.start)
		s.pieces = append(s.pieces, piece{
			kindOf(s.tokens), s.file.Offset(s.start), s.file.Offset(end), at.Line, at.Column,
		})
	}
	s.tokens = nil
}

func (s *splitter) finish(end token.Pos) {
	if len(s.open) > 0 {
		first := s.open[len(s.open)-1]
		s.fail(first.pos, true, "%s is never closed", first.token)
	}
	s.cut(end)
}

func kindOf(tokens []token.Token) pieceKind {
	switch tokens[0] {
	case token.PACKAGE:
		return packagePiece
	case token.IMPORT:
		return importPiece
	case token.TYPE, token.CONST:
		return declarationPiece
	case token.VAR:
		return variablePiece
	case token.FUNC:
		if isNamed(tokens[1:]) {
			return declarationPiece
		}
	}
	return statementPiece
}

// isNamed tells a function's declaration from a literal: func name(, func name[, func (receiver) name(.
func isNamed(tokens []token.Token) bool {
	if len(tokens) > 0 && tokens[0] == token.LPAREN {
		depth := 0
		for index, tok := range tokens {
			if tok == token.LPAREN {
				depth++
			} else if tok == token.RPAREN {
				depth--
			}
			if depth == 0 {
				tokens = tokens[index+1:]
				break
			}
		}
		return len(tokens) > 1 && tokens[0] == token.IDENT && tokens[1] == token.LPAREN
	}
	return len(tokens) > 0 && tokens[0] == token.IDENT
}
