OPENQASM 3.0;
include "stdgates.inc"
qubit[2 q;
if (true {
  x q
} else {
  y q q;
}
switch (1) {
  case { x q; }
  case 2 { x q q; }
  default { ; }
def f(qubit a -> bit {
  return mesure a;
}
for int i in [0:1 { x q[i]; }
$x
