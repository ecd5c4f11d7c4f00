// SPDX-License-Identifier: MIT OR Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A pair is NAME=VALUE, or in an expectation also NAME~VALUE.
type pair struct {
	name     string
	relation byte
	value    string
}

type step struct {
	verb      string // or "let", or "do", which have one pair, NAME=TEXT
	place     string // FILE:LINE
	arguments []pair
	status    string
	expected  []pair
}

// A block is a case, or steps that several cases do.
type block struct {
	name         string
	steps        []*step
	unless       []string // the languages that cannot do it
	needsNetwork bool
}

type table struct {
	variables variables
	defaults  map[string][]pair
	steps     map[string]*block
	cases     []*block
}

func readTable(paths []string) (*table, error) {
	t := &table{variables{}, map[string][]pair{}, map[string]*block{}, nil}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var current *block
		for number, line := range strings.Split(string(content), "\n") {
			place := fmt.Sprintf("%s:%d", filepath.Base(path), number+1)
			if current, err = t.take(strings.TrimLeft(line, " "), place, current); err != nil {
				return nil, fmt.Errorf("%s: %w", place, err)
			}
		}
	}
	return t, nil
}

func (t *table) take(line, place string, current *block) (*block, error) {
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case word == "" || strings.HasPrefix(word, "#") || word == "exempt":
		return current, nil
	case word == "case":
		t.cases = append(t.cases, &block{name: rest})
		return t.cases[len(t.cases)-1], nil
	case word == "steps":
		t.steps[rest] = &block{name: rest}
		return t.steps[rest], nil
	case current == nil:
		return nil, t.define(word, rest)
	case word == "unless":
		languages, _, _ := strings.Cut(rest, ":")
		current.unless = strings.Fields(languages)
		return current, nil
	case word == "needs":
		current.needsNetwork = rest == "network"
		return current, nil
	case word == "=":
		if len(current.steps) == 0 {
			return nil, errors.New("an expectation belongs to a step")
		}
		return current, expect(current.steps[len(current.steps)-1], strings.TrimLeft(rest, " "))
	}
	next := &step{verb: word, place: place, status: "CRTX_OK"}
	var err error
	switch word {
	case "let":
		next.arguments, err = assignment(rest)
	case "do":
		next.arguments = []pair{{"steps", '=', rest}}
	default:
		next.arguments, err = pairs(rest)
	}
	current.steps = append(current.steps, next)
	return current, err
}

func (t *table) define(word, rest string) error {
	switch word {
	case "let":
		assigned, err := assignment(rest)
		if err == nil {
			t.variables[assigned[0].name] = variable{text: assigned[0].value}
		}
		return err
	case "default":
		verb, words, _ := strings.Cut(rest, " ")
		given, err := pairs(words)
		t.defaults[verb] = given
		return err
	}
	return errors.New("a step belongs to a case")
}

func assignment(rest string) ([]pair, error) {
	name, text, _ := strings.Cut(rest, " ")
	value, err := unescaped(text)
	return []pair{{name, '=', value}}, err
}

func expect(s *step, words string) error {
	if strings.HasPrefix(words, "CRTX_") || strings.HasPrefix(words, "${") {
		s.status, words, _ = strings.Cut(words, " ")
	}
	expected, err := pairs(words)
	s.expected = append(s.expected, expected...)
	return err
}

func pairs(words string) ([]pair, error) {
	var all []pair
	for words = strings.Trim(words, " "); words != ""; words = strings.TrimLeft(words, " ") {
		end := strings.IndexAny(words, "=~")
		if end < 0 {
			return nil, fmt.Errorf("%q does not begin with NAME=VALUE", words)
		}
		text, rest, err := takeValue(words[end+1:])
		if err != nil {
			return nil, err
		}
		value, err := unescaped(text)
		if err != nil {
			return nil, err
		}
		all = append(all, pair{words[:end], words[end], value})
		words = rest
	}
	return all, nil
}

// takeValue takes what is before the next blank, or in quotes.
func takeValue(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		if end := strings.IndexByte(text, ' '); end >= 0 {
			return text[:end], text[end:], nil
		}
		return text, "", nil
	}
	for end := 1; end < len(text); end++ {
		switch text[end] {
		case '\\':
			end++
		case '"':
			return text[1:end], text[end+1:], nil
		}
	}
	return "", "", errors.New("a quote is not closed")
}

func (b *block) excludes(language string) bool {
	return slices.Contains(b.unless, language)
}
