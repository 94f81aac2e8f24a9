OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit[3] c;
bit[2] flips;
ry(0.4) q[0];
for uint i in [1:4] {
  cx q[0], q[1];
  rz(0.3) q[1];
  ry(0.2) q[0];
}
for int i in [3:-1:1] {
  h q[2];
  flips[0] = measure q[2];
  if (flips[0]) { x q[1]; }
  reset q[2];
}
c = measure q;
