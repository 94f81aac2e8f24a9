OPENQASM 3.0;
include "stdgates.inc";
const uint n = 5;
qubit[n] q;
bit[n] c;
h q[0];
for uint i in [1:n - 1] { cx q[0], q[i]; }
c = measure q;
