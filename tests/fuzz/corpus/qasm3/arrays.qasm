OPENQASM 3.0;
include "stdgates.inc";
def f(mutable array[uint[4], #dim=2] a, bit b) -> uint[4] { if (b) { a[0, 1] = 7; return a[1, 0]; } return sizeof(a, 1); }
array[uint[4], 2, 2] a = {{1, 2}, {3, 4}};
qubit[4] q; bit b; output uint[4] r; complex z = 1.0 + 2im; int i = 0;
h q[0]; b = measure q[0]; i += b;
r = f(a, b); a[i, 0][1:2] = "10"; a[0] = a[1]; z *= 2im; if (b) { z += 1; a[i][i] ^= 3; }
x q[i]; cx q[i], q[i + 1]; reset q[-i - 1]; rx(real(z)) q[1];
for uint[4] v in a[1] { r += v; }
