// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"

	"golang.org/x/net/bpf"

	"github.com/netlab-dev/netlab/controllers/packet"
)

// maxInstructions is the kernel's limit (BPF_MAXINSNS).
const maxInstructions = 4096

// accepted is how much of a packet is kept: all of it.
const accepted = 1 << 18

// Compile compiles a filter expression for packet sockets. An empty one accepts every packet.
func Compile(text string) ([]packet.Instruction, error) {
	if len(tokens.FindString(text)) == 0 {
		return nil, nil
	}
	e, err := parse(text)
	if err != nil {
		return nil, err
	}
	program, err := sockets(e)
	if err != nil {
		return nil, err
	}
	if len(program) > maxInstructions {
		return nil, fmt.Errorf("the filter is too long: it has %d instructions, and the kernel takes %d", len(program), maxInstructions)
	}
	raw, err := bpf.Assemble(program)
	if err != nil {
		return nil, fmt.Errorf("assemble the filter: %w", err)
	}
	instructions := make([]packet.Instruction, len(raw))
	for i, r := range raw {
		instructions[i] = packet.Instruction{Op: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return instructions, nil
}

// ARPHRD_ numbers of interfaces with Ethernet headers.
const (
	hardwareEthernet = 1
	hardwareLoopback = 772
)

// sockets is a program for packets in the kernel: it chooses the part for the kind of frame.
func sockets(e expr) ([]bpf.Instruction, error) {
	var parts [3][]bpf.Instruction
	for i, f := range []frame{{}, {tagged: true}, {raw: true}} {
		var err error
		if parts[i], err = program(e, f); err != nil {
			return nil, err
		}
	}
	plain, tagged, raw := parts[0], parts[1], parts[2]
	code := []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtLinkLayerType},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: hardwareEthernet, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: hardwareLoopback, SkipTrue: 1},
		bpf.Jump{Skip: uint32(3 + len(plain) + len(tagged))},
		bpf.LoadExtension{Num: bpf.ExtVLANTagPresent},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 1},
		bpf.Jump{Skip: uint32(len(plain))},
	}
	code = append(code, plain...)
	code = append(code, tagged...)
	return append(code, raw...), nil
}

// program is the one for frames of a kind.
func program(e expr, f frame) ([]bpf.Instruction, error) {
	c, err := lower(e, f)
	if err != nil {
		return nil, err
	}
	a := &assembler{at: map[label]int{}}
	yes, no := a.label(), a.label()
	a.condition(c, yes, no)
	a.place(yes)
	a.emit(bpf.RetConstant{Val: accepted})
	a.place(no)
	a.emit(bpf.RetConstant{Val: 0})
	return a.resolve(), nil
}

// label is a place in the code. All jumps go forward, as the kernel demands.
type label int

type assembler struct {
	code   []any // bpf.Instruction or jump
	labels label
	at     map[label]int
}

// jump goes to a label.
type jump struct{ to label }

func (a *assembler) label() label {
	a.labels++
	return a.labels
}

func (a *assembler) place(l label) { a.at[l] = len(a.code) }
func (a *assembler) emit(code any) { a.code = append(a.code, code) }

// condition emits code that goes to one of two labels.
func (a *assembler) condition(c condition, yes, no label) {
	switch c := c.(type) {
	case allOf:
		for _, one := range c {
			next := a.label()
			a.condition(one, next, no)
			a.place(next)
		}
		a.emit(jump{yes})
	case anyOf:
		for _, one := range c {
			next := a.label()
			a.condition(one, yes, next)
			a.place(next)
		}
		a.emit(jump{no})
	case noneOf:
		a.condition(c.of, no, yes)
	case constant:
		if c {
			no = yes
		}
		a.emit(jump{no})
	case test:
		for _, load := range c.loads {
			a.emit(load)
		}
		// A conditional jump reaches 255 instructions, others reach all.
		a.emit(bpf.JumpIf{Cond: c.cond, Val: c.value, SkipFalse: 1})
		a.emit(jump{yes})
		a.emit(jump{no})
	}
}

func (a *assembler) resolve() []bpf.Instruction {
	code := make([]bpf.Instruction, len(a.code))
	for i, c := range a.code {
		if j, ok := c.(jump); ok {
			code[i] = bpf.Jump{Skip: uint32(a.at[j.to] - i - 1)}
		} else {
			code[i], _ = c.(bpf.Instruction)
		}
	}
	return code
}
