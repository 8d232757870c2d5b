#!/usr/bin/env bash
# gofmt turns the empty string '' in a kubebuilder marker into a curly quote, and so breaks the CEL rule that has it.
#
# Software: Go 1.26 (gofmt)
# Source:   go/printer formats doc comments (formatDocComment() in go/printer/comment.go) by go/doc/comment, whose text has
#           '' for a closing quotation mark. A marker with a space after // is text of the doc comment, unlike //go:build
# Guess:    gofmt changes the layout of a program, and never a character within a line of a comment
# Seen:     rule="self != ''" becomes rule="self != ”" in the doc comment of a type; the comment of a statement keeps it
# So:       write size(self) > 0, or "" with the marker's own quotes escaped

. "$(dirname "$0")/lib/namespace.sh"
needs go:golang-go
printf '          %s\n' "$(go version)"
gofmt=$(go env GOROOT)/bin/gofmt

formatted() {
	"$gofmt" <<'EOF' | grep -oE "$1=.*$"
package p

// T is a type.
// +kubebuilder:validation:XValidation:doc="self != ''"
type T string

func f() {
	// +kubebuilder:validation:XValidation:statement="self != ''"
	_ = 0
}
EOF
}
echo
expect "in a doc comment" "$(formatted doc)" 'doc="self != ”"'
expect "in a statement's comment" "$(formatted statement)" "statement=\"self != ''\""
