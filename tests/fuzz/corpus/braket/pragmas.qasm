OPENQASM 3.0;
qubit[2] q;
h q[0];
cnot q[0], q[1];
xy(0.3) q[0], q[1];
ms(0.1, 0.2) q[0], q[1];
#pragma braket unitary([[0.70710678 + 0im, 0.70710678], [0.70710678, -0.70710678]]) q[1]
#pragma braket verbatim
box {
  prx(0.1, 0.2) q[0];
}
#pragma braket result expectation x(q[0]) @ z(q[1])
