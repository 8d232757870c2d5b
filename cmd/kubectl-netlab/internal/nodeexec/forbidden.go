// SPDX-License-Identifier: Apache-2.0

package nodeexec

import (
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// explainForbidden adds to the API server's refusal, which names the missing right, which verbs need
// it and which do not.
func explainForbidden(err error) error {
	// A refused upgrade of a connection arrives as text.
	if err == nil || !apierrors.IsForbidden(err) && !strings.Contains(err.Error(), "is forbidden: ") {
		return err
	}
	return fmt.Errorf("%w\nexec, ping, pingall, capture and explain FROM TO run on a node and need the rights of its administrator; status NAME and explain NAME [PROBE] need only the right to read the lab", err)
}
