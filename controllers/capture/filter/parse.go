// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"
	"regexp"
	"strings"
)

// expr is a parsed expression: a primitive, or a combination.
type expr interface{}

type (
	andExpr struct{ a, b expr }
	orExpr  struct{ a, b expr }
	notExpr struct{ of expr }
)

// qualifiers are the words before a value.
type qualifiers struct{ proto, direction, kind string }

func (q qualifiers) String() string {
	return strings.Join(strings.Fields(q.proto+" "+q.direction+" "+q.kind), " ")
}

// primitive is a value with its qualifiers, behind a number of vlan primitives, which move all headers.
type primitive struct {
	qualifiers
	value string
	mask  string
	vlans int
}

// vlanExpr is vlan, or vlan with an ID (id ≥ 0).
type vlanExpr struct{ id, vlans int }

// Words of the syntax.
var (
	protocols  = words("ether ip ip6 arp rarp tcp udp sctp icmp icmp6 igmp igrp pim ah esp vrrp")
	kinds      = words("host net port portrange proto")
	casts      = words("broadcast multicast")
	directions = words("src dst")
	// foreign words begin primitives that this package does not compile.
	foreign = words("gateway protochain link ppp slip fddi tr wlan decnet atalk aarp iso mpls pppoed pppoes geneve inbound outbound " +
		"ifname on rnr rulenum reason rset ruleset srnr subrulenum action type subtype dir addr1 addr2 addr3 addr4 ra ta lat moprc mopdl stp ipx netbeui isis esis clnp len")
)

func words(list string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(list) {
		set[word] = true
	}
	return set
}

var tokens = regexp.MustCompile(`\(|\)|&&|\|\||!|[\\]?[A-Za-z0-9_.:/-]+|\S`)

type parser struct {
	left  []string
	read  []string
	vlans int
	// last are the qualifiers of the last value: "port 80 or 443".
	last qualifiers
}

func parse(text string) (expr, error) {
	p := &parser{left: tokens.FindAllString(text, -1)}
	e, err := p.expression()
	if err == nil && len(p.left) > 0 {
		err = p.unexpected()
	}
	if err != nil {
		return nil, fmt.Errorf("filter %q: %w", text, err)
	}
	return e, nil
}

func (p *parser) peek() string {
	if len(p.left) == 0 {
		return ""
	}
	return p.left[0]
}

func (p *parser) next() string {
	token := p.peek()
	if token != "" {
		p.left = p.left[1:]
		p.read = append(p.read, token)
	}
	return token
}

// accept takes the next token if it is one of these.
func (p *parser) accept(these ...string) string {
	for _, t := range these {
		if p.peek() == t {
			return p.next()
		}
	}
	return ""
}

func (p *parser) unexpected() error {
	token, before := p.peek(), strings.Join(p.read, " ")
	switch {
	case token == "":
		return fmt.Errorf("it ends after %q", before)
	case strings.ContainsAny(token, "[]=<>&|+*%^"):
		return fmt.Errorf("%q after %q: bytes and calculations, such as tcp[13], are not supported", token, before)
	case foreign[token]:
		return fmt.Errorf("%q is not supported", token)
	case before == "":
		return fmt.Errorf("unexpected %q at the beginning", token)
	}
	return fmt.Errorf("unexpected %q after %q", token, before)
}

// expression parses terms. And and or bind equally, from left to right.
func (p *parser) expression() (expr, error) {
	return p.combined(p.term)
}

func (p *parser) combined(part func() (expr, error)) (expr, error) {
	e, err := part()
	for err == nil {
		operator := p.accept("and", "&&", "or", "||")
		if operator == "" {
			return e, nil
		}
		var right expr
		if right, err = part(); err == nil {
			e = combine(operator, e, right)
		}
	}
	return nil, err
}

func combine(operator string, a, b expr) expr {
	if operator == "and" || operator == "&&" {
		return andExpr{a, b}
	}
	return orExpr{a, b}
}

func (p *parser) term() (expr, error) {
	switch {
	case p.accept("not", "!") != "":
		e, err := p.term()
		return notExpr{e}, err
	case p.accept("(") != "":
		return p.closed(p.expression)
	case p.accept("vlan") != "":
		return p.vlan()
	case p.peek() == "less", p.peek() == "greater":
		return p.valueOf(qualifiers{kind: p.next()})
	}
	return p.primitive()
}

func (p *parser) closed(inside func() (expr, error)) (expr, error) {
	e, err := inside()
	if err == nil && p.accept(")") == "" {
		err = p.unexpected()
	}
	return e, err
}

func (p *parser) vlan() (expr, error) {
	e := vlanExpr{id: -1, vlans: p.vlans}
	p.vlans++
	if !isNumber(p.peek()) {
		return e, nil
	}
	id, err := number(p.next(), 0xfff)
	e.id = int(id)
	return e, err
}

// primitive parses qualifiers and what they qualify.
func (p *parser) primitive() (expr, error) {
	q := p.qualifiers()
	switch {
	case casts[p.peek()]:
		q.kind = p.next()
		return p.known(primitive{qualifiers: q, vlans: p.vlans})
	case q.direction == "" && q.kind == "" && q.proto != "":
		return p.known(primitive{qualifiers: q, vlans: p.vlans})
	case q == qualifiers{} && p.last != qualifiers{} && isValue(p.peek()):
		q = p.last
	case q == qualifiers{}:
		return nil, p.unexpected()
	}
	if q.kind == "" {
		q.kind = "host"
	}
	return p.values(q)
}

func (p *parser) qualifiers() (q qualifiers) {
	if protocols[p.peek()] {
		q.proto = p.next()
	}
	if directions[p.peek()] {
		q.direction = p.next()
		if len(p.left) > 1 && (p.left[0] == "or" || p.left[0] == "and") && directions[p.left[1]] && p.left[1] != q.direction {
			q.direction = map[string]string{"or": "", "and": "src and dst"}[p.next()]
			p.next()
			if q.direction == "" {
				q.direction = "src or dst"
			}
		}
	}
	if kinds[p.peek()] {
		q.kind = p.next()
	}
	return q
}

// values parses one value, or several in parentheses.
func (p *parser) values(q qualifiers) (expr, error) {
	p.last = q
	if p.accept("(") != "" {
		return p.closed(func() (expr, error) {
			return p.combined(func() (expr, error) {
				if p.accept("not", "!") != "" {
					e, err := p.valueOf(q)
					return notExpr{e}, err
				}
				return p.valueOf(q)
			})
		})
	}
	return p.valueOf(q)
}

func (p *parser) valueOf(q qualifiers) (expr, error) {
	if !isValue(p.peek()) {
		return nil, p.unexpected()
	}
	e := primitive{qualifiers: q, value: p.next(), vlans: p.vlans}
	if q.kind == "net" && p.accept("mask") != "" {
		if e.mask = p.next(); e.mask == "" {
			return nil, p.unexpected()
		}
	}
	return p.known(e)
}

// known reports what is wrong with a primitive, whatever the frame.
func (p *parser) known(e primitive) (expr, error) {
	_, err := e.lower(frame{})
	return e, err
}

// isValue reports whether a token is an address, a number or an escaped name.
func isValue(token string) bool {
	return token != "" && (strings.Trim(token[:1], `0123456789abcdefABCDEF:\`) == "" || isName(token)) && !isWord(token)
}

func isName(token string) bool {
	return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`).MatchString(token)
}

func isWord(token string) bool {
	return protocols[token] || kinds[token] || casts[token] || directions[token] || foreign[token] ||
		words("and or not vlan less greater mask")[token]
}

func isNumber(token string) bool { return token != "" && token[0] >= '0' && token[0] <= '9' }
