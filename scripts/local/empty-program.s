# What zig links in place of a function: see quayside-link. Without instructions, it is the same for every architecture.
.globl main
main:
