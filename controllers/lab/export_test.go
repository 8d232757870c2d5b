// SPDX-License-Identifier: Apache-2.0

package lab

import "github.com/netlab-dev/netlab/api/v1alpha1"

// CountRows is the number of rows that checkRows compares with the limit.
func CountRows(netlab *v1alpha1.NetLab) int { return walkLab(netlab).rows }
