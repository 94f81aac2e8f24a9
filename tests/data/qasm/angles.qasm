OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit[3] c;
h q[0];
c[0] = measure q[0];
float[64] x = 0.25;
if (c[0]) { x = x * 3 + 0.1; }
rx(x) q[1];
ctrl @ p(x / 2) q[0], q[1];
c[1] = measure q[1];
rz(pi / 4 * uint[2](c[0:1])) q[0];
h q[0];
c[2] = measure q[0];
