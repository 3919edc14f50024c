package main

import (
	"go/scanner"
	"go/token"
	"strings"
	"unicode/utf8"
)

// A position is the content of a completion or inspection request.
type position struct {
	Code        string `json:"code"`
	CursorPos   int    `json:"cursor_pos"` // code points
	DetailLevel int    `json:"detail_level"`
}

func (p *position) normalize() {
	if count := utf8.RuneCountInString(p.Code); p.CursorPos > count {
		p.CursorPos = count
	}
	if p.CursorPos < 0 {
		p.CursorPos = 0
	}
}

// offset gives the cursor's place in bytes.
func (p position) offset() int {
	at := 0
	for count := 0; count < p.CursorPos; count++ {
		_, size := utf8.DecodeRuneInString(p.Code[at:])
		at += size
	}
	return at
}

// A chain is what a selector selects from: a name and what follows it, as `a[0].b.` has a, [], b.
type chain struct {
	links []string // names; "[]" and "()" for an index and a call
	word  string   // the name that is being written, or that the cursor is in
	start int      // bytes: where the word begins
	quote string   // the text of a string that is open at the end, with its quote; "" when there is none
	after token.Token
	dead  bool // in a comment or in a text: nothing is to be told
}

type lexeme struct {
	tok     token.Token
	literal string
	start   int
}

func lexemes(source string) (found []lexeme, openText, openComment bool) {
	fset := token.NewFileSet()
	file := fset.AddFile("", fset.Base(), len(source))
	var lexer scanner.Scanner
	lexer.Init(file, []byte(source), func(_ token.Position, message string) {
		openText = openText || strings.HasSuffix(message, "literal not terminated")
		openComment = openComment || message == "comment not terminated"
	}, scanner.ScanComments)
	for {
		pos, tok, literal := lexer.Scan()
		if tok == token.EOF {
			return found, openText, openComment
		}
		if tok == token.SEMICOLON && literal == "\n" {
			continue
		}
		found = append(found, lexeme{tok, literal, file.Offset(pos)})
	}
}

// chainAt gives the chain that ends where the text ends.
func chainAt(text string) chain {
	found, openText, openComment := lexemes(text)
	c := chain{start: len(text)}
	last := len(found) - 1
	if last < 0 {
		c.dead = openComment
		return c
	}
	if openText {
		c.quote, c.start = found[last].literal, found[last].start
		if last > 0 {
			c.after = found[last-1].tok
			if c.after == token.LPAREN || c.after == token.STRING {
				c.after = importBefore(found[:last])
			}
		}
		return c
	}
	if openComment || found[last].tok == token.COMMENT && !strings.HasSuffix(text, "\n") {
		c.dead = true
		return c
	}
	end := len(found)
	if isWord(found[last]) && found[last].start+len(found[last].literal) == len(text) {
		c.word, c.start = found[last].literal, found[last].start
		end--
	}
	if end > 0 && found[end-1].tok == token.PERIOD {
		c.links = links(found[:end-1])
		c.dead = c.links == nil
	} else if end > 0 {
		c.after = found[end-1].tok
	}
	return c
}

// importBefore tells whether an import declaration's bracket is open.
func importBefore(found []lexeme) token.Token {
	for index := len(found) - 1; index >= 0; index-- {
		switch found[index].tok {
		case token.STRING, token.LPAREN, token.IDENT, token.PERIOD, token.COMMENT:
		default:
			return found[index].tok
		}
	}
	return token.ILLEGAL
}

func isWord(each lexeme) bool { return each.tok == token.IDENT || each.tok.IsKeyword() }

// links gives the chain that ends before a dot, nil when it is none that can be told without running it.
func links(found []lexeme) []string {
	var reversed []string
	for at := len(found) - 1; at >= 0; {
		switch found[at].tok {
		case token.RBRACK, token.RPAREN:
			link := "[]"
			if found[at].tok == token.RPAREN {
				link = "()"
			}
			if at = opener(found, at); at < 0 {
				return nil
			}
			reversed = append(reversed, link)
			at--
			continue
		case token.IDENT:
			reversed = append(reversed, found[at].literal)
		default:
			return nil
		}
		if at == 0 || found[at-1].tok != token.PERIOD {
			break
		}
		at -= 2
		if at < 0 {
			return nil
		}
		continue
	}
	for i, j := 0, len(reversed)-1; i < j; i, j = i+1, j-1 {
		reversed[i], reversed[j] = reversed[j], reversed[i]
	}
	return reversed
}

func opener(found []lexeme, at int) int {
	depth := 0
	for ; at >= 0; at-- {
		switch found[at].tok {
		case token.RBRACK, token.RPAREN, token.RBRACE:
			depth++
		case token.LBRACK, token.LPAREN, token.LBRACE:
			if depth--; depth == 0 {
				return at
			}
		}
	}
	return -1
}
