// SPDX-License-Identifier: Apache-2.0

// Package apiclient is what the plugin does with the NetLabs of an API server: it reads, applies, follows
// and deletes them. NetLab is the only resource it knows, so it makes no discovery requests.
//
// Apply is kubectl's server-side apply, with kubectl's field manager: both may be used for the same lab.
//
// Follow reads the lab and then watches it. A watch ends for many reasons that say nothing about the lab,
// so Follow reads again and goes on until its caller is satisfied or its context ends.
package apiclient
