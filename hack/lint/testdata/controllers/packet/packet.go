// Package packet holds plain values.
package packet
