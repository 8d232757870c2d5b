// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"cmp"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"
)

// DefaultNamespace is the namespace of a lab that names none.
const DefaultNamespace = "default"

// checkMetadata fills in the namespace and checks both names: they become part of file names.
func (d *Document) checkMetadata(options Options) Problems {
	meta := &d.Lab.ObjectMeta
	var problems Problems
	switch message := CheckName(meta.Name); {
	case meta.Name == "" && d.hidden("metadata.name"):
	case meta.Name == "":
		problems = append(problems, d.problem("metadata.name", "is missing", "give the lab a name"))
	case message != "":
		problems = append(problems, d.problem("metadata.name", message, "the name is part of the names of network namespaces"))
	}
	if options.Namespace != "" && meta.Namespace != "" && meta.Namespace != options.Namespace {
		problems = append(problems, d.problem("metadata.namespace",
			fmt.Sprintf("is %q, but the namespace of the command is %q", shorten(meta.Namespace), options.Namespace), "remove one of them"))
	}
	meta.Namespace = cmp.Or(meta.Namespace, options.Namespace, options.Default, DefaultNamespace)
	if message := CheckName(meta.Namespace); message != "" {
		problems = append(problems, d.problem("metadata.namespace", message, ""))
	}
	return problems
}

// CheckName returns the problem of the name of a lab or its namespace; empty if it is valid.
func CheckName(name string) string {
	if len(validation.IsDNS1123Label(name)) == 0 {
		return ""
	}
	return fmt.Sprintf("name %q is not valid: use at most 63 lower-case letters, digits and '-', starting and ending with a letter or digit", shorten(name))
}
