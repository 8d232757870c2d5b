#!/usr/bin/env bash
# controller-gen drops the validation markers of a type alias whose target is another alias, without a word.
#
# Software: sigs.k8s.io/controller-tools v0.23.0 (controller-gen); Go 1.26
# Source:   localNamedToSchema() in pkg/crd/schema.go goes on with the right-hand side of an alias. If that is a name itself,
#           the field refers to the schema of that name, and nothing reads the markers of the first
# Guess:    "type Veth = Name" adds its markers to those of Name, as "type Veth Name" does
# Seen:     a field of type Veth = Name (Name = string) has the maximum length of Name and not the pattern of Veth; with
#           defined types instead of aliases it has both
# So:       put every marker at one alias, or at the field; a golden CRD in the tests shows the loss

. "$(dirname "$0")/lib/namespace.sh"
needs go:golang-go
[ -n "${FINDING_INSIDE-}" ] && exit
mkdir -p "$(go env GOMODCACHE)" "$(go env GOCACHE)" 2>/dev/null || true
if ! [ -w "$(go env GOMODCACHE)" ] || ! [ -w "$(go env GOCACHE)" ]; then
	export GOPATH=$FINDING_DIR/go GOCACHE=$FINDING_DIR/cache
fi
export GOWORK=off GOFLAGS=-modcacherw
cd "$FINDING_DIR"
mkdir api
cat >api/types.go <<'END'
// +groupName=example.com
package api

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +kubebuilder:validation:MaxLength=15
type Name = string

// +kubebuilder:validation:Pattern=`^v`
type Veth = Name

// +kubebuilder:validation:MaxLength=15
type DefinedName string

// +kubebuilder:validation:Pattern=`^v`
type DefinedVeth DefinedName

// +kubebuilder:object:root=true
type Lab struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Alias   Veth        `json:"alias"`
	Defined DefinedVeth `json:"defined"`
}
END
{ go mod init finding && go get k8s.io/apimachinery@v0.37.2 && go get -tool sigs.k8s.io/controller-tools/cmd/controller-gen@v0.23.0 && go mod tidy; } >build.log 2>&1 || { cat build.log >&2; exit 1; }
printf '          %s\n\n' "$(go version)" "$(go tool controller-gen --version)"
go tool controller-gen crd paths=./api output:crd:stdout >crd.yaml 2>messages

# of FIELD prints the field's schema, on one line.
of() { sed -n "/^          $1:/,/^          [A-Za-z]*:$/p" crd.yaml | sed -n 's/^            //p' | paste -sd' '; }
expect "messages" "$(wc -c <messages)" 0
expect "aliases" "$(of alias)" "maxLength: 15 type: string"
expect "defined types" "$(of defined)" "maxLength: 15 pattern: ^v type: string"
