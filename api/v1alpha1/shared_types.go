// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// This file has the types of single values. Each constraint stands here once, on its type; a field
// adds only what holds for that field alone.
//
// A type of text is an alias: programs parse, compare and print such a value as the string it is, and
// a conversion would check nothing. controller-gen reads the markers of an alias of string, and
// ignores those of an alias of another alias: each one here is declared as string itself.

// Name is the name of a node, a link, a subnet or an interface of a lab: a DNS label of at most
// 15 characters, which is the longest name an interface can have. lo, all and default are reserved.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=15
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
// +kubebuilder:validation:XValidation:rule="!(self in ['lo', 'all', 'default'])",message="lo, all and default are reserved: the kernel uses them"
type Name = string

// ProbeName is the name of a probe: a DNS label of at most 63 characters.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
type ProbeName = string

// NodeName refers to a namespace, a router or a switch of the same lab.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=15
type NodeName = string

// SubnetName refers to a subnet of the same lab.
//
// +kubebuilder:validation:MaxLength=15
type SubnetName = string

// LinkName refers to a link of the same lab.
//
// +kubebuilder:validation:MaxLength=15
type LinkName = string

// Gateway is a next hop: the name of a node that shares a link with this one, or an IP address.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=45
type Gateway = string

// IPAddress is an IPv4 or IPv6 address without a prefix length, such as 192.0.2.1 or fd00::1.
//
// +kubebuilder:validation:MaxLength=45
// +kubebuilder:validation:XValidation:rule="isIP(self)",message="must be an IP address, such as 192.0.2.1 or fd00::1"
type IPAddress = string

// InterfaceAddress is the address of an interface with its prefix length, such as 192.0.2.1/24
// or fd00::1/64.
//
// +kubebuilder:validation:MaxLength=49
// +kubebuilder:validation:XValidation:rule="isCIDR(self)",message="must be an address with its prefix length, such as 192.0.2.1/24 or fd00::1/64"
type InterfaceAddress = string

// Prefix is an address range without host bits, such as 192.0.2.0/24 or fd00:1::/64.
//
// +kubebuilder:validation:MaxLength=49
// +kubebuilder:validation:XValidation:rule="isCIDR(self) && cidr(self) == cidr(self).masked()",message="must be a prefix without host bits, such as 192.0.2.0/24"
type Prefix = string

// MACAddress is an Ethernet address, such as 02:00:00:00:00:01.
//
// +kubebuilder:validation:MaxLength=17
// +kubebuilder:validation:Pattern=`^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$`
type MACAddress = string

// VLANID is the number of a VLAN (IEEE 802.1Q).
//
// +kubebuilder:validation:Minimum=1
// +kubebuilder:validation:Maximum=4094
type VLANID int32

// MTU is the largest packet an interface sends, in bytes.
//
// +kubebuilder:validation:Minimum=68
// +kubebuilder:validation:Maximum=65535
type MTU int32

// Duration is a time with its unit, us, ms or s, such as 10ms, 250us or 1.5s.
//
// +kubebuilder:validation:MaxLength=16
// +kubebuilder:validation:Pattern=`^[0-9]+(\.[0-9]+)?(us|ms|s)$`
type Duration = string

// Percentage is a share from 0% to 100%, such as 0.5%.
//
// +kubebuilder:validation:MaxLength=16
// +kubebuilder:validation:Pattern=`^(100|[0-9]{1,2}(\.[0-9]+)?)%$`
type Percentage = string

// BitRate is a number of bits per second with a decimal unit, such as 64kbit, 10Mbit or 1Gbit.
//
// +kubebuilder:validation:MaxLength=16
// +kubebuilder:validation:Pattern=`^[0-9]+(\.[0-9]+)?(bit|kbit|Mbit|Gbit)$`
type BitRate = string

// Toggle turns a function on or off. Each field says what an empty one means.
//
// +kubebuilder:validation:Enum=Enabled;Disabled
type Toggle string

// The values of Toggle.
const (
	Enabled  Toggle = "Enabled"
	Disabled Toggle = "Disabled"
)
