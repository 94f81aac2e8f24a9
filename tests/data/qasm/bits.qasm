OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit[3] a;
bit[3] b;
bit parity;
h q;
a = measure q;
b = ~a & "101" | a << 1;
parity = a[0] ^ a[1] ^ a[2];
if (parity == 1 && b != "000") { x q[0]; }
a[0] = measure q[0];
