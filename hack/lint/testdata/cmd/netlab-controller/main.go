// Command netlab-controller executes no programs.
package main

import _ "os/exec" // want depguard

func main() {}
