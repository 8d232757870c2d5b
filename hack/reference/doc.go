// SPDX-License-Identifier: Apache-2.0

// Command reference writes what the comments of the API types say: the reference page api/README.md, and the table of
// conditions and reasons of package reason. `make generate` runs it.
package main
