// SPDX-License-Identifier: MIT OR Apache-2.0

package main

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// unescaped reads \n, \t, \\, \" and \xHH. Byte strings are Go strings here.
func unescaped(text string) (string, error) {
	var out strings.Builder
	for {
		start := strings.IndexByte(text, '\\')
		if start < 0 {
			out.WriteString(text)
			return out.String(), nil
		}
		out.WriteString(text[:start])
		escape := text[start+1:]
		switch {
		case strings.HasPrefix(escape, "n"):
			out.WriteByte('\n')
		case strings.HasPrefix(escape, "t"):
			out.WriteByte('\t')
		case strings.HasPrefix(escape, `\`), strings.HasPrefix(escape, `"`):
			out.WriteByte(escape[0])
		case strings.HasPrefix(escape, "x") && len(escape) >= 3:
			content, err := hex.DecodeString(escape[1:3])
			if err != nil {
				return "", err
			}
			out.Write(content)
			escape = escape[2:]
		default:
			return "", fmt.Errorf("an escape is not known: %q", text[start:])
		}
		text = escape[1:]
	}
}

// escaped leaves plain ASCII, quotes too, and writes the rest with the same escapes.
func escaped(content string) string {
	var out strings.Builder
	for i := 0; i < len(content); i++ {
		switch c := content[i]; {
		case c == '\n':
			out.WriteString(`\n`)
		case c == '\t':
			out.WriteString(`\t`)
		case c == '\\':
			out.WriteString(`\\`)
		case c < 0x20 || c > 0x7e:
			fmt.Fprintf(&out, `\x%02x`, c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// A variable's text is expanded again at each use, unless it is literal.
type variable struct {
	text    string
	literal bool
}

type variables map[string]variable

// expand replaces each ${NAME}.
func (v variables) expand(text string) (string, error) {
	var out strings.Builder
	for {
		start := strings.Index(text, "${")
		length := 0
		if start >= 0 {
			length = strings.IndexByte(text[start:], '}')
		}
		if start < 0 || length < 0 {
			out.WriteString(text)
			return out.String(), nil
		}
		out.WriteString(text[:start])
		name := text[start+2 : start+length]
		found, ok := v[name]
		if !ok {
			return "", fmt.Errorf("there is no ${%s}", name)
		}
		value := found.text
		if !found.literal {
			var err error
			if value, err = v.expand(value); err != nil {
				return "", err
			}
		}
		out.WriteString(value)
		text = text[start+length+1:]
	}
}
