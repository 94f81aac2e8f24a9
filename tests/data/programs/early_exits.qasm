// Loops and subroutines that a measurement leaves early.
OPENQASM 3.1;
include "stdgates.inc";
def g(qubit a, bit b) -> int { int n = 0; while (n < 5) { n += 1; for int i in [0:2] { if (b) { return n + i; } if (n == 3) break; } } return n; }
gate l(t) a { for int i in [1:2] { rx(t * i) a; } }
qubit[2] q; bit c; output int[4] n;
l(pi) q[0]; c = measure q[0];
for int i in [0:n] { if (c) continue; n += g(q[1], c); }
while (n < 3) { n += 1; if (c && g(q[0], c) > 1) { break; } switch (n) { case 1, 2 { end; } default { h q; } } }
box[10ns] { delay[2 * 5us] q; }
