OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit[2] c;
bit out;
h q[0];
h q[1];
c[0] = measure q[0];
c[1] = measure q[1];
int[8] which = uint[8](c);
switch (which) {
  case 0, 3 { x q[2]; }
  case 1 { ry(0.5) q[2]; }
  default { ry(1.5) q[2]; }
}
out = measure q[2];
