// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// This file has the types of single values. A constraint that several fields share is on its type;
// a field adds only what holds for that field alone.
//
// The types of text are aliases of string. Code parses, compares and prints such a value as a string,
// and converting it would check nothing. controller-gen applies the markers of an alias of string, but
// drops those of an alias of another alias without a warning: declare each type here as string.

// Name is the name of a node, a link, a subnet or an interface of a lab: a DNS
// label of at most 15 characters, the limit of the kernel for an interface.
// Must not be lo, all or default: the kernel uses these names.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=15
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
// +kubebuilder:validation:XValidation:rule="!(self in ['lo', 'all', 'default'])",message="must not be lo, all or default: the kernel uses these names"
type Name = string

// ProbeName is the name of a probe: a DNS label of at most 63 characters.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
type ProbeName = string

// NodeName refers to a namespace, a router or a switch of the same lab by its
// name.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=15
type NodeName = string

// SubnetName refers to a subnet of the same lab by its name.
//
// +kubebuilder:validation:MaxLength=15
type SubnetName = string

// LinkName refers to a link of the same lab by its name.
//
// +kubebuilder:validation:MaxLength=15
type LinkName = string

// Gateway is a next hop: the name of a node on the same segment, or an IP
// address.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=45
type Gateway = string

// IPAddress is an IPv4 or IPv6 address without a prefix length, such as
// 192.0.2.1 or fd00::1.
//
// +kubebuilder:validation:MaxLength=45
// +kubebuilder:validation:XValidation:rule="isIP(self)",message="must be an IP address, such as 192.0.2.1 or fd00::1"
type IPAddress = string

// InterfaceAddress is an IPv4 or IPv6 address with its prefix length, such as
// 192.0.2.1/24 or fd00::1/64.
//
// +kubebuilder:validation:MaxLength=49
// +kubebuilder:validation:XValidation:rule="isCIDR(self)",message="must be an address with its prefix length, such as 192.0.2.1/24 or fd00::1/64"
// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || !self.endsWith('/0') && [cidr(self).ip()].all(a, a.isGlobalUnicast() || a.isLinkLocalUnicast())",message="must be a unicast address with a prefix length above 0"
type InterfaceAddress = string

// Prefix is an IPv4 or IPv6 prefix without host bits, such as 192.0.2.0/24 or
// fd00:1::/64.
//
// +kubebuilder:validation:MaxLength=49
// +kubebuilder:validation:XValidation:rule="isCIDR(self) && cidr(self) == cidr(self).masked()",message="must be a prefix without host bits, such as 192.0.2.0/24"
type Prefix = string

// MACAddress is a MAC address, such as 02:00:00:00:00:01.
//
// +kubebuilder:validation:MaxLength=17
// +kubebuilder:validation:Pattern=`^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$`
// +kubebuilder:validation:XValidation:rule="self.matches('^.[02468aceACE]') && self != '00:00:00:00:00:00'",message="must be unicast: the first byte must be even, such as 02, and not all bytes 00"
type MACAddress = string

// VLANID is a VLAN ID (IEEE 802.1Q), from 1 to 4094.
//
// +kubebuilder:validation:Minimum=1
// +kubebuilder:validation:Maximum=4094
type VLANID int32

// MTU is the size of the largest packet that an interface sends, in bytes.
//
// +kubebuilder:validation:Minimum=68
// +kubebuilder:validation:Maximum=65535
type MTU int32

// Duration is a decimal number with the unit us, ms or s, such as 250us, 10ms
// or 1.5s.
//
// +kubebuilder:validation:MaxLength=16
// +kubebuilder:validation:Pattern=`^[0-9]+(\.[0-9]+)?(us|ms|s)$`
type Duration = string

// Percentage is a decimal number from 0% to 100%, such as 0.5%.
//
// +kubebuilder:validation:MaxLength=16
// +kubebuilder:validation:Pattern=`^(100|[0-9]{1,2}(\.[0-9]+)?)%$`
type Percentage = string

// BitRate is a decimal number of bits per second with the unit bit, kbit, Mbit
// or Gbit, such as 10Mbit. The units are decimal: 1kbit is 1000bit.
//
// +kubebuilder:validation:MaxLength=16
// +kubebuilder:validation:Pattern=`^[0-9]+(\.[0-9]+)?(bit|kbit|Mbit|Gbit)$`
type BitRate = string

// Toggle turns a function on or off.
//
// +kubebuilder:validation:Enum=Enabled;Disabled
type Toggle string

// Values of Toggle. Each field documents its default.
const (
	Enabled  Toggle = "Enabled"
	Disabled Toggle = "Disabled"
)
