OPENQASM 3.0;
include "stdgates.inc";
def f(qubit a, int n) -> bit { for int i in [1:n] { x a; } return measure a; }
gate g(t) a, b { ctrl @ rx(t / 2) a, b; inv @ s a; }
qubit[4] q; bit[4] c; angle t = pi; int n = 0; let a = q[0:2] ++ q[3];
while (n < 3) { n += 1; if (c[0]) { t = pi / 4; } else { break; } }
switch (c) { case 1, 2 { x a[1]; } default { g(t) q[0], q[1]; } }
c[0] = f(q[0], 3); pow(0.5) @ x q[2]; delay[10ns] q; box { x q; } c = measure q; end;
