OPENQASM 3.0;
include "stdgates.inc";
def f(qubit[2] a, bit b) -> bit[2] { if (b) { x a; } return measure a; }
qubit[4] q;
bit[4] c = "0101";
int[8] n = 3;
c[1:3] = c[0:2];
c[{1, 0}] = f(q[{0, 2}], c[3]);
while (n > 0) { n -= 1; if (c[0]) break; c[0] = measure q[0]; }
switch (c) { case 1, 2 { negctrl @ pow(0.5) @ x q[0], q[1]; } default { end; } }
box[10ns] { delay[2ns] q; ctrl @ gphase(pi / n) q[0]; }
